"""Two servers, one chat: what one does is at once true on the other, and what gets lost between them is made up for."""

import asyncio
from typing import Any

import orjson
import pytest

from handlers.chat.service import Chat
from server.hub.frames import Frame
from server.hub.framing import payload_of
from storage.log import Draft
from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import block, direct, emit, fresh_id, group, missed, said, say, shown
from tests.harness.people import Person, Refusal, Socket
from tests.harness.servers import Server


def name_of(frame: Frame) -> str:
    """The name of a frame's event."""
    return str(orjson.loads(payload_of(frame.wire)[2:])[0])


def log_of(server: Server) -> Any:
    """The log of a server, to append what nobody is told of: as if it had died right after the commit."""
    return server.service("chat")._log


def draft(who: Person, conversation: str, content: str, *, op: str | None = None, device: str = "lost") -> Draft:
    """A message that goes into the log past the chat."""
    body = {"type": "text", "content": content}
    return Draft(
        conversation=conversation,
        kind="message",
        sender=who.id,
        device=device,
        op=op,
        body=body,
        countable=True,
    )


async def heard(socket: Socket, count: int) -> list[tuple[int, str]]:
    """The next messages that somebody hears."""
    return [(one["seq"], one["content"]) for one in [await socket.next("message:new") for _ in range(count)]]


async def test_messages_sent_through_both_servers_are_heard_everywhere_in_the_order_of_the_log(
    people: People, pair: Pair
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    here, there = await ada.socket(), await bob.at(pair[1]).socket()

    await asyncio.gather(*(emit(socket, conversation, str(number)) for number in range(40) for socket in (here, there)))

    found = [await heard(socket, 80) for socket in (here, there)]
    assert [seq for seq, _ in found[0]] == list(range(2, 82))
    assert found[0] == found[1]
    assert await said(ada, conversation) == [content for _, content in found[0]]


async def test_who_was_removed_through_one_server_is_refused_by_the_other_at_once(people: People, pair: Pair) -> None:
    for turn in range(5):
        ada, bob, eve = await people("ada", "bob", "eve")
        conversation = await group(ada, bob, eve)
        there = await eve.at(pair[1]).socket()
        message = await emit(there, conversation, "still in")

        await ada.ask("DELETE", f"/api/conversations/{conversation}/participants/{eve.id}")
        answers = await asyncio.gather(
            *(there.call("message:send", _text(conversation, f"pipelined {number}")) for number in range(6)),
            there.call("message:edit", {"messageId": message["id"], "content": "changed"}),
            there.call("message:delete", {"messageId": message["id"]}),
            there.call("message:react", {"messageId": message["id"], "emoji": "👍"}),
        )

        assert {answer["error"]["code"] for answer in answers} == {"not_found"}, f"in turn {turn}"
        assert await missed(ada, conversation) == [(1, "member"), (2, "message"), (3, "member")]


async def test_a_removal_in_the_middle_of_a_stream_lets_nothing_in_after_it(people: People, pair: Pair) -> None:
    ada, bob, eve = await people("ada", "bob", "eve")
    conversation = await group(ada, bob, eve)
    there = await eve.at(pair[1]).socket()
    await emit(there, conversation, "first")

    stream = [
        asyncio.ensure_future(there.call("message:send", _text(conversation, str(number)))) for number in range(60)
    ]
    await ada.ask("DELETE", f"/api/conversations/{conversation}/participants/{eve.id}")
    answers = await asyncio.gather(*stream)
    later = await there.call("message:send", _text(conversation, "after the answer"))

    assert later["error"]["code"] == "not_found"
    kinds = await missed(ada, conversation)
    removed = max(seq for seq, kind in kinds if kind == "member")
    accepted = [answer["data"]["seq"] for answer in answers if answer["ok"]]
    assert all(seq < removed for seq in accepted)
    assert [seq for seq, _ in kinds] == list(range(1, removed + 1))


async def test_who_was_just_added_or_promoted_through_one_server_can_act_on_the_other(
    people: People, pair: Pair
) -> None:
    ada, bob, cyd, dan = await people("ada", "bob", "cyd", "dan")
    conversation = await group(ada, bob)
    there = await bob.at(pair[1]).socket()
    await emit(there, conversation, "the other server remembers the group")

    await ada.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [cyd.id]})
    message = await emit(await cyd.at(pair[1]).socket(), conversation, "hello")
    await emit(there, conversation, "@cyd", mentionedUserIds=[cyd.id])
    await ada.ask("PUT", f"/api/conversations/{conversation}/participants/{bob.id}", {"role": "admin"})
    removed = await there.ask("message:delete", {"messageId": message["id"]})
    await there.ask("conversations:add", {"conversationId": conversation, "userIds": [dan.id]})

    assert removed["deletedBy"] == "admin"
    assert (await shown(dan, conversation))["participantIds"] == [ada.id, bob.id, cyd.id, dan.id]


