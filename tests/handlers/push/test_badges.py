"""A sleeping device shows the right badge whatever changes it, and nothing of what is read or gone."""

from datetime import timedelta
from typing import Any

import pytest

from handlers.push.models import Note, Outcome, Target
from tests.conftest import Cluster, People
from tests.handlers.chat.helpers import block, first_contact, group, say, unblock
from tests.handlers.push.endpoints import Browser, Service
from tests.handlers.push.test_pushing import idle, opened, subscribe
from tests.harness.clock import TurnableClock
from tests.harness.people import Person


async def asleep_with_two(pushing: Service, people: People) -> tuple[Person, Person, Browser, list[str]]:
    """Ada, and Bob with something unread in two of three groups, which his sleeping browser was told."""
    ada, bob = await people("ada", "bob")
    groups = [await group(ada, bob) for _ in range(3)]
    browser = await subscribe(bob, pushing)
    for one in groups[:2]:
        await say(ada, one, "Hello")
        await idle(bob)
    assert [told["badge"] for told in opened(pushing, browser)] == [1, 2]
    return ada, bob, browser, groups


async def told(pushing: Service, bob: Person, browser: Browser, *, since: int = 2) -> list[Any]:
    """What the browser was told since, when all that happened is dealt with."""
    await idle(bob)
    return opened(pushing, browser)[since:]


async def test_r27_muting_elsewhere_takes_the_conversation_out_of_the_badge_and_unmuting_brings_it_back(
    pushing: Service, people: People
) -> None:
    ada, bob, browser, (one, *_) = await asleep_with_two(pushing, people)

    await bob.ask("PUT", f"/api/conversations/{one}", {"muted": True})
    assert await told(pushing, bob, browser) == [{"badge": 1, "clear": []}]
    await say(ada, one, "While it is muted")
    await idle(bob)
    await bob.ask("PUT", f"/api/conversations/{one}", {"muted": False})

    silent = {"badge": 2, "clear": []}
    assert (await told(pushing, bob, browser))[1:] == [silent]  # what was said meanwhile wakes nobody afterwards


async def test_r27_muting_that_ends_by_itself_brings_the_conversation_back_into_the_badge(
    pushing: Service, people: People, clock: TurnableClock
) -> None:
    _, bob, browser, (one, *_) = await asleep_with_two(pushing, people)
    end = (clock.now() + timedelta(minutes=5)).isoformat()
    await bob.ask("PUT", f"/api/conversations/{one}", {"mutedUntil": end})
    await idle(bob)

    clock.advance(minutes=5)

    notes = await told(pushing, bob, browser)
    assert notes == [{"badge": 1, "clear": []}, {"badge": 2, "clear": []}]


async def test_r27_archiving_elsewhere_takes_the_notification_away_and_what_is_said_then_brings_all_back(
    pushing: Service, people: People
) -> None:
    ada, bob, browser, (one, *_) = await asleep_with_two(pushing, people)

    await bob.ask("PUT", f"/api/conversations/{one}", {"isArchived": True})
    assert await told(pushing, bob, browser) == [{"badge": 1, "clear": [one]}]
    oops = await say(ada, one, "Oops")
    await idle(bob)
    await ada.ask("DELETE", f"/api/messages/{oops['id']}")

    back = (await told(pushing, bob, browser))[1:]
    assert [(note["badge"], note["unread"]) for note in back] == [(2, 2)]  # it is listed again with what was unread
    page = await bob.ask("GET", "/api/conversations")
    assert {shown["id"]: shown["unread"] for shown in page["conversations"]}[one] == 1
    assert page["total"] == 2


async def test_r27_blocking_somebody_takes_back_what_he_said_and_unblocking_brings_back_the_badge_alone(
    pushing: Service, people: People
) -> None:
    ada, bob, browser, groups = await asleep_with_two(pushing, people)

    await block(bob, ada)
    notes = await told(pushing, bob, browser)
    await unblock(bob, ada)

    assert notes[-1]["badge"] == 0
    assert sorted(one for note in notes for one in note["clear"]) == sorted(groups[:2])
    assert (await told(pushing, bob, browser))[len(notes) :] == [{"badge": 2, "clear": []}]


async def test_r28_who_answers_elsewhere_has_read(pushing: Service, people: People) -> None:
    _, bob, browser, (one, *_) = await asleep_with_two(pushing, people)

    await say(bob, one, "An answer")
    await bob.ask("GET", "/api/conversations")  # what he has read by answering is written down

    assert await told(pushing, bob, browser) == [{"badge": 1, "clear": [one]}]


async def test_r27_a_request_counts_once_it_is_accepted(pushing: Service, people: People, cluster: Cluster) -> None:
    server = await cluster(limits="on")
    ada, bob = await people("ada", "bob", at=server)
    browser = await subscribe(bob, pushing)
    conversation = await first_contact(ada, bob)
    await say(ada, conversation, "Hello, I am Ada")
    await idle(bob)

    await bob.ask("POST", f"/api/message-requests/{conversation}/accept")

    notes = await told(pushing, bob, browser, since=0)
    assert notes == [{"badge": 1, "clear": []}] * len(notes) != []  # once or, by two servers at once, more often


