"""Typing: passed on to the others, now and then, and never kept."""

import pytest

from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import block, direct, group, missed, say
from tests.harness.clock import TurnableClock
from tests.harness.people import Refusal, Socket
from tests.harness.servers import until


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
            "several": False,
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


@pytest.fixture
def long(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Typing lasts for ten minutes and is passed on once in half a minute: no test is so slow."""
    for server in pair:
        typing = server.service("chat").typing
        rules = typing._rules.model_copy(update={"typing_every_seconds": 30.0, "typing_ends_seconds": 600.0})
        monkeypatch.setattr(typing, "_rules", rules)


async def heard(socket: Socket) -> list[tuple[str | None, bool, bool]]:
    """Who types, whether he begins, and whether it is said of several."""
    await socket.settle()
    return [(one["userId"], one["isTyping"], one["several"]) for one in socket.events("message:typing")]


@pytest.mark.usefixtures("long")
async def test_r30_a_device_hears_typing_only_in_conversations_that_it_has_open(people: People, pair: Pair) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    first, second = await group(ada, bob, cyd), await group(ada, bob, cyd, name="Other")
    adas, phone, laptop = await ada.socket(), await bob.socket("phone"), await bob.at(pair[1]).socket("laptop")
    simple = await cyd.at(pair[1]).socket()
    assert await phone.ask("conversation:open", {"conversationId": first}) == {
        "conversationId": first,
        "onlineCount": None,
    }
    await laptop.ask("conversation:open", {"conversationId": second})

    await types(adas, first)
    await types(adas, second)

    await until_where(simple, [first, second])
    await until_where(laptop, [second])
    await until_where(phone, [first])

    assert await phone.ask("conversation:close", {"conversationId": first}) is None
    await laptop.ask("conversation:open", {"conversationId": first})
    await types(adas, first, now=False)
    await types(adas, second, now=False)
    await until_where(simple, [first, second, first, second])
    await until_where(laptop, [second, first, second])
    await until_where(phone, [first])


async def until_where(socket: Socket, expected: list[str]) -> None:
    """Somebody hears typing in these conversations, one after the other, and nowhere else."""

    async def all_there() -> bool:
        return len(await heard(socket)) >= len(expected)

    await until(all_there)
    assert [one["conversationId"] for one in socket.events("message:typing")] == expected


async def test_r30_what_a_device_has_open_ends_with_its_connection(people: People) -> None:
    ada, bob = await people("ada", "bob")
    first, second = await group(ada, bob), await group(ada, bob, name="Other")
    adas, bobs = await ada.socket(), await bob.socket("phone")
    await bobs.ask("conversation:open", {"conversationId": first})
    await bobs.close()

    again = await bob.socket("phone")
    await types(adas, second)

    assert (await again.next("message:typing"))["conversationId"] == second


async def test_r30_a_stranger_opens_nothing(people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob)
    cyds = await cyd.socket()

    with pytest.raises(Refusal) as refusal:
        await cyds.ask("conversation:open", {"conversationId": conversation})

    assert refusal.value.code == "not_found"


@pytest.mark.usefixtures("long")
async def test_r30_of_more_than_three_who_type_the_others_are_several(
    people: People, pair: Pair, clock: TurnableClock
) -> None:
    reader, *typists = await people("reader", "ada", "bob", "cyd", "dan", "eve")
    conversation = await group(reader, *typists)
    readers = await reader.socket()
    sockets = [await one.at(pair[place % 2]).socket() for place, one in enumerate(typists)]
    ada, bob, cyd, dan, _ = [one.id for one in typists]

    for socket in sockets:
        await types(socket, conversation)

    await readers.next("message:typing")
    expected = [(ada, True, False), (bob, True, False), (cyd, True, False), (None, True, True)]
    await until_heard(readers, expected)
    await types(sockets[3], conversation, now=False)  # he was not named
    await types(sockets[0], conversation, now=False)
    clock.advance(seconds=30)
    await types(sockets[3], conversation)
    await until_heard(readers, [*expected, (ada, False, False), (dan, True, False)])
    clock.advance(seconds=601)  # nobody has typed for so long
    await types(sockets[4], conversation)
    await until_heard(readers, [*expected, (ada, False, False), (dan, True, False), (typists[4].id, True, False)])


async def until_heard(socket: Socket, expected: list[tuple[str | None, bool, bool]]) -> None:
    async def all_there() -> bool:
        return len(await heard(socket)) >= len(expected)

    await until(all_there)
    assert await heard(socket) == expected


async def test_r30_typing_is_over_after_six_seconds_and_with_what_was_said(
    people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    adas, bobs = await ada.socket(), await bob.socket()

    await types(adas, conversation)
    clock.advance(seconds=6)
    await types(adas, conversation, now=False)  # nobody sees him type any more
    assert [one[1] for one in await heard(bobs)] == [True]

    await types(adas, conversation)
    await say(ada, conversation)
    await types(adas, conversation, now=False)  # what he said has told it
    await types(adas, conversation)
    assert [one[1] for one in await heard(bobs)] == [True, True, True]


async def test_r30_a_blocked_member_of_a_group_and_those_from_whom_one_hides_see_no_typing(people: People) -> None:
    ada, bob, cyd, dan = await people("ada", "bob", "cyd", "dan")
    conversation = await group(ada, bob, cyd, dan)
    await block(ada, bob)
    await ada.ask("PUT", "/api/users/me/privacy", {"presenceNever": [cyd.id]})
    sockets = [await one.socket() for one in (ada, bob, cyd, dan)]

    await types(sockets[0], conversation)

    await sockets[3].next("message:typing")
    assert [len(await heard(one)) for one in sockets[1:]] == [0, 0, 1]


async def test_r30_whoever_opens_a_large_group_is_told_how_many_are_here(people: People, crowd: list[str]) -> None:
    ada, bob = await people("ada", "bob")
    wanted = {"type": "group", "name": "Crowd", "participantIds": [bob.id, *crowd[:99]]}
    conversation = (await ada.ask("POST", "/api/conversations", wanted))["id"]
    adas = await ada.socket()
    await adas.next("presence:snapshot")

    opened = await adas.ask("conversation:open", {"conversationId": conversation})

    assert opened["onlineCount"] == 1
