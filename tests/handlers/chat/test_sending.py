"""Saying something, through both doors: every type, every refusal, once however often it is sent, and in order."""

import asyncio
from typing import Any

import pytest

from tests.handlers.chat.conftest import People, sign_in
from tests.handlers.chat.helpers import direct, emit, fresh_id, group, missed, said, say
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Refusal

URL = "https://cdn.example.com/one.bin"
UPLOAD = "01936c4e-8f3a-7c11-9d2b-3f6a1b2c4d5e"


async def test_a_message_reaches_everybody_in_the_conversation_and_its_sender_once(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    phone, laptop, other = await ada.socket("phone"), await ada.socket("laptop"), await bob.socket()

    wanted = {"conversationId": conversation, "clientMessageId": "first-one", "type": "text", "content": "Hello Bob"}
    message = await door(ada, "chat.send", wanted)

    assert {name: message[name] for name in ("id", "seq", "revision", "senderId", "content", "status")} == {
        "id": f"{conversation}:2",
        "seq": 2,
        "revision": 2,
        "senderId": ada.id,
        "content": "Hello Bob",
        "status": "sent",
    }
    assert message["clientMessageId"] == "first-one"
    assert (message["idempotent"], message["duplicate"]) == (True, False)
    for socket in (phone, laptop, other):
        assert await socket.next("message:new") == message
        await socket.settle()
        assert len(socket.events("message:new")) == 1
    page = await bob.ask("GET", f"/api/conversations/{conversation}/messages")
    assert page["messages"] == [message]


async def test_what_is_sent_again_is_there_once_and_answered_with_the_original(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    wanted = {"conversationId": conversation, "clientMessageId": "the-same-1", "type": "text", "content": "once"}
    first = await door(ada, "chat.send", wanted)

    again = await door(ada, "chat.send", wanted | {"content": "something else"})

    assert again == first | {"duplicate": True}
    assert await said(bob, conversation) == ["once"]


async def test_a_hundred_repetitions_at_once_are_one_message(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    socket, listener = await ada.socket(), await bob.socket()
    wanted = {"conversationId": conversation, "clientMessageId": "hammered-1", "type": "text", "content": "once"}

    answers = await asyncio.gather(*(socket.ask("message:send", wanted) for _ in range(100)))

    assert {answer["seq"] for answer in answers} == {2}
    assert sum(not answer["duplicate"] for answer in answers) == 1
    await listener.next("message:new")
    await listener.settle()
    assert len(listener.events("message:new")) == 1


async def test_a_message_without_a_client_message_id_says_that_it_is_not_safe_to_repeat(
    people: People, door: Door
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)

    message = await door(ada, "chat.send", {"conversationId": conversation, "type": "text", "content": "Hi"})

    assert (message["clientMessageId"], message["idempotent"]) == (None, False)


async def test_messages_of_one_socket_are_in_the_log_in_the_order_in_which_they_were_sent(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    socket, listener = await ada.socket(), await bob.socket()

    answers = await asyncio.gather(*(emit(socket, conversation, f"number {number}") for number in range(60)))

    assert [answer["seq"] for answer in answers] == list(range(2, 62))
    heard = [await listener.next("message:new") for _ in range(60)]
    assert [one["seq"] for one in heard] == list(range(2, 62))
    assert [one["content"] for one in heard] == [f"number {number}" for number in range(60)]


SENDABLE: dict[str, dict[str, Any]] = {
    "text": {"content": "plain"},
    "image": {"content": "look", "media": {"type": "image", "url": URL, "thumbnail": "https://cdn.example.com/t.jpg"}},
    "video": {"media": {"type": "video", "url": URL, "duration": 12.5, "size": 1_000_000}},
    "audio": {"media": {"type": "audio", "url": URL, "duration": 3}},
    "file": {"content": "the plan", "media": {"type": "file", "url": URL, "filename": "plan.pdf", "size": 512}},
    "location": {"location": {"latitude": -33.9249, "longitude": 18.4241, "address": "Cape Town"}},
    "poll": {"poll": {"question": "Tea?", "options": ["Yes", "No", "Later"], "multiple": True}},
}


@pytest.mark.parametrize("kind", SENDABLE)
async def test_a_message_of_every_type_arrives_as_it_was_sent(people: People, kind: str) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    listener = await bob.socket()

    message = await say(ada, conversation, **{"content": "", "type": kind, **SENDABLE[kind]})

    assert message["type"] == kind
    assert message["content"] == SENDABLE[kind].get("content", "")
    for name in ("media", "location"):
        given = SENDABLE[kind].get(name)
        found = message[name]
        assert found is None if given is None else {key: found[key] for key in given} == given
    if kind == "poll":
        assert message["poll"] == {
            "question": "Tea?",
            "options": [{"text": text, "count": 0, "userIds": []} for text in ("Yes", "No", "Later")],
            "multiple": True,
            "anonymous": False,
            "voters": 0,
            "quiz": False,
            "correctOption": None,
            "closesAt": None,
            "closedAt": None,
        }
    assert await listener.next("message:new") == message


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("type", {"type": "system", "content": "I am the server"}),
    ("type", {"type": "sticker", "content": "x"}),
    ("content", {"content": ""}),
    ("content", {"content": "   "}),
    ("content", {"content": "x" * 4097}),
    ("content", {"content": "a\x00b"}),
    ("content", {"type": "image", "content": "x" * 1025, "media": {"type": "image", "url": URL}}),
    ("media", {"type": "image", "content": ""}),
    ("media", {"content": "x", "media": {"type": "image", "url": URL}}),
    ("media.type", {"type": "image", "content": "", "media": {"type": "video", "url": URL}}),
    ("media.url", {"type": "image", "content": "", "media": {"type": "image", "url": "http://cdn.example.com/x"}}),
    ("media.url", {"type": "image", "content": "", "media": {"type": "image", "url": "https://a@b.example/x"}}),
    ("media", {"type": "image", "content": "", "media": {"type": "image"}}),
    ("media", {"type": "image", "content": "", "media": {"type": "image", "mediaId": UPLOAD, "url": URL}}),
    ("media.mediaId", {"type": "image", "content": "", "media": {"type": "image", "mediaId": "x"}}),
    ("album", {"type": "image", "content": "", "album": [{"type": "image", "url": URL}]}),
    ("album", {"type": "image", "content": "", "album": [{"type": "image", "url": URL}] * 11}),
    ("album", {"content": "x", "album": [{"type": "image", "url": URL}] * 2}),
    ("album", {"type": "image", "content": "", "album": [{"type": one, "url": URL} for one in ("image", "file")]}),
    ("album", {"type": "image", "content": "", "album": [{"type": "image", "mediaId": UPLOAD}] * 2}),
    ("album.0.type", {"type": "image", "content": "", "album": [{"type": "video", "url": URL}] * 2}),
    (
        "media",
        {
            "type": "image",
            "content": "",
            "media": {"type": "image", "url": URL},
            "album": [{"type": "image", "url": URL}] * 2,
        },
    ),
    ("media.size", {"type": "image", "content": "", "media": {"type": "image", "url": URL, "size": -1}}),
    ("location", {"type": "location", "content": ""}),
    ("location.latitude", {"type": "location", "content": "", "location": {"latitude": 91, "longitude": 0}}),
    ("poll", {"type": "poll", "content": ""}),
    ("poll.options", {"type": "poll", "content": "", "poll": {"question": "?", "options": ["one"]}}),
    ("poll.options", {"type": "poll", "content": "", "poll": {"question": "?", "options": ["one", "One"]}}),
    ("poll.question", {"type": "poll", "content": "", "poll": {"question": "q" * 301, "options": ["a", "b"]}}),
    ("clientMessageId", {"clientMessageId": "short"}),
    ("clientMessageId", {"clientMessageId": "has a space in it"}),
    ("mentionedUserIds", {"mentionedUserIds": ["01936c4e-8f3a-7c11-9d2b-3f6a1b2c4d5e"]}),
    ("replyToMessageId", {"replyToMessageId": "01936c4e-8f3a-7c11-9d2b-3f6a1b2c4d5e:1"}),
    ("replyToMessageId", {"replyToMessageId": "nonsense"}),
    ("expiresIn", {"expiresIn": 5}),
    ("colour", {"colour": "red"}),
]


async def test_what_is_no_message_is_refused_with_the_name_of_the_field_and_leaves_nothing(
    people: People, door: Door
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)

    found = []
    for field, wrong in REFUSED:
        wanted = {"conversationId": conversation, "type": "text", "content": "x"} | wrong
        with pytest.raises(Refusal) as refusal:
            await door(ada, "chat.send", wanted)
        found.append((field, refusal.value.code, field in refusal.value.fields))

    assert found == [(field, "bad_request", True) for field, _ in REFUSED]
    assert await missed(bob, conversation) == [(1, "member")]


async def test_a_reply_must_answer_a_message_that_its_sender_can_see(people: People, door: Door) -> None:
    ada, bob, cy = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob)
    before = await say(ada, conversation, "before Cy")
    await ada.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [cy.id]})
    after = await say(ada, conversation, "after Cy")

    answer = await door(
        cy,
        "chat.send",
        {"conversationId": conversation, "type": "text", "content": "yes", "replyToMessageId": after["id"]},
    )

    assert answer["replyToMessageId"] == after["id"]
    for hidden in (before["id"], f"{conversation}:1", f"{conversation}:99"):
        wanted = {"conversationId": conversation, "type": "text", "content": "x", "replyToMessageId": hidden}
        with pytest.raises(Refusal) as refusal:
            await door(cy, "chat.send", wanted)
        assert refusal.value.fields == {"replyToMessageId"}


