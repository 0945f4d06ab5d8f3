"""Joining a group by a link: its end, its number of people, its queue, and who may not come by it."""

import asyncio
from typing import Any

import pytest

from crypto.tokens import digest, new_secret
from tests.handlers.chat.conftest import Pair, People, sign_in
from tests.handlers.chat.helpers import direct, group, missed, said, say, shown
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Person, Refusal
from tests.harness.servers import Server


async def link(who: Person, conversation: str, **wanted: Any) -> Any:
    """A new link."""
    return await who.ask("POST", f"/api/conversations/{conversation}/links", wanted)


async def join(who: Person, made: Any) -> Any:
    """Come by a link."""
    return await who.ask("POST", "/api/join", {"token": made["token"]})


async def refused(who: Person, made: Any) -> str:
    """The code with which somebody is not let in."""
    with pytest.raises(Refusal) as refusal:
        await join(who, made)
    return refusal.value.code


async def test_r48_who_comes_by_a_link_is_a_member_and_everybody_hears_it(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob)
    await say(ada, conversation, "before")
    made = await door(ada, "chat.make_link", {"conversationId": conversation})
    bobs, cyds = await bob.socket(), await cyd.socket()

    joined = await door(cyd, "chat.join", {"token": made["token"]})
    again = await door(cyd, "chat.join", {"token": made["token"]})

    assert (joined["status"], joined["conversationId"]) == ("joined", conversation)
    assert again["conversation"]["participantIds"] == [ada.id, bob.id, cyd.id]
    for socket in (bobs, cyds):
        heard = await socket.next("conversation:updated")
        assert (heard["change"]["action"], heard["change"]["by"]) == ("joined", cyd.id)
    await say(ada, conversation, "after")
    assert (await cyds.next("message:new"))["content"] == "after"
    assert await said(cyd, conversation) == ["after"]
    (listed,) = (await door(ada, "chat.list_links", {"conversationId": conversation}))["links"]
    assert (listed["id"], listed["uses"], "token" in listed) == (made["id"], 1, False)


async def test_r48_of_a_links_secret_only_a_digest_is_stored(people: People, server: Server) -> None:
    (ada,) = await people("ada")
    conversation = await group(ada)
    made = await link(ada, conversation)

    stored = await server.app.mongo.collection("chat_links").find_one({"_id": made["id"]})

    assert stored is not None
    assert stored["digest"] == digest(made["token"])
    assert made["token"] not in str(stored)


async def test_r48_a_link_ends_by_its_time_by_revocation_and_never_was(
    people: People, door: Door, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada)
    short, long = await link(ada, conversation, expiresIn=60), await link(ada, conversation)
    clock.advance(seconds=61)

    first = await refused(bob, short)
    await door(ada, "chat.revoke_link", {"conversationId": conversation, "linkId": long["id"]})
    await door(ada, "chat.revoke_link", {"conversationId": conversation, "linkId": long["id"]})
    second, third = await refused(bob, long), await refused(bob, {"token": new_secret()})

    assert (first, second, third) == ("not_found", "not_found", "not_found")
    assert (await door(ada, "chat.list_links", {"conversationId": conversation}))["links"] == []
    assert (await shown(ada, conversation))["participantIds"] == [ada.id]


async def test_r48_a_link_brings_in_no_more_than_its_number_from_two_servers_at_once(
    people: People, pair: Pair
) -> None:
    (ada,) = await people("ada")
    here, there = await people(*["eve"] * 4), await people(*["fay"] * 4, at=pair[1])
    conversation = await group(ada)
    made = await link(ada, conversation, maxUses=3)

    answers = await asyncio.gather(*(join(one, made) for one in here + there), return_exceptions=True)

    codes = sorted(one.code if isinstance(one, Refusal) else "joined" for one in answers)
    assert codes == ["joined"] * 3 + ["not_found"] * 5
    assert len((await shown(ada, conversation))["participantIds"]) == 4
    listed = await ada.ask("GET", f"/api/conversations/{conversation}/links")
    assert [one["uses"] for one in listed["links"]] == [3]


