"""What becomes of messages: windows, the history of edits, deleting for oneself and in numbers, sets of reactions."""

import pytest

from tests.handlers.chat.conftest import People, sign_in
from tests.handlers.chat.helpers import direct, fresh_id, group, missed, said, say, shown
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Refusal


async def test_r42_the_sender_and_the_admins_see_every_text_that_a_message_had(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    message = await say(bob, conversation, "one")
    await cyd.ask("POST", f"/api/messages/{message['id']}/reactions", {"emoji": "👍"})
    two = await bob.ask("PUT", f"/api/messages/{message['id']}", {"content": "two"})
    three = await bob.ask("PUT", f"/api/messages/{message['id']}", {"content": "three"})

    answers = [await door(who, "chat.edits", {"messageId": message["id"]}) for who in (ada, bob)]

    assert answers[0] == answers[1]
    assert answers[0]["editions"] == [
        {"content": "one", "at": message["createdAt"]},
        {"content": "two", "at": two["editedAt"]},
        {"content": "three", "at": three["editedAt"]},
    ]
    with pytest.raises(Refusal) as refusal:
        await door(cyd, "chat.edits", {"messageId": message["id"]})
    assert refusal.value.code == "forbidden"
    await bob.ask("DELETE", f"/api/messages/{message['id']}")
    with pytest.raises(Refusal) as refusal:
        await door(ada, "chat.edits", {"messageId": message["id"]})
    assert refusal.value.code == "gone"


async def test_r42_a_message_is_edited_up_to_its_48th_hour_and_not_after(people: People, clock: TurnableClock) -> None:
    ada, bob = await people("ada", "bob")
    message = await say(ada, await direct(ada, bob), "first")
    clock.advance(hours=47, minutes=59)
    await sign_in(ada)

    edited = await ada.ask("PUT", f"/api/messages/{message['id']}", {"content": "in time"})
    clock.advance(minutes=2)
    with pytest.raises(Refusal) as refusal:
        await ada.ask("PUT", f"/api/messages/{message['id']}", {"content": "too late"})

    assert (edited["content"], refusal.value.code) == ("in time", "expired_window")


async def test_r43_a_message_deleted_for_oneself_stays_for_the_others(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    kept = await say(ada, conversation, "kept")
    message = await say(ada, conversation, "needle")
    adas, bobs = await ada.socket(), await bob.socket()

    hidden = await door(bob, "chat.hide", {"messageId": message["id"]})

    assert hidden == {"messageId": message["id"], "conversationId": conversation, "seq": 4, "targetSeq": 3}
    assert await bobs.next("message:hidden") == hidden
    assert await said(bob, conversation) == ["kept"]
    assert await said(ada, conversation) == ["kept", "needle"]
    assert (await shown(bob, conversation))["lastMessage"]["id"] == kept["id"]
    assert (await shown(bob, conversation))["unread"] == 1
    found = await bob.ask("GET", "/api/messages/search", params={"q": "needle", "conversationId": conversation})
    assert found["messages"] == []
    assert await missed(bob, conversation) == [(1, "member"), (2, "message"), (3, "noop"), (4, "hide")]
    assert await missed(ada, conversation) == [(1, "member"), (2, "message"), (3, "message"), (4, "noop")]
    await ada.ask("PUT", f"/api/messages/{message['id']}", {"content": "needle too"})
    assert (await adas.next("message:updated"))["content"] == "needle too"
    last = await say(ada, conversation, "last")
    assert (await bobs.next("message:new"))["id"] == last["id"]
    assert bobs.events("message:updated") == adas.events("message:hidden") == []
    with pytest.raises(Refusal) as refusal:
        await door(bob, "chat.hide", {"messageId": message["id"]})
    assert refusal.value.code == "not_found"


async def test_r43_deleting_for_oneself_has_no_time_limit_and_hides_a_tombstone_too(
    people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    old, gone = await say(ada, conversation, "old"), await say(ada, conversation, "gone")
    await ada.ask("DELETE", f"/api/messages/{gone['id']}")
    clock.advance(days=100)
    await sign_in(bob)
    await sign_in(ada)

    for message in (old, gone):
        await bob.ask("POST", f"/api/messages/{message['id']}/hide", {})

    assert await said(bob, conversation) == []
    assert await said(ada, conversation) == ["old", ""]


async def test_r43_many_messages_are_deleted_at_once_and_those_that_stay_are_named(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    own = [(await say(ada, conversation, f"own {number}"))["id"] for number in range(3)]
    other = (await say(bob, conversation, "other"))["id"]

    answer = await door(ada, "chat.delete_many", {"messageIds": [*own[:2], other, own[0]], "forEveryone": True})
    mine = await door(ada, "chat.delete_many", {"messageIds": [other, own[2]], "forEveryone": False})

    assert answer["deleted"] == own[:2]
    assert [(one["messageId"], one["code"]) for one in answer["refused"]] == [(other, "forbidden")]
    assert mine == {"deleted": [other, own[2]], "refused": []}
    assert await said(bob, conversation) == ["", "", "own 2", "other"]
    assert await said(ada, conversation) == ["", ""]
    for wrong in ([], [f"{conversation}:{number}" for number in range(1, 102)]):
        with pytest.raises(Refusal) as refusal:
            await door(ada, "chat.delete_many", {"messageIds": wrong, "forEveryone": True})
        assert refusal.value.fields == {"messageIds"}


async def test_r43_both_sides_of_a_secret_conversation_delete_anything_at_any_time(
    people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(ada, conversation, "c2VjcmV0")
    stored = ada.server.app.mongo.collection("conversations")
    await stored.update_one({"_id": conversation}, {"$set": {"isEncrypted": True}})
    clock.advance(days=30)
    await sign_in(bob)
    await sign_in(ada)

    removed = await bob.ask("DELETE", f"/api/messages/{message['id']}")

    assert removed["deletedBy"] == "peer"
    assert await said(ada, conversation) == [""]


async def test_r44_ones_reactions_are_set_as_a_whole(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    message = await say(ada, conversation)
    await ada.ask("POST", f"/api/messages/{message['id']}/reactions", {"emoji": "🎉"})
    adas = await ada.socket()
    same = fresh_id()

    one = {"messageId": message["id"], "emojis": ["👍", "🎉", "👍"], "operationId": same}
    first = await door(bob, "chat.set_reactions", one)
    again = await door(bob, "chat.set_reactions", one)
    second = await door(bob, "chat.set_reactions", {"messageId": message["id"], "emojis": ["❤️"]})
    none = await door(bob, "chat.set_reactions", {"messageId": message["id"], "emojis": []})

    def summary(answer: dict[str, list[dict[str, object]]]) -> dict[object, object]:
        return {reaction["emoji"]: reaction["userIds"] for reaction in answer["reactions"]}

    assert summary(first) == summary(again) == {"🎉": [ada.id, bob.id], "👍": [bob.id]}
    assert summary(second) == {"🎉": [ada.id], "❤️": [bob.id]}
    assert summary(none) == {"🎉": [ada.id]}
    assert [(await adas.next("message:updated"))["revision"] for _ in range(3)] == [4, 5, 6]
    with pytest.raises(Refusal) as refusal:
        await door(bob, "chat.set_reactions", {"messageId": message["id"], "emojis": ["👍", "❤️", "😀", "😁"]})
    assert refusal.value.code == "chat.reaction_limit"
    (left,) = (await bob.ask("GET", f"/api/conversations/{conversation}/messages"))["messages"]
    assert left == none


async def test_r44_a_set_of_reactions_cannot_pass_the_twenty_different_ones(people: People) -> None:
    ada, *others = await people("ada", *(f"one{number}" for number in range(7)))
    conversation = await group(ada, *others)
    message = await say(ada, conversation)
    emojis = [chr(0x1F600 + number) for number in range(22)]
    path = f"/api/messages/{message['id']}/reactions"
    for number, one in enumerate(others):
        await one.ask("PUT", path, {"emojis": emojis[3 * number : min(20, 3 * number + 3)]})

    with pytest.raises(Refusal) as refusal:
        await others[6].ask("PUT", path, {"emojis": [emojis[18], emojis[19], emojis[20]]})
    swapped = await others[6].ask("PUT", path, {"emojis": [emojis[20], emojis[21]]})

    assert refusal.value.code == "chat.reaction_limit"
    assert len(swapped["reactions"]) == 20
