"""Requests of strangers: what they may say before they are accepted, what they learn, and how they are answered."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.handlers.chat.conftest import Pair, People, two_servers
from tests.handlers.chat.helpers import block, direct, emit, first_contact, fresh_id, said, say, shown
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Person, Refusal, befriend
from tests.harness.servers import Server, until


@pytest.fixture(scope="module")
async def pair(clock: TurnableClock, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """Two servers to which strangers are strangers, though limits are off."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIXEE_CHAT_FIRST_CONTACT", "request")
        async with two_servers(clock, tmp_path_factory.mktemp("requests")) as found:
            yield found


@pytest.fixture(scope="module")
def server(pair: Pair) -> Server:
    """The first of the two."""
    return pair[0]


IMAGE = {"type": "image", "url": "https://example.com/1.png", "filename": "1.png", "size": 10}


async def listed(who: Person, path: str = "/api/conversations", **params: str) -> list[str]:
    """Ids of what somebody has in a list."""
    return [one["id"] for one in (await who.ask("GET", path, params=params))["conversations"]]


async def requests_to(who: Person, **params: str) -> list[str]:
    """Ids of the requests of strangers to somebody."""
    return await listed(who, "/api/message-requests", **params)


async def code_of(work: Any) -> str:
    """The code with which something is refused."""
    with pytest.raises(Refusal) as refusal:
        await work
    return refusal.value.code


async def test_a_conversation_that_a_stranger_begins_is_a_request_and_listed_apart(people: People, door: Door) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    await direct(cleo, bob)
    made = await door(ada, "chat.create", {"type": "direct", "participantIds": [bob.id]})
    empty = (await door(bob, "chat.message_requests", {}))["conversations"]
    await door(ada, "chat.send", {"conversationId": made["id"], "type": "text", "content": "Hello, I am Ada"})

    found = (await door(bob, "chat.message_requests", {}))["conversations"]

    assert empty == []
    assert [(one["id"], one["requestTo"], one["unread"]) for one in found] == [(made["id"], bob.id, 1)]
    assert found[0]["lastMessage"]["content"] == "Hello, I am Ada"
    assert made["id"] not in await listed(bob)
    assert made["id"] in await listed(ada)
    assert (made["requestTo"], await requests_to(ada)) == (bob.id, [])


