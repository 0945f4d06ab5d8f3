"""Letters: what happened goes over SMTP to those who want it, once."""

import ipaddress
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from handlers.auth.letters import Letter
from handlers.notices.mail import SmtpLetters
from handlers.notices.models import Happening, Subject
from handlers.notices.service import Notices
from handlers.notices.settings import NoticesSettings
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
    monkeypatch.setenv("MIXEE_NOTICES_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("MIXEE_NOTICES_SMTP_PORT", str(box.port))
    monkeypatch.setenv("MIXEE_NOTICES_SMTP_SECURITY", "none")
    return await cluster()


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

    (letter,) = box.letters
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

    (letter,) = box.letters
    assert letter["Subject"] == "A sign-in to your account"
    assert letter.get_content().startswith("- Your account was signed in on ")


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
    assert [(one["To"], one["Subject"]) for one in box.letters] == [(ada.user["email"], "1 thing happened on Mixee")]
    assert "Group 1" in box.letters[0].get_content()
    assert "Group 2" not in box.letters[0].get_content()


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
    lines = [one for one in box.letters[0].get_content().splitlines() if one.startswith("- ")]
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
    assert box.letters == []
    clock.advance(seconds=11)
    outcomes.append(await service.post.send_due())

    assert outcomes == [0, 0, 0, 0, 1]
    assert len(box.letters) == 1


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
    assert box.letters == []
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

    assert (sum(sent), len(box.letters)) == (1, 1)


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


LETTER = Letter("1", "email", "ada@example.com", "Subject", "Text ü\n", datetime(2026, 11, 24, 12, tzinfo=UTC))


def settings(box: Mailbox, **more: object) -> NoticesSettings:
    return NoticesSettings.model_validate({"smtp_host": "127.0.0.1", "smtp_port": box.port, **more})


async def test_a_letter_does_not_go_over_an_unsafe_connection_unless_that_is_wanted(box: Mailbox) -> None:
    with pytest.raises(OSError, match="STARTTLS"):
        await SmtpLetters(settings(box)).send(LETTER)
    assert box.letters == []

    await SmtpLetters(settings(box, smtp_security="none")).send(LETTER)

    assert (box.letters[0].get_content().strip(), box.letters[0]["Message-ID"]) == ("Text ü", "<1@mixee>")


async def test_a_letter_goes_over_starttls_with_name_and_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = _certificate(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    async with mail_server(tls) as box:
        secret = {"smtp_user": "mixee", "smtp_password": "secret of mail"}
        with pytest.raises(OSError, match="certificate"):
            await SmtpLetters(settings(box, **secret)).send(LETTER)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        await SmtpLetters(settings(box, **secret)).send(LETTER)

    assert box.logins == [("mixee", "secret of mail")]
    assert [one["To"] for one in box.letters] == ["ada@example.com"]


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "mail.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path