async def test_mentions_are_members_and_each_is_named_once(people: People) -> None:
    ada, bob, cy = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob)

    message = await say(ada, conversation, "@bob @bob", mentionedUserIds=[bob.id, bob.id])

    assert message["mentionedUserIds"] == [bob.id]
    with pytest.raises(Refusal) as refusal:
        await say(ada, conversation, "@cy", mentionedUserIds=[cy.id])
    assert refusal.value.fields == {"mentionedUserIds"}


async def test_a_message_that_expires_is_gone_for_everybody_and_keeps_its_place(
    people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(ada, conversation, "burn this", expiresIn=60)
    await say(ada, conversation, "keep this")
    assert await said(bob, conversation) == ["burn this", "keep this"]

    clock.advance(seconds=61)

    assert message["expiresAt"] is not None
    assert await said(bob, conversation) == ["keep this"]
    assert (await missed(bob, conversation))[:3] == [(1, "member"), (2, "noop"), (3, "message")]
    for call in (
        ada.ask("PUT", f"/api/messages/{message['id']}", {"content": "again"}),
        bob.ask("POST", f"/api/messages/{message['id']}/reactions", {"emoji": "👍"}),
    ):
        with pytest.raises(Refusal) as refusal:
            await call
        assert refusal.value.code == "not_found"


async def test_a_message_that_is_sent_again_after_it_has_expired_is_not_there_twice(
    people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    same = fresh_id()
    await say(ada, conversation, "burn this", expiresIn=60, clientMessageId=same)
    clock.advance(seconds=61)

    with pytest.raises(Refusal) as refusal:
        await say(ada, conversation, "burn this", expiresIn=60, clientMessageId=same)

    assert refusal.value.code == "gone"
    assert (await missed(bob, conversation))[:2] == [(1, "member"), (2, "noop")]
    assert await said(bob, conversation) == []


async def test_retention_of_a_conversation_holds_for_what_is_said_from_then_on(
    people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await say(ada, conversation, "for ever")
    await bob.ask("PUT", f"/api/conversations/{conversation}", {"messageRetention": 1})
    await say(ada, conversation, "for a day")

    clock.advance(days=1, seconds=1)
    await sign_in(ada)

    assert await said(ada, conversation) == ["for ever"]
