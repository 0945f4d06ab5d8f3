"""Typing: passed on to the others, now and then, and never kept."""

import pytest

from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import direct, group, missed
from tests.harness.clock import TurnableClock
from tests.harness.people import Refusal, Socket


async def types(socket: Socket, conversation: str, *, now: bool = True, **more: str) -> None:
    """Somebody types, or stops."""
    assert await socket.ask("message:typing", {"conversationId": conversation, "isTyping": now, **more}) is None


async def test_typing_reaches_the_others_on_every_server_and_leaves_no_trace(people: People, pair: Pair) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    adas, bobs, cyds = await ada.socket(), await bob.socket(), await cyd.at(pair[1]).socket()

    await types(adas, conversation, kind="voice")

    for socket in (bobs, cyds):
        assert await socket.next("message:typing") == {
            "conversationId": conversation,
            "userId": ada.id,
            "isTyping": True,
            "kind": "voice",
        }
    await adas.settle()
    assert adas.events("message:typing") == []
    assert await missed(bob, conversation) == [(1, "member")]


async def test_r30_typing_is_passed_on_every_three_seconds_and_its_end_at_once(
    people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    adas, bobs = await ada.socket(), await bob.socket()

    for pause in (0, 1, 1, 1.1):
        clock.advance(seconds=pause)
        await types(adas, conversation)
    await types(adas, conversation, now=False)
    await types(adas, conversation, now=False)

    await bobs.settle()
    assert [one["isTyping"] for one in bobs.events("message:typing")] == [True, True, False]


async def test_r30_who_hides_when_he_is_online_does_not_show_that_he_types(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await ada.ask("PUT", "/api/users/me/privacy", {"showOnlineStatus": False})
    adas, bobs = await ada.socket(), await bob.socket()

    await types(adas, conversation)

    await bobs.settle()
    assert bobs.events("message:typing") == []


async def test_r30_in_a_group_of_more_than_a_hundred_nobody_sees_typing(people: People, crowd: list[str]) -> None:
    ada, bob = await people("ada", "bob")
    wanted = {"type": "group", "name": "Crowd", "participantIds": [bob.id, *crowd[:99]]}
    conversation = (await ada.ask("POST", "/api/conversations", wanted))["id"]
    adas, bobs = await ada.socket(), await bob.socket()

    await types(adas, conversation)

    await bobs.settle()
    assert bobs.events("message:typing") == []


async def test_a_stranger_cannot_type_anywhere(people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await direct(ada, bob)
    bobs, cyds = await bob.socket(), await cyd.socket()

    with pytest.raises(Refusal) as refusal:
        await types(cyds, conversation)

    assert refusal.value.code == "not_found"
    await bobs.settle()
    assert bobs.events("message:typing") == []


async def test_who_was_removed_through_another_server_a_moment_ago_shows_nobody_that_he_types(
    people: People, pair: Pair, clock: TurnableClock
) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    adas, bobs = await ada.socket(), await bob.socket()
    await types(bobs, conversation)
    await adas.next("message:typing")
    await ada.at(pair[1]).ask("DELETE", f"/api/conversations/{conversation}/participants/{bob.id}")

    await types(bobs, conversation)  # too soon to be passed on
    clock.advance(seconds=3)
    with pytest.raises(Refusal) as refusal:
        await types(bobs, conversation)

    assert refusal.value.code == "not_found"
    await adas.settle()
    assert len(adas.events("message:typing")) == 1