async def test_a_block_through_one_server_holds_on_the_other_at_once(people: People, pair: Pair) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    there, adas = await bob.at(pair[1]).socket(), await ada.socket()
    await emit(there, conversation, "before")
    await adas.next("message:new")
    await block(ada, bob)

    await emit(there, conversation, "hidden")

    assert await said(ada, conversation) == ["before"]
    await adas.settle()
    assert len(adas.events("message:new")) == 1


async def test_an_entry_that_nobody_was_told_of_is_made_up_for_by_the_next(people: People, pair: Pair) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    sockets = await ada.socket(), await bob.at(pair[1]).socket()
    await emit(sockets[0], conversation, "one")

    await log_of(pair[1]).append(draft(bob, conversation, "lost"))
    await emit(sockets[0], conversation, "three")

    for socket in sockets:
        assert await heard(socket, 3) == [(2, "one"), (3, "lost"), (4, "three")]


async def test_a_deleted_conversation_comes_back_also_when_the_server_died_before_noting_the_message(
    people: People, pair: Pair
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await ada.ask("DELETE", f"/api/conversations/{conversation}")
    before = await ada.ask("GET", "/api/sync")

    await log_of(pair[1]).append(draft(bob, conversation, "are you there?"))

    assert before["joined"] == []
    (listed,) = (await ada.ask("GET", "/api/conversations"))["conversations"]
    assert (listed["id"], listed["unread"], listed["lastMessage"]["content"]) == (conversation, 1, "are you there?")
    assert [one["id"] for one in (await ada.ask("GET", "/api/sync"))["joined"]] == [conversation]


async def test_sending_again_after_a_lost_answer_tells_what_nobody_was_told(people: People, pair: Pair) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    adas, bobs = await ada.socket("phone"), await bob.at(pair[1]).socket()
    await emit(adas, conversation, "one")
    same = fresh_id()

    await log_of(pair[0]).append(draft(ada, conversation, "two", op=same, device="phone"))
    answer = await emit(adas, conversation, "two", clientMessageId=same)
    await emit(adas, conversation, "two", clientMessageId=same)

    assert (answer["seq"], answer["duplicate"]) == (3, True)
    for socket in (adas, bobs):
        assert await heard(socket, 2) == [(2, "one"), (3, "two")]
        await socket.settle()
        assert len(socket.events("message:new")) == 2


async def test_entries_read_for_a_repair_have_the_events_and_the_audience_of_the_first_telling(
    people: People, pair: Pair
) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob)
    first = await say(ada, conversation, "one")
    await ada.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [cyd.id]})
    await ada.ask("PUT", f"/api/messages/{first['id']}", {"content": "uno"})
    second = await say(bob, conversation, "two")
    await ada.ask("PUT", f"/api/conversations/{conversation}", {"name": "Band"})
    await bob.ask("DELETE", f"/api/messages/{second['id']}")
    chat: Chat = pair[1].service("chat")

    frames = await chat.fill(conversation, 1, 7)

    old, all_ = sorted([ada.id, bob.id]), sorted([ada.id, bob.id, cyd.id])
    assert [(frame.seq, name_of(frame), frame.users) for frame in frames] == [
        (1, "conversation:updated", old),
        (2, "message:new", old),
        (3, "conversation:updated", all_),
        (4, "message:updated", old),
        (5, "message:new", all_),
        (6, "conversation:updated", all_),
        (7, "message:deleted", all_),
    ]
    assert {frame.conversation for frame in frames} == {conversation}
    assert (await chat.fill(conversation, 8, 9), await chat.fill(fresh_conversation(), 1, 2)) == ([], [])


async def test_a_repair_shows_nothing_that_was_hidden(people: People, pair: Pair) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(ada, conversation, "hello")
    await block(ada, bob)
    await say(bob, conversation, "hidden")
    await bob.ask("POST", f"/api/messages/{message['id']}/reactions", {"emoji": "💩"})
    chat: Chat = pair[1].service("chat")

    frames = await chat.fill(conversation, 3, 4)

    assert [(name_of(frame), frame.users) for frame in frames] == [
        ("message:new", [bob.id]),
        ("message:updated", [bob.id]),
    ]


def fresh_conversation() -> str:
    """The id of a conversation that is not there."""
    return "01936c4e-8f3a-7c11-9d2b-3f6a1b2c4d5e"


def _text(conversation: str, content: str) -> dict[str, str]:
    return {"conversationId": conversation, "type": "text", "content": content, "clientMessageId": fresh_id()}


async def test_a_group_that_is_left_by_the_last_member_is_over(people: People) -> None:
    (ada,) = await people("ada")
    conversation = await group(ada)

    await ada.ask("DELETE", f"/api/conversations/{conversation}")

    with pytest.raises(Refusal) as refusal:
        await shown(ada, conversation)
    assert refusal.value.code == "not_found"
    stored = await ada.server.app.mongo.collection("conversations").find_one({"_id": conversation})
    assert stored is not None
    assert stored["isActive"] is False