@pytest.mark.parametrize("confirmed", [True, False])
async def test_r28_what_another_device_got_counts_until_it_is_read(
    pushing: Service, people: People, confirmed: bool
) -> None:
    ada, bob, browser, (_, _, third) = await asleep_with_two(pushing, people)
    laptop = await bob.socket("laptop")

    said = await say(ada, third, "Third")
    if confirmed:
        await laptop.ask("message:delivered", {"conversationId": third, "messageId": said["id"]})
    (note,) = await told(pushing, bob, browser)
    await bob.ask("POST", f"/api/conversations/{third}/read", {"messageId": said["id"]})

    assert (note["badge"], note.get("body")) == (3, None if confirmed else "Ada: Third")
    assert (await told(pushing, bob, browser))[1:] == [{"badge": 2, "clear": [] if confirmed else [third]}]


async def test_r28_a_device_that_is_awake_hears_of_reading_by_itself(pushing: Service, people: People) -> None:
    _, bob, browser, (one, *_) = await asleep_with_two(pushing, people)
    await bob.socket(device=None)

    await bob.ask("POST", f"/api/conversations/{one}/read", {"upToSeq": 2})

    assert await told(pushing, bob, browser) == []


async def test_r28_a_device_shows_what_the_app_showed_when_it_registered(pushing: Service, people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    message = await say(ada, conversation, "Before the device had a place to be pushed to")
    browser = await subscribe(bob, pushing)

    await bob.ask("POST", f"/api/conversations/{conversation}/read", {"messageId": message["id"]})

    assert await told(pushing, bob, browser, since=0) == [{"badge": 0, "clear": []}]


async def test_r29_marking_as_unread_is_in_the_badge_until_it_is_read(pushing: Service, people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    browser = await subscribe(bob, pushing)

    await bob.ask("POST", f"/api/conversations/{conversation}/unread", {})
    await idle(bob)
    await bob.ask("POST", f"/api/conversations/{conversation}/read", {"upToSeq": 1})

    assert await told(pushing, bob, browser, since=0) == [{"badge": 1, "clear": []}, {"badge": 0, "clear": []}]


async def test_r43_what_somebody_deletes_for_himself_is_taken_from_his_devices(
    pushing: Service, people: People
) -> None:
    _, bob, browser, (one, *_) = await asleep_with_two(pushing, people)

    await bob.ask("POST", f"/api/messages/{one}:2/hide", {})

    assert await told(pushing, bob, browser) == [{"badge": 1, "clear": [one]}]


async def test_r43_what_was_deleted_leaves_the_badge_also_where_it_was_never_pushed(
    pushing: Service, people: People
) -> None:
    ada, bob = await people("ada", "bob")
    old, new = await group(ada, bob), await group(ada, bob)
    message = await say(ada, old, "Before the device had a place to be pushed to")
    browser = await subscribe(bob, pushing)
    await say(ada, new, "After")
    await idle(bob)

    await ada.ask("DELETE", f"/api/messages/{message['id']}")

    assert [note["badge"] for note in await told(pushing, bob, browser, since=0)] == [2, 1]


async def test_r40_a_message_that_expires_takes_its_notification_and_its_badge_with_it(
    pushing: Service, people: People, clock: TurnableClock
) -> None:
    ada, bob, browser, (_, _, third) = await asleep_with_two(pushing, people)
    for seconds in (60, 120):
        await say(ada, third, "for a while", expiresIn=seconds)
        await idle(bob)

    clock.advance(seconds=61)
    between = await told(pushing, bob, browser)
    clock.advance(seconds=60)

    assert [(note["badge"], note["unread"]) for note in between] == [(3, 1), (3, 2)]
    assert (await told(pushing, bob, browser))[2:] == [{"badge": 2, "clear": [third]}]


async def test_r26_of_two_notes_at_once_that_came_in_any_order_another_tells_what_is_true(
    pushing: Service, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, bob, browser, (one, *_) = await asleep_with_two(pushing, people)
    worker = bob.server.service("push").worker
    sender, targets = worker._senders["webpush"], worker._targets
    send, meddled = sender.send, False

    async def overtaken(target: Target, note: Note) -> Outcome:
        """While this note is on its way, another process tells the device something else."""
        nonlocal meddled
        if not meddled:
            meddled = True
            found = await targets.get(target.session_id)
            assert found is not None
            await send(target, Note(note.thread, 7))
            assert await targets.told(found, 7)
        outcome: Outcome = await send(target, note)
        return outcome

    monkeypatch.setattr(sender, "send", overtaken)
    await bob.ask("POST", f"/api/conversations/{one}/read", {"upToSeq": 2})

    notes = await told(pushing, bob, browser)
    assert [note["badge"] for note in notes] == [7, 1, 1]