async def test_r48_a_link_with_approval_makes_a_queue(people: People, door: Door) -> None:
    ada, bob, cyd, dan = await people("ada", "bob", "cyd", "dan")
    conversation = await group(ada, bob)
    made = await link(ada, conversation, approval=True, maxUses=1)
    adas, bobs = await ada.socket(), await bob.socket()

    answers = [await door(one, "chat.join", {"token": made["token"]}) for one in (cyd, cyd, dan)]
    queue = await door(ada, "chat.list_requests", {"conversationId": conversation})

    assert [(one["status"], one["conversation"]) for one in answers] == [("waiting", None)] * 3
    assert [one["userId"] for one in queue["requests"]] == [cyd.id, dan.id]
    assert [(await adas.next("conversation:request"))["userId"] for _ in range(2)] == [cyd.id, dan.id]
    with pytest.raises(Refusal) as outside:
        await shown(cyd, conversation)
    assert outside.value.code == "not_found"

    here = {"conversationId": conversation}
    await door(ada, "chat.answer_request", here | {"userId": cyd.id, "accept": True})
    with pytest.raises(Refusal) as used_up:
        await door(ada, "chat.answer_request", here | {"userId": dan.id, "accept": True})
    await door(ada, "chat.answer_request", here | {"userId": dan.id, "accept": False})

    assert used_up.value.code == "conflict"
    assert (await shown(cyd, conversation))["participantIds"] == [ada.id, bob.id, cyd.id]
    assert (await door(ada, "chat.list_requests", here))["requests"] == []
    with pytest.raises(Refusal) as gone:
        await door(ada, "chat.answer_request", here | {"userId": dan.id, "accept": True})
    assert gone.value.code == "not_found"
    assert bobs.events("conversation:request") == []
    acts = (await door(ada, "chat.list_audit", here))["entries"]
    assert [(one["action"], one["fields"], one["userIds"]) for one in acts] == [
        ("settings", ["requests"], [dan.id]),
        ("added", [], [cyd.id]),
        ("settings", ["links"], []),
    ]


async def test_r48_whoever_was_removed_does_not_come_back_by_a_link(people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    made, asking = await link(ada, conversation), await link(ada, conversation, approval=True)
    await ada.ask("DELETE", f"/api/conversations/{conversation}/participants/{bob.id}")
    await cyd.ask("DELETE", f"/api/conversations/{conversation}")

    codes = [await refused(bob, made), await refused(bob, asking)]
    await join(cyd, made)
    await ada.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [bob.id]})
    await bob.ask("DELETE", f"/api/conversations/{conversation}")
    await join(bob, made)

    assert codes == ["forbidden", "forbidden"]
    assert (await shown(bob, conversation))["participantIds"] == [ada.id, cyd.id, bob.id]


async def test_r48_only_admins_of_a_group_have_links(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation, other, pair = await group(ada, bob), await group(bob), await direct(ada, bob)
    made = await link(ada, conversation)

    for who, name, wanted, code in (
        (bob, "chat.make_link", {}, "forbidden"),
        (bob, "chat.list_links", {}, "forbidden"),
        (bob, "chat.revoke_link", {"linkId": made["id"]}, "forbidden"),
        (bob, "chat.list_requests", {}, "forbidden"),
        (bob, "chat.answer_request", {"userId": cyd.id, "accept": True}, "forbidden"),
        (ada, "chat.make_link", {"conversationId": pair}, "forbidden"),
        (bob, "chat.revoke_link", {"conversationId": other, "linkId": made["id"]}, "not_found"),
        (ada, "chat.make_link", {"maxUses": 0}, "bad_request"),
        (ada, "chat.make_link", {"expiresIn": 59}, "bad_request"),
    ):
        with pytest.raises(Refusal) as refusal:
            await door(who, name, {"conversationId": conversation, **wanted})
        assert refusal.value.code == code
    assert len(await missed(ada, conversation)) == 2


async def test_r48_a_group_has_twenty_links_at_most(people: People, clock: TurnableClock) -> None:
    (ada,) = await people("ada")
    conversation = await group(ada)
    for number in range(20):
        if number % 5 == 0:
            clock.advance(minutes=5)
            await sign_in(ada)
        await link(ada, conversation)

    clock.advance(minutes=5)
    await sign_in(ada)
    with pytest.raises(Refusal) as refusal:
        await link(ada, conversation)

    assert refusal.value.code == "conflict"


async def test_r48_who_erases_his_account_waits_nowhere(people: People, server: Server) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada)
    await join(bob, await link(ada, conversation, approval=True))

    await server.service("chat").links.forget(bob.id)

    assert (await ada.ask("GET", f"/api/conversations/{conversation}/requests"))["requests"] == []