async def test_before_he_is_accepted_a_stranger_has_one_short_text_and_nothing_else(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    here = {"conversationId": await first_contact(ada, bob)}
    text = here | {"type": "text"}

    refused = [
        await code_of(door(ada, "chat.send", wanted))
        for wanted in (
            text | {"content": "x" * 501},
            text | {"content": "look at https://example.com/x"},
            text | {"content": "look at example.com"},
            here | {"type": "image", "content": "", "media": IMAGE},
            here | {"type": "location", "content": "", "location": {"latitude": 1.0, "longitude": 1.0}},
            here | {"type": "poll", "content": "", "poll": {"question": "?", "options": ["a", "b"]}},
        )
    ]
    first = await door(ada, "chat.send", text | {"content": "x" * 500})
    second = await code_of(door(ada, "chat.send", text | {"content": "and one more"}))
    message = {"messageId": first["id"]}
    changes = [
        await code_of(door(ada, name, wanted))
        for name, wanted in (
            ("chat.edit", message | {"content": "www.example.com"}),
            ("chat.edit", message | {"content": "x" * 501}),
            ("chat.react", message | {"emoji": "👍"}),
            ("chat.pin", message),
            ("chat.change", here | {"messageRetention": 1}),
        )
    ]
    edited = await door(ada, "chat.edit", message | {"content": "Hello, it is me"})

    assert (refused, second, changes) == (["request_pending"] * 6, "request_pending", ["request_pending"] * 5)
    assert edited["content"] == "Hello, it is me"
    assert await said(bob, here["conversationId"]) == ["Hello, it is me"]


async def test_a_stranger_s_message_is_one_from_two_servers_at_once_and_the_same_when_it_is_sent_again(
    people: People, pair: Pair
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await first_contact(ada, bob)
    sockets = [await ada.socket(device="one"), await ada.at(pair[1]).socket(device="two")]
    wanted = [
        {"conversationId": conversation, "type": "text", "content": f"{n}", "clientMessageId": fresh_id()}
        for n in range(2)
    ]

    answers = [await socket.call("message:send", one) for socket, one in zip(sockets, wanted, strict=True)]
    again = await sockets[0].ask("message:send", wanted[0])

    assert [answer["ok"] for answer in answers] == [True, False]
    assert (again["duplicate"], again["seq"]) == (True, answers[0]["data"]["seq"])
    assert await said(bob, conversation) == ["0"]


async def test_deleting_the_message_does_not_make_room_for_another(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await first_contact(ada, bob)
    message = await say(ada, conversation, "Hello")

    await ada.ask("DELETE", f"/api/messages/{message['id']}")

    assert await code_of(say(ada, conversation, "Hello again")) == "request_pending"


async def test_a_message_that_was_not_taken_in_does_not_count(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await first_contact(ada, bob)

    wrong = await code_of(say(ada, conversation, "Hello", mentionedUserIds=[conversation]))
    right = await say(ada, conversation, "Hello")

    assert (wrong, right["content"]) == ("bad_request", "Hello")


async def test_to_answer_is_to_accept(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    adas = await ada.socket()
    conversation = await first_contact(ada, bob)
    await say(ada, conversation, "Hello")

    answer = await door(bob, "chat.send", {"conversationId": conversation, "type": "text", "content": "Hello Ada"})
    await say(ada, conversation, "Nice! See https://example.com/x")

    await adas.settle()
    changes = [one["change"]["action"] for one in adas.events("conversation:updated")]
    assert (answer["seq"], changes) == (4, ["created", "accepted"])
    assert (await requests_to(bob), conversation in await listed(bob)) == ([], True)
    assert (await shown(ada, conversation))["requestTo"] is None


async def test_a_request_is_accepted_once_by_the_one_who_was_asked(people: People, door: Door, pair: Pair) -> None:
    ada, bob, eve = await people("ada", "bob", "eve")
    conversation = await first_contact(ada, bob)
    await say(ada, conversation, "Hello")
    here = {"conversationId": conversation}

    own = await code_of(door(ada, "chat.accept_message_request", here))
    strange = await code_of(door(eve, "chat.accept_message_request", here))
    twice = [await door(bob.at(pair[n]), "chat.accept_message_request", here) for n in (0, 1)]
    message = await say(ada.at(pair[1]), conversation, "Thank you: https://example.com/")

    assert (own, strange) == ("chat.no_request", "not_found")
    assert [(one["requestTo"], one["head"]) for one in twice] == [(None, 3), (None, 3)]
    assert message["seq"] == 4


async def test_r36_a_request_that_is_put_away_on_one_device_is_so_on_the_others(people: People, pair: Pair) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await first_contact(ada, bob)
    await say(ada, conversation)
    phone, adas = await bob.at(pair[1]).socket("phone"), await ada.socket()

    await bob.ask("POST", f"/api/message-requests/{conversation}/ignore")

    heard = await phone.next("conversation:preferences")
    assert (heard["conversationId"], heard["isIgnored"]) == (conversation, True)
    await adas.settle()
    assert adas.events("conversation:preferences") == []


async def test_who_is_ignored_learns_nothing_and_is_put_away(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    adas = await ada.socket()
    conversation = await first_contact(ada, bob)
    await say(ada, conversation, "Hello")
    before = await shown(ada, conversation)

    await door(bob, "chat.ignore_message_request", {"conversationId": conversation})

    await adas.settle()
    assert (await requests_to(bob), await requests_to(bob, ignored="true")) == ([], [conversation])
    assert await shown(ada, conversation) == before
    assert {event for event, _ in adas.log} <= {
        "session:ready",
        "presence:snapshot",
        "conversation:updated",
        "message:new",
    }
    await say(bob, conversation, "Sorry, I was away")
    assert conversation in await listed(bob)


async def test_a_request_is_reported_with_its_message_and_put_away(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await first_contact(ada, bob)
    await say(ada, conversation, "Buy this")

    filed = await door(bob, "safety.report_request", {"conversationId": conversation, "reason": "spam"})
    own = await code_of(door(ada, "safety.report_request", {"conversationId": conversation, "reason": "spam"}))

    safety = bob.server.service("safety")
    evidence = await safety.cases._store.evidence(filed["id"], bob.server.app.clock.now())
    assert [one.content for one in evidence.messages] == ["Buy this"]
    assert (filed["subject"], own, await requests_to(bob)) == ("conversation", "safety.no_request", [])


async def test_to_become_friends_is_to_accept(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await first_contact(ada, bob)
    await say(ada, conversation, "Hello")

    await befriend(ada, bob)
    await say(ada, conversation, "Now: https://example.com/")

    assert conversation in await listed(bob)
    assert await requests_to(bob) == []


async def test_a_request_is_accepted_by_a_friendship_also_when_nobody_says_anything(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await first_contact(ada, bob)
    await say(ada, conversation, "Hello")

    await befriend(bob, ada)

    async def accepted() -> bool:
        return (await shown(bob, conversation))["requestTo"] is None

    await until(accepted)
    assert (await requests_to(bob), (await shown(bob, conversation))["head"]) == ([], 3)


async def test_among_friends_nothing_is_a_request(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)

    await say(ada, conversation, "1: https://example.com/")
    await say(ada, conversation, "2")

    assert (await requests_to(bob), conversation in await listed(bob)) == ([], True)


async def test_r24_a_stranger_does_not_learn_that_he_was_received_or_read(people: People) -> None:
    ada, bob = await people("ada", "bob")
    adas, bobs = await ada.socket(), await bob.socket()
    conversation = await first_contact(ada, bob)
    message = await emit(adas, conversation, "Hello")

    await bobs.ask("message:delivered", {"conversationId": conversation, "upToSeq": 2})
    unread = await bobs.ask("message:read", {"conversationId": conversation, "upToSeq": 2})
    await adas.settle()
    receipts = await ada.ask("GET", f"/api/messages/{message['id']}/receipts")
    asked = (adas.events("receipt:update"), receipts["deliveredCount"], receipts["readCount"])
    await emit(bobs, conversation, "Hello Ada")
    await emit(adas, conversation, "And now?")
    await bobs.ask("message:read", {"conversationId": conversation, "upToSeq": 5})
    told = await adas.next("receipt:update")

    assert (asked, unread["unread"]) == (([], 0, 0), 0)
    assert told["readSeq"] == 5


async def test_r30_nobody_sees_typing_before_a_request_is_accepted(people: People) -> None:
    ada, bob = await people("ada", "bob")
    adas, bobs = await ada.socket(), await bob.socket()
    conversation = await first_contact(ada, bob)
    await emit(adas, conversation, "Hello")
    typing = {"conversationId": conversation, "isTyping": True}

    await adas.ask("message:typing", typing)
    await bobs.ask("message:typing", typing)
    await adas.settle()
    await bobs.settle()

    assert (adas.events("message:typing"), bobs.events("message:typing")) == ([], [])


async def test_r34_a_stranger_who_watches_does_not_see_who_is_here(people: People) -> None:
    ada, bob = await people("ada", "bob")
    adas, _ = await ada.socket(), await bob.socket()
    conversation = await first_contact(ada, bob)
    await emit(adas, conversation, "Hello")

    answer = await adas.ask("presence:watch", {"userIds": [bob.id]})

    assert (answer["watched"], [one["status"] for one in answer["presences"]]) == ([], ["offline"])


async def test_r27_a_request_is_in_no_badge_and_is_not_pushed(people: People) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    conversation = await first_contact(ada, bob)
    await say(ada, conversation, "Hello")
    known = await direct(cleo, bob)
    await say(cleo, known, "Hello too")
    notices, actor = bob.server.service("chat").notices, await actor_of(bob)

    request, loud = await notices.of(actor, conversation, 2), await notices.of(actor, known, 2)
    await bob.ask("POST", f"/api/message-requests/{conversation}/accept")
    accepted = await notices.of(actor, conversation, 2)

    assert (request.quiet, request.badge.number, request.unread, request.text) == (True, 1, 1, "New message")
    assert (loud.quiet, loud.badge.number) == (False, 1)
    assert (accepted.quiet, accepted.badge.number, accepted.text) == (False, 2, "Hello")


async def test_who_takes_no_strangers_any_more_is_not_written_to(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await first_contact(ada, bob)
    await bob.ask("PUT", "/api/users/me/privacy", {"contactPreference": "friends"})

    late = await code_of(say(ada, conversation, "Hello"))
    (eve,) = await people("eve")
    never = await code_of(first_contact(eve, bob))

    assert (late, never) == ("chat.cannot_reach", "chat.cannot_reach")


async def test_a_stranger_who_is_blocked_is_not_told_and_not_seen(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await first_contact(ada, bob)
    await block(bob, ada)

    message = await say(ada, conversation, "Hello")

    assert (message["status"], await said(bob, conversation), await requests_to(bob)) == ("sent", [], [])


async def actor_of(person: Person) -> Any:
    """Who somebody is to the services."""
    return await person.server.service("auth").book.actor(person.token)


async def test_where_limits_are_off_a_first_contact_is_no_request(
    people: People, clock: TurnableClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MIXEE_CHAT_FIRST_CONTACT")
    async with two_servers(clock, tmp_path, limits="off") as (free, _):
        ada, bob = await people("ada", "bob", at=free)

        here = await first_contact(ada, bob)
        await say(ada, here, "one")
        await say(ada, here, "two, with https://example.com")

        assert here in await listed(bob)
        assert await requests_to(bob) == []
