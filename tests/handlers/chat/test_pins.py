"""Pinned messages."""

import asyncio

import pytest

from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import block, direct, group, missed, say
from tests.harness.people import Door, Person, Refusal


async def pinned(who: Person, conversation: str) -> list[str]:
    """The texts of what somebody finds pinned."""
    answer = await who.ask("GET", f"/api/conversations/{conversation}/pins")
    return [message["content"] for message in answer["messages"]]


async def all_may_pin(owner: Person, conversation: str) -> None:
    await owner.ask("PUT", f"/api/conversations/{conversation}/permissions", {"pin": True})


async def test_r48_in_a_group_those_pin_whom_the_admins_let(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    message = await say(ada, conversation)
    await door(ada, "chat.pin", {"messageId": message["id"]})

    for name in ("chat.pin", "chat.unpin"):
        with pytest.raises(Refusal) as refusal:
            await door(bob, name, {"messageId": message["id"]})
        assert refusal.value.code == "chat.restricted"
    await all_may_pin(ada, conversation)
    unpinned = await door(bob, "chat.unpin", {"messageId": message["id"]})

    assert unpinned["pinnedAt"] is None


async def test_r46_a_pin_is_an_entry_that_all_hear_of_and_find_in_the_list(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob)
    await all_may_pin(ada, conversation)
    one, two = await say(ada, conversation, "one"), await say(ada, conversation, "two")
    adas = await ada.socket()

    await door(bob, "chat.pin", {"messageId": two["id"]})
    first = await door(bob, "chat.pin", {"messageId": one["id"]})
    again = await door(ada, "chat.pin", {"messageId": one["id"]})

    assert first == again
    assert first["pinnedBy"] == bob.id
    assert first["pinnedAt"] == first["updatedAt"]
    assert [(await adas.next("message:updated"))["id"] for _ in range(2)] == [two["id"], one["id"]]
    assert await pinned(ada, conversation) == ["one", "two"]
    assert await missed(ada, conversation, 4) == [(5, "pin"), (6, "pin")]
    for _ in range(2):
        unpinned = await door(ada, "chat.unpin", {"messageId": one["id"]})
        assert (unpinned["pinnedAt"], unpinned["pinnedBy"]) == (None, None)
    assert await pinned(bob, conversation) == ["two"]
    assert await missed(ada, conversation, 6) == [(7, "unpin")]
    for name, wanted in (
        ("chat.pin", {"messageId": one["id"]}),
        ("chat.unpin", {"messageId": two["id"]}),
        ("chat.pinned", {"conversationId": conversation}),
    ):
        with pytest.raises(Refusal) as refusal:
            await door(cyd, name, wanted)
        assert refusal.value.code == "not_found"


async def test_r46_a_conversation_has_fifty_pins_also_when_many_pin_at_once(people: People, pair: Pair) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    await all_may_pin(ada, conversation)
    ids = [(await say(ada, conversation, str(number)))["id"] for number in range(54)]
    for one in ids[:48]:
        await ada.ask("POST", f"/api/messages/{one}/pin", {})
    elsewhere = bob.at(pair[1])

    answers = await asyncio.gather(
        *(
            who.http("POST", f"/api/messages/{one}/pin", {})
            for who, one in zip((ada, elsewhere) * 3, ids[48:], strict=True)
        )
    )

    codes = sorted(str(body.get("code")) for status, body in answers if status != 200)
    assert codes == ["chat.pin_limit"] * 4
    assert len(await pinned(bob, conversation)) == 50
    await ada.ask("DELETE", f"/api/messages/{ids[0]}")
    assert len(await pinned(bob, conversation)) == 49
    refused = next(one for one, (status, _) in zip(ids[48:], answers, strict=True) if status != 200)
    await bob.ask("POST", f"/api/messages/{refused}/pin", {})
    assert len(await pinned(bob, conversation)) == 50


async def test_r46_a_newcomer_sees_only_pins_of_what_he_may_see(people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob)
    before = await say(ada, conversation, "before")
    await ada.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [cyd.id]})
    after = await say(ada, conversation, "after")
    for message in (before, after):
        await ada.ask("POST", f"/api/messages/{message['id']}/pin", {})

    assert await pinned(cyd, conversation) == ["after"]
    assert await pinned(bob, conversation) == ["after", "before"]


async def test_r46_what_a_blocked_person_pins_or_unpins_the_other_does_not_see(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    one, two = await say(ada, conversation, "one"), await say(ada, conversation, "two")
    await bob.ask("POST", f"/api/messages/{one['id']}/pin", {})
    await block(bob, ada)

    await ada.ask("DELETE", f"/api/messages/{one['id']}/pin")
    await ada.ask("POST", f"/api/messages/{two['id']}/pin", {})

    assert await pinned(ada, conversation) == ["two"]
    assert await pinned(bob, conversation) == ["one"]
