"""Passing messages on."""

import pytest

from tests.handlers.chat.conftest import People
from tests.handlers.chat.helpers import block, direct, fresh_id, group, missed, said, say
from tests.harness.people import Door, Refusal


async def test_a_message_is_forwarded_to_up_to_five_conversations_of_ones_own(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    source, theirs = await direct(ada, bob), await direct(ada, cyd)
    media = {"type": "image", "url": "https://cdn.example.com/a.png", "size": 7}
    first = await say(ada, source, "first")
    message = await say(
        ada, source, "look", type="image", media=media, mentionedUserIds=[bob.id], replyToMessageId=first["id"]
    )
    targets = [await group(bob, cyd) for _ in range(5)]
    cyds = await cyd.socket()
    wanted = {"messageId": message["id"], "conversationIds": [*targets[:4], theirs], "operationId": fresh_id()}

    answer = await door(bob, "chat.forward", wanted)
    again = await door(bob, "chat.forward", wanted)

    assert [one["conversationId"] for one in answer["messages"]] == targets[:4]
    assert [(one["conversationId"], one["code"]) for one in answer["refused"]] == [(theirs, "not_found")]
    assert [(one["id"], one["duplicate"]) for one in again["messages"]] == [
        (one["id"], True) for one in answer["messages"]
    ]
    copy = await cyds.next("message:new")
    assert copy == answer["messages"][0]
    assert (copy["senderId"], copy["content"], copy["forwards"]) == (bob.id, "look", 1)
    assert (copy["mentionedUserIds"], copy["replyToMessageId"]) == ([], None)
    assert {name: copy["media"][name] for name in media} == media
    assert message["forwards"] == 0
    with pytest.raises(Refusal) as refusal:
        await door(bob, "chat.forward", {"messageId": message["id"], "conversationIds": [*targets, source]})
    assert refusal.value.code == "chat.forward_limit"
    assert await said(cyd, targets[4]) == []


async def test_what_was_forwarded_five_times_goes_to_one_conversation_at_a_time(people: People) -> None:
    ada, bob = await people("ada", "bob")
    one, other = await direct(ada, bob), await group(ada, bob)
    message = await say(ada, one, "psst")
    for hop in range(1, 6):
        answer = await bob.ask("POST", f"/api/messages/{message['id']}/forward", {"conversationIds": [one]})
        (message,) = answer["messages"]
        assert message["forwards"] == hop

    with pytest.raises(Refusal) as refusal:
        await bob.ask("POST", f"/api/messages/{message['id']}/forward", {"conversationIds": [one, other]})
    answer = await bob.ask("POST", f"/api/messages/{message['id']}/forward", {"conversationIds": [other]})

    assert refusal.value.code == "chat.forward_limit"
    assert [copy["forwards"] for copy in answer["messages"]] == [6]
    assert await said(ada, other) == ["psst"]


async def test_what_disappears_is_deleted_or_a_poll_is_not_forwarded(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    one, other = await direct(ada, bob), await group(ada, bob)
    gone = await say(ada, one)
    await ada.ask("DELETE", f"/api/messages/{gone['id']}")
    fleeting = await say(ada, one, expiresIn=3600)
    poll = await say(ada, one, "", type="poll", poll={"question": "?", "options": ["a", "b"]})

    for message, code in ((gone, "gone"), (fleeting, "forbidden"), (poll, "forbidden")):
        with pytest.raises(Refusal) as refusal:
            await door(bob, "chat.forward", {"messageId": message["id"], "conversationIds": [other]})
        assert refusal.value.code == code
    assert await missed(ada, other) == [(1, "member")]


async def test_whoever_has_blocked_somebody_forwards_nothing_to_him(people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    source, target = await direct(ada, bob), await direct(ada, cyd)
    message = await say(bob, source, "news")
    await block(ada, cyd)

    answer = await ada.ask("POST", f"/api/messages/{message['id']}/forward", {"conversationIds": [target]})

    assert (answer["messages"], [one["code"] for one in answer["refused"]]) == ([], ["forbidden"])
    assert await said(cyd, target) == []
