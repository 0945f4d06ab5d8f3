"""Letters: what happened goes over SMTP to those who want it, once."""

from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import orjson
import pytest

from handlers.notices.models import Happening, Subject
from handlers.notices.service import Notices
from tests.conftest import PASSWORD, Cluster, People
from tests.handlers.contacts.helpers import verify
from tests.handlers.notices.helpers import group, notices, settled, wish
from tests.handlers.social.helpers import ask
from tests.harness.clock import TurnableClock
from tests.harness.mail import Mailbox, mail_server
from tests.harness.people import Person
from tests.harness.servers import Server


@pytest.fixture
async def box() -> AsyncIterator[Mailbox]:
    """A mail server that takes letters."""
    async with mail_server() as one:
        yield one


@pytest.fixture
async def mailing(cluster: Cluster, box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server that sends its letters there."""
    monkeypatch.setenv("MIXEE_MAIL_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("MIXEE_MAIL_SMTP_PORT", str(box.port))
    monkeypatch.setenv("MIXEE_MAIL_SMTP_SECURITY", "none")
    return await cluster()


def told(box: Mailbox) -> list[EmailMessage]:
    """The letters of notices there, without those that greet new accounts."""
    return [one for one in box.letters if one["Subject"] != "Confirm your e-mail address"]


def happening(person: Person, event: str, actor: Person) -> Happening:
    return Happening(event, person.id, "group_added", event, actor.id, Subject(name=f"Group {event}"))


async def test_what_happened_comes_in_one_letter_once_a_day(
    mailing: Server, box: Mailbox, people: People, clock: TurnableClock
) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo", at=mailing)
    await verify(mailing, ada)
    for one in (bob, cleo):
        await ask(one, ada)
        await settled(mailing)
    await group(bob, ada)
    await settled(mailing)
    service: Notices = mailing.service("notices")

    at_once = await service.post.send_due()
    clock.advance(hours=24)
    assert (at_once, await service.post.send_due(), await service.post.send_due()) == (0, 1, 0)

    (letter,) = told(box)
    assert (letter["To"], letter["Subject"]) == (ada.user["email"], "2 things happened on Mixee")
    assert letter["From"] == "Mixee <mixee@localhost>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content().splitlines() == [
        "- Bob added you to the group “Hikers”.",
        "- Cleo and Bob ask to be friends.",
        "",
        "How and when you are told is set in the app, under notices.",
    ]
    clock.advance(days=2)
    assert await service.post.send_due() == 0


async def test_a_sign_in_is_mailed_at_once_at_any_hour(mailing: Server, box: Mailbox, people: People) -> None:
    (ada,) = await people("ada", at=mailing)
    await verify(mailing, ada)
    await wish(ada, quietHours={"start": "00:00", "end": "00:00"})

    await ada.ask("POST", "/api/auth/login", {"username": "ada", "password": PASSWORD})
    await settled(mailing)
    await mailing.service("notices").post.send_due()

    (letter,) = told(box)
    assert letter["Subject"] == "A sign-in to your account"
    assert letter.get_content().startswith("- Your account was signed in on Python from 127.0.0.0/24.")


async def test_what_was_read_meanwhile_and_what_nobody_wants_is_not_mailed(
    mailing: Server, box: Mailbox, people: People, clock: TurnableClock
) -> None:
    ada, bob, cleo, dan = await people("ada", "bob", "cleo", "dan", at=mailing)
    for one in (ada, cleo):
        await verify(mailing, one)
    await wish(cleo, kinds={"groupAdded": {"email": False}})
    service: Notices = mailing.service("notices")
    for one in (ada, cleo, dan):
        await service.tell(happening(one, "1", bob))
    await service.tell(happening(ada, "2", bob))
    await ada.ask("POST", f"/api/notices/{(await notices(ada))[0]['id']}/read")

    clock.advance(days=1)
    await service.post.send_due()

    # Dan has not proved that the address is his.
    assert [(one["To"], one["Subject"]) for one in told(box)] == [(ada.user["email"], "1 thing happened on Mixee")]
    assert "Group 1" in told(box)[0].get_content()
    assert "Group 2" not in told(box)[0].get_content()


async def test_a_letter_names_twenty_things_and_counts_the_others(
    mailing: Server, box: Mailbox, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob", at=mailing)
    await verify(mailing, ada)
    service: Notices = mailing.service("notices")
    for n in range(23):
        await service.tell(happening(ada, str(n), bob))

    clock.advance(days=1)
    sent = [await service.post.send_due() for _ in range(2)]

    assert sent == [1, 0]
    lines = [one for one in told(box)[0].get_content().splitlines() if one.startswith("- ")]
    assert (len(lines), lines[0], lines[-1]) == (21, "- Bob added you to the group “Group 22”.", "- and 3 more.")


async def test_a_letter_that_is_not_taken_is_tried_again_ever_more_seldom(
    mailing: Server, box: Mailbox, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob", at=mailing)
    await verify(mailing, ada)
    service: Notices = mailing.service("notices")
    await service.tell(happening(ada, "1", bob))
    clock.advance(days=1)
    box.answer = "451 come back later"

    outcomes = [await service.post.send_due()]
    clock.advance(seconds=110)
    outcomes.append(await service.post.send_due())
    clock.advance(seconds=11)
    outcomes.append(await service.post.send_due())
    box.answer = None
    clock.advance(seconds=230)
    outcomes.append(await service.post.send_due())
    assert told(box) == []
    clock.advance(seconds=11)
    outcomes.append(await service.post.send_due())

    assert outcomes == [0, 0, 0, 0, 1]
    assert len(told(box)) == 1


async def test_a_letter_that_is_never_taken_is_given_up(
    mailing: Server, box: Mailbox, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob", at=mailing)
    await verify(mailing, ada)
    service: Notices = mailing.service("notices")
    await service.tell(happening(ada, "1", bob))
    box.answer = "550 no such mailbox"

    for _ in range(8):
        clock.advance(days=1)
        assert await service.post.send_due() == 0
    box.answer = None
    clock.advance(days=1)

    assert await service.post.send_due() == 0
    assert told(box) == []
    assert len(await server_mail(mailing)) == 0


async def server_mail(server: Server) -> list[object]:
    return list(await server.app.mongo.collection("notice_mail").find({}, limit=9))


async def test_two_servers_send_a_letter_once(
    mailing: Server, box: Mailbox, cluster: Cluster, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob", at=mailing)
    await verify(mailing, ada)
    other = await cluster()
    await other.service("notices").tell(happening(ada, "1", bob))
    clock.advance(days=1)

    sent = [await one.service("notices").post.send_due() for one in (mailing, other)]

    assert (sum(sent), len(told(box))) == (1, 1)


async def test_without_a_mail_server_letters_are_files(
    server: Server, people: People, clock: TurnableClock, tmp_path: Path
) -> None:
    ada, bob = await people("ada", "bob")
    await verify(server, ada)
    await server.service("notices").tell(happening(ada, "1", bob))
    clock.advance(days=1)

    await server.service("notices").post.send_due()

    found = [orjson.loads(one.read_bytes()) for one in (tmp_path / "outbox").glob("*.json")]
    assert [one["to"] for one in found if one["subject"] == "1 thing happened on Mixee"] == [ada.user["email"]]
