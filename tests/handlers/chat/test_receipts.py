"""Watermarks: how far somebody has received and read, who learns of it, and what is left unread."""

import pytest

from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import direct, group, say, shown
from tests.harness.people import Door, Refusal
from tests.harness.servers import Server


async def test_r28_reading_moves_the_watermark_and_tells_the_own_devices_and_the_others(
    people: People, door: Door
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    for text in ("one", "two", "three"):
        last = await say(ada, conversation, text)
    adas, phone = await ada.socket(), await bob.socket("phone")

    answer = await door(bob, "chat.read", {"conversationId": conversation, "messageId": f"{conversation}:3"})

    assert answer == {
        "conversationId": conversation,
        "unread": 1,
        "mentions": 0,
        "seq": 4,
        "readSeq": 3,
        "deliveredSeq": 3,
        "markedUnread": False,
        "total": 1,
    }
    assert await phone.next("conversation:read") == answer
    assert await adas.next("receipt:update") == {
        "conversationId": conversation,
        "userId": bob.id,
        "deliveredSeq": 3,
        "readSeq": 3,
    }
    await adas.settle()
    assert adas.events("conversation:read") == []
    assert phone.events("receipt:update") == []
    answer = await door(bob, "chat.read", {"conversationId": conversation, "messageId": last["id"]})
    assert (answer["unread"], answer["readSeq"]) == (0, 4)


async def test_r20_a_watermark_never_goes_back_nor_beyond_the_log(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await say(ada, conversation, "one")
    await say(ada, conversation, "two")

    answers = []
    for upto in (1_000_000, 2, 0):
        answer = await door(bob, "chat.read", {"conversationId": conversation, "upToSeq": upto})
        answers.append((answer["readSeq"], answer["deliveredSeq"], answer["unread"]))

    assert answers == [(3, 3, 0)] * 3


async def test_r20_received_is_not_read_but_read_is_received(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(ada, conversation)

    received = await door(bob, "chat.delivered", {"conversationId": conversation, "upToSeq": 2})
    before = await ada.ask("GET", f"/api/messages/{message['id']}/receipts")
    await door(bob, "chat.read", {"conversationId": conversation, "upToSeq": 2})
    after = await ada.ask("GET", f"/api/messages/{message['id']}/receipts")

    assert (received["readSeq"], received["deliveredSeq"], received["unread"]) == (1, 2, 1)
    assert (before["deliveredCount"], before["readCount"], before["memberCount"]) == (1, 0, 1)
    assert (after["deliveredCount"], after["readCount"]) == (1, 1)
    assert [one["userId"] for one in after["readBy"]] == [bob.id]


async def test_r22_the_status_of_ones_own_messages_goes_from_sent_to_delivered_to_read(people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    await say(ada, conversation)

    async def status() -> tuple[str, int, int]:
        (message,) = (await ada.ask("GET", f"/api/conversations/{conversation}/messages"))["messages"]
        assert (await shown(ada, conversation))["lastMessage"] == message
        return message["status"], len(message["deliveredTo"]), len(message["readBy"])

    found = [await status()]
    for who, what in ((bob, "delivered"), (bob, "read"), (cyd, "delivered"), (cyd, "read")):
        await who.ask("POST", f"/api/conversations/{conversation}/{what}", {"upToSeq": 2})
        found.append(await status())

    assert found == [("sent", 0, 0), ("delivered", 1, 0), ("delivered", 1, 1), ("delivered", 2, 1), ("read", 2, 2)]
    (others,) = (await bob.ask("GET", f"/api/conversations/{conversation}/messages"))["messages"]
    assert (others["status"], others["deliveredTo"], others["readBy"]) == ("sent", [], [])


async def test_r21_saying_something_is_reading_what_was_said_before(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(ada, conversation, "question")
    assert (await shown(bob, conversation))["unread"] == 1

    await say(bob, conversation, "answer")

    mine = await shown(bob, conversation)
    assert (mine["unread"], mine["myReadSeq"]) == (0, 3)
    assert (await ada.ask("GET", f"/api/messages/{message['id']}/receipts"))["readCount"] == 1


async def test_only_the_sender_sees_receipts_and_a_watermark_needs_one_place(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation, other = await direct(ada, bob), await group(ada, bob)
    message = await say(ada, conversation)

    with pytest.raises(Refusal) as refusal:
        await door(bob, "chat.receipts", {"messageId": message["id"]})
    assert refusal.value.code == "forbidden"
    for wrong, code in (
        ({}, "bad_request"),
        ({"upToSeq": 1, "messageId": message["id"]}, "bad_request"),
        ({"upToSeq": -1}, "bad_request"),
        ({"messageId": f"{other}:1"}, "not_found"),
    ):
        with pytest.raises(Refusal) as refusal:
            await door(bob, "chat.read", {"conversationId": conversation, **wrong})
        assert refusal.value.code == code


async def test_r25_unread_counts_what_others_said_and_not_what_was_deleted_or_changed(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    first, second = await say(ada, conversation, "one"), await say(ada, conversation, "two")
    await ada.ask("PUT", f"/api/messages/{first['id']}", {"content": "uno"})
    await ada.ask("POST", f"/api/messages/{first['id']}/reactions", {"emoji": "👍"})
    assert (await shown(bob, conversation))["unread"] == 2
    assert (await shown(ada, conversation))["unread"] == 0

    await ada.ask("DELETE", f"/api/messages/{second['id']}")

    assert (await shown(bob, conversation))["unread"] == 1


async def test_r26_mentions_are_counted_until_they_are_read(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    first = await say(ada, conversation, "@bob", mentionedUserIds=[bob.id])
    await say(ada, conversation, "all")
    second = await say(ada, conversation, "@bob again", mentionedUserIds=[bob.id])
    await ada.ask("PUT", f"/api/messages/{second['id']}", {"content": "@bob edited"})

    mine = await shown(bob, conversation)
    assert (mine["unread"], mine["mentions"]) == (3, 2)
    answer = await bob.ask("POST", f"/api/conversations/{conversation}/read", {"messageId": first["id"]})
    assert (answer["unread"], answer["mentions"]) == (2, 1)
    await ada.ask("DELETE", f"/api/messages/{second['id']}")
    mine = await shown(bob, conversation)
    assert (mine["unread"], mine["mentions"]) == (1, 0)


async def test_a_watermark_that_was_set_through_one_server_counts_on_the_other(people: People, pair: Pair) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await say(ada, conversation)
    there: Server = pair[1]

    await bob.at(there).ask("POST", f"/api/conversations/{conversation}/read", {"upToSeq": 2})

    assert (await shown(bob, conversation))["unread"] == 0


async def test_r23_in_a_group_of_more_than_a_hundred_nobody_is_told_who_has_read(
    people: People, crowd: list[str]
) -> None:
    ada, bob = await people("ada", "bob")
    wanted = {"type": "group", "name": "Crowd", "participantIds": [bob.id, *crowd[:99]]}
    conversation = (await ada.ask("POST", "/api/conversations", wanted))["id"]
    message = await say(ada, conversation)
    adas = await ada.socket()

    await bob.ask("POST", f"/api/conversations/{conversation}/read", {"upToSeq": 2})

    await adas.settle()
    assert adas.events("receipt:update") == []
    receipts = await ada.ask("GET", f"/api/messages/{message['id']}/receipts")
    assert (receipts["readCount"], receipts["memberCount"]) == (1, 100)
    assert (receipts["readBy"], receipts["deliveredTo"]) == ([], [])


async def test_r26_whatever_tells_of_unread_messages_tells_the_badge_as_it_is_now(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    one, other, muted = await direct(ada, bob), await group(ada, bob), await group(ada, bob)
    await bob.ask("PUT", f"/api/conversations/{muted}", {"muted": True})
    for conversation in (one, other, muted):
        await say(ada, conversation)
    phone = await bob.socket("phone")

    listed = await door(bob, "chat.list_mine", {"limit": 1})
    delivered = await door(bob, "chat.delivered", {"conversationId": one, "upToSeq": 2})
    read = await door(bob, "chat.read", {"conversationId": one, "upToSeq": 2})
    marked = await door(bob, "chat.mark_unread", {"conversationId": one})

    assert (listed["total"], delivered["total"], read["total"], marked["total"]) == (2, None, 1, 2)
    heard = [await phone.next("conversation:read"), await phone.next("conversation:unread")]
    assert heard == [read, marked]
    assert (read["unread"], read["mentions"], read["seq"]) == (0, 0, 2)
