"""Blocks between two people who have a conversation: the blocked one never learns of it, the other hears nothing."""

import pytest

from tests.handlers.chat.conftest import People
from tests.handlers.chat.helpers import block, direct, emit, group, missed, said, say, shown, unblock
from tests.harness.people import Door, Refusal


async def test_what_a_blocked_person_says_is_answered_as_ever_and_reaches_nobody(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await say(bob, conversation, "before")
    adas, bobs = await ada.socket(), await bob.socket()
    await block(ada, bob)

    message = await door(bob, "chat.send", {"conversationId": conversation, "type": "text", "content": "hidden"})

    assert (message["seq"], message["status"], message["content"]) == (3, "sent", "hidden")
    assert await bobs.next("message:new") == message
    assert await said(bob, conversation) == ["before", "hidden"]
    await adas.settle()
    assert adas.events("message:new") == []
    assert await said(ada, conversation) == ["before"]
    assert await missed(ada, conversation) == [(1, "member"), (2, "message"), (3, "noop")]
    hers = await shown(ada, conversation)
    assert (hers["lastMessage"]["content"], hers["head"]) == ("before", 3)
    assert (await shown(bob, conversation))["lastMessage"] == message


async def test_what_was_hidden_stays_hidden_after_the_block_and_is_never_counted(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await block(ada, bob)
    hidden = await say(bob, conversation, "hidden")
    assert (await shown(ada, conversation))["unread"] == 0
    await unblock(ada, bob)
    await say(bob, conversation, "again")

    assert await said(ada, conversation) == ["again"]
    assert (await shown(ada, conversation))["unread"] == 1
    found = await ada.ask("GET", "/api/messages/search", params={"q": "hidden"})
    assert found["messages"] == []
    with pytest.raises(Refusal) as refusal:
        await ada.ask("POST", f"/api/messages/{hidden['id']}/reactions", {"emoji": "👍"})
    assert refusal.value.code == "not_found"
    with pytest.raises(Refusal) as refusal:
        await say(ada, conversation, "re", replyToMessageId=hidden["id"])
    assert refusal.value.fields == {"replyToMessageId"}


async def test_who_blocks_must_unblock_before_saying_something(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(bob, conversation)
    await block(ada, bob)

    for name, wanted in (
        ("chat.send", {"conversationId": conversation, "type": "text", "content": "x"}),
        ("chat.react", {"messageId": message["id"], "emoji": "👍"}),
    ):
        with pytest.raises(Refusal) as refusal:
            await door(ada, name, wanted)
        assert refusal.value.code == "forbidden"
        assert "unblock" in str(refusal.value)
    assert await missed(bob, conversation) == [(1, "member"), (2, "message")]


async def test_a_hidden_message_brings_nobody_s_list_forward_but_its_senders(people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await direct(ada, bob)
    others = [await direct(one, cyd) for one in (ada, bob)]
    await say(bob, conversation, "first")
    for one, other in zip((ada, bob), others, strict=True):
        await say(one, other, "second")
    await block(ada, bob)
    await say(bob, conversation, "hidden")

    lists = [[one["id"] for one in (await who.ask("GET", "/api/conversations"))["conversations"]] for who in (ada, bob)]

    assert lists == [[others[0], conversation], [conversation, others[1]]]


async def test_a_deleted_conversation_does_not_come_back_by_a_hidden_message(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await block(ada, bob)
    await ada.ask("DELETE", f"/api/conversations/{conversation}")

    await say(bob, conversation, "hidden")

    assert (await ada.ask("GET", "/api/conversations"))["conversations"] == []


async def test_a_blocked_persons_changes_are_seen_by_that_person_alone(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    mine, yours = await say(bob, conversation, "kind"), await say(ada, conversation, "hello")
    await block(ada, bob)
    adas, bobs = await ada.socket(), await bob.socket()

    edited = await door(bob, "chat.edit", {"messageId": mine["id"], "content": "unkind"})
    reacted = await door(bob, "chat.react", {"messageId": yours["id"], "emoji": "💩"})

    assert edited["content"] == "unkind"
    assert [one["count"] for one in reacted["reactions"]] == [1]
    assert await bobs.next("message:updated") == edited
    assert await bobs.next("message:updated") == reacted
    assert await said(bob, conversation) == ["unkind", "hello"]
    await adas.settle()
    assert adas.events("message:updated") == []
    page = await ada.ask("GET", f"/api/conversations/{conversation}/messages")
    assert [(one["content"], one["reactions"]) for one in page["messages"]] == [("hello", []), ("kind", [])]
    assert await missed(ada, conversation, after=3) == [(4, "noop"), (5, "noop")]
    assert await missed(bob, conversation, after=3) == [(4, "edit"), (5, "reaction")]


async def test_changes_after_the_block_reach_both_and_what_was_veiled_stays_so(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(ada, conversation, "hello")
    await block(ada, bob)
    await bob.ask("POST", f"/api/messages/{message['id']}/reactions", {"emoji": "💩"})
    await unblock(ada, bob)

    await bob.ask("POST", f"/api/messages/{message['id']}/reactions", {"emoji": "👍"})
    await ada.ask("PUT", f"/api/messages/{message['id']}", {"content": "hello again"})

    found = []
    for who in (ada, bob):
        (one,) = (await who.ask("GET", f"/api/conversations/{conversation}/messages"))["messages"]
        found.append((one["content"], sorted(reaction["emoji"] for reaction in one["reactions"])))
    assert found == [("hello again", ["👍"]), ("hello again", ["👍", "💩"])]


async def test_a_blocked_person_can_still_take_back_what_was_said(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(bob, conversation, "regretted")
    await block(ada, bob)

    await bob.ask("DELETE", f"/api/messages/{message['id']}")

    assert await said(ada, conversation) == await said(bob, conversation) == [""]


async def test_between_blocked_people_nobody_sees_typing_or_receipts(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(bob, conversation, "before")
    await block(ada, bob)
    adas, bobs = await ada.socket(), await bob.socket()

    for socket in (adas, bobs):
        assert (await socket.call("message:typing", {"conversationId": conversation, "isTyping": True}))["ok"]
        assert (await socket.call("message:read", {"conversationId": conversation, "upToSeq": 2}))["ok"]

    for socket in (adas, bobs):
        await socket.settle()
        assert socket.events("message:typing") == []
        assert socket.events("receipt:update") == []
    receipts = await bob.ask("GET", f"/api/messages/{message['id']}/receipts")
    assert (receipts["readCount"], receipts["deliveredCount"], receipts["memberCount"]) == (0, 0, 1)
    assert (await shown(ada, conversation))["myReadSeq"] == 2


async def test_a_hidden_message_is_never_read_even_after_the_block(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await block(ada, bob)
    hidden = await say(bob, conversation, "hidden")
    await unblock(ada, bob)
    later = await say(bob, conversation, "later")

    await ada.ask("POST", f"/api/conversations/{conversation}/read", {"messageId": later["id"]})

    page = await bob.ask("GET", f"/api/conversations/{conversation}/messages")
    assert [(one["id"], one["status"]) for one in page["messages"]] == [(later["id"], "read"), (hidden["id"], "sent")]


async def test_in_groups_a_block_hides_nothing_and_counts_nothing(people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(cyd, ada, bob)
    adas = await ada.socket()
    await block(ada, bob)

    await emit(await bob.socket(), conversation, "in the group", mentionedUserIds=[ada.id])
    await say(cyd, conversation, "me too")

    assert (await adas.next("message:new"))["content"] == "in the group"
    assert await said(ada, conversation) == ["in the group", "me too"]
    hers = await shown(ada, conversation)
    assert (hers["unread"], hers["mentions"]) == (1, 0)
    await unblock(ada, bob)
    hers = await shown(ada, conversation)
    assert (hers["unread"], hers["mentions"]) == (2, 1)
