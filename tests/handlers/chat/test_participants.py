"""Who is in a group: added, removed, gone, and with which role."""

import asyncio

import pytest

from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import block, direct, group, missed, said, say, shown
from tests.harness.people import Door, Person, Refusal


async def roles(who: Person, conversation: str) -> dict[str, str]:
    """The roles of all members as somebody sees them."""
    return {one["userId"]: one["role"] for one in (await shown(who, conversation))["participants"]}


async def test_an_added_member_sees_what_is_said_from_then_on(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob)
    await say(ada, conversation, "before")
    bobs, cyds = await bob.socket(), await cyd.socket()

    changed = await door(ada, "chat.add_participants", {"conversationId": conversation, "userIds": [cyd.id]})

    assert changed["participantIds"] == [ada.id, bob.id, cyd.id]
    for socket in (bobs, cyds):
        heard = await socket.next("conversation:updated")
        assert (heard["seq"], heard["change"]["action"], heard["change"]["userIds"]) == (3, "added", [cyd.id])
    message = await say(bob, conversation, "after")
    assert await cyds.next("message:new") == message
    assert await said(cyd, conversation) == ["after"]
    assert await missed(cyd, conversation) == [(3, "member"), (4, "message")]
    mine = await shown(cyd, conversation)
    assert (mine["joinedSeq"], mine["unread"], mine["lastMessage"]["id"]) == (3, 1, message["id"])


async def test_adding_members_again_changes_nothing(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)

    changed = await door(ada, "chat.add_participants", {"conversationId": conversation, "userIds": [bob.id, ada.id]})

    assert changed["participantIds"] == [ada.id, bob.id]
    assert await missed(bob, conversation) == [(1, "member")]


async def test_only_admins_add_people_unless_the_group_allows_invitations(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob)

    with pytest.raises(Refusal) as refusal:
        await door(bob, "chat.add_participants", {"conversationId": conversation, "userIds": [cyd.id]})
    assert refusal.value.code == "forbidden"
    await ada.ask("PUT", f"/api/conversations/{conversation}", {"allowInvites": True})
    await door(bob, "chat.add_participants", {"conversationId": conversation, "userIds": [cyd.id]})

    assert await roles(ada, conversation) == {ada.id: "owner", bob.id: "member", cyd.id: "member"}


async def test_nobody_is_added_who_has_a_block_with_the_one_who_adds(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob)
    await block(cyd, ada)

    with pytest.raises(Refusal) as refusal:
        await door(ada, "chat.add_participants", {"conversationId": conversation, "userIds": [cyd.id]})

    assert refusal.value.code == "chat.cannot_reach"
    assert await missed(ada, conversation) == [(1, "member")]


async def test_a_direct_conversation_takes_nobody_in_and_lets_nobody_go(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await direct(ada, bob)

    for name, wanted in (
        ("chat.add_participants", {"userIds": [cyd.id]}),
        ("chat.remove_participant", {"userId": bob.id}),
        ("chat.remove_participant", {"userId": ada.id}),
        ("chat.change_participant", {"userId": bob.id, "role": "admin"}),
    ):
        with pytest.raises(Refusal) as refusal:
            await door(ada, name, {"conversationId": conversation, **wanted})
        assert refusal.value.code == "forbidden"
    assert await missed(ada, conversation) == [(1, "member")]


async def test_a_removed_member_is_told_and_hears_nothing_more(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    bobs, cyds = await bob.socket(), await cyd.socket()

    await door(ada, "chat.remove_participant", {"conversationId": conversation, "userId": bob.id})
    await say(ada, conversation, "without Bob")

    told = await bobs.next("conversation:removed")
    assert told == {"conversationId": conversation, "seq": 2, "by": ada.id, "action": "removed"}
    heard = await cyds.next("conversation:updated")
    assert (heard["participantIds"], heard["change"]["userIds"]) == ([ada.id, cyd.id], [bob.id])
    assert (await cyds.next("message:new"))["content"] == "without Bob"
    await bobs.settle()
    assert bobs.events("message:new") == []
    assert bobs.events("conversation:updated") == []


async def test_admins_remove_members_and_only_the_owner_removes_admins(people: People, door: Door) -> None:
    ada, bob, cyd, dan = await people("ada", "bob", "cyd", "dan")
    conversation = await group(ada, bob, cyd, dan)
    for one in (bob, cyd):
        await door(ada, "chat.change_participant", {"conversationId": conversation, "userId": one.id, "role": "admin"})

    for who, whom in ((bob, cyd), (bob, ada), (dan, cyd)):
        with pytest.raises(Refusal) as refusal:
            await door(who, "chat.remove_participant", {"conversationId": conversation, "userId": whom.id})
        assert refusal.value.code == "forbidden"
    await door(bob, "chat.remove_participant", {"conversationId": conversation, "userId": dan.id})
    await door(ada, "chat.remove_participant", {"conversationId": conversation, "userId": cyd.id})

    assert await roles(ada, conversation) == {ada.id: "owner", bob.id: "admin"}
    with pytest.raises(Refusal) as refusal:
        await door(ada, "chat.remove_participant", {"conversationId": conversation, "userId": dan.id})
    assert refusal.value.code == "not_found"


async def test_roles_are_given_by_the_owner_and_ownership_is_handed_over(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)

    for who, whom, role, code in (
        (bob, cyd, "admin", "forbidden"),
        (ada, ada, "member", "conflict"),
        (ada, ada, "chief", "bad_request"),
    ):
        wanted = {"conversationId": conversation, "userId": whom.id, "role": role}
        with pytest.raises(Refusal) as refusal:
            await door(who, "chat.change_participant", wanted)
        assert refusal.value.code == code
    wanted = {"conversationId": conversation, "userId": bob.id, "role": "owner"}
    changed = await door(ada, "chat.change_participant", wanted)

    assert changed["ownerId"] == bob.id
    assert await roles(cyd, conversation) == {ada.id: "admin", bob.id: "owner", cyd.id: "member"}
    assert await missed(cyd, conversation) == [(1, "member"), (2, "member")]


async def test_when_the_owner_leaves_the_oldest_admin_follows(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    await ada.ask("PUT", f"/api/conversations/{conversation}/participants/{cyd.id}", {"role": "admin"})
    bobs = await bob.socket()

    await door(ada, "chat.remove_participant", {"conversationId": conversation, "userId": ada.id})

    assert await roles(bob, conversation) == {bob.id: "member", cyd.id: "owner"}
    heard = await bobs.next("conversation:updated")
    assert (heard["change"]["action"], heard["change"]["promoted"], heard["ownerId"]) == ("left", cyd.id, cyd.id)


async def test_when_the_owner_leaves_a_group_without_admins_its_oldest_member_follows(people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, cyd)
    await ada.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [bob.id]})

    await ada.ask("DELETE", f"/api/conversations/{conversation}/participants/{ada.id}")

    assert await roles(bob, conversation) == {cyd.id: "owner", bob.id: "member"}


async def test_who_comes_back_sees_nothing_of_the_time_between(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    await say(ada, conversation, "first stay")
    await ada.ask("DELETE", f"/api/conversations/{conversation}/participants/{bob.id}")
    await say(ada, conversation, "away")
    await ada.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [bob.id]})
    await say(ada, conversation, "second stay")

    assert await said(bob, conversation) == ["second stay"]
    assert await missed(bob, conversation, after=2) == [(5, "member"), (6, "message")]
    assert (await shown(bob, conversation))["unread"] == 1


async def test_admins_on_two_servers_adding_at_once_lose_nobody(people: People, pair: Pair) -> None:
    ada, bob, *others = await people("ada", "bob", *(f"one{number}" for number in range(8)))
    conversation = await group(ada, bob)
    await ada.ask("PUT", f"/api/conversations/{conversation}/participants/{bob.id}", {"role": "admin"})
    there = bob.at(pair[1])

    async def add(who: Person, whom: Person) -> None:
        await who.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [whom.id]})

    await asyncio.gather(*(add((ada, there)[number % 2], one) for number, one in enumerate(others)))

    assert set(await roles(ada, conversation)) == {one.id for one in (ada, bob, *others)}
    assert await missed(ada, conversation) == [(seq, "member") for seq in range(1, 11)]


async def test_an_erased_person_leaves_every_group(people: People) -> None:
    ada, bob = await people("ada", "bob")
    crew, one = await group(ada, bob), await direct(ada, bob)
    await say(bob, crew, "I was here")
    chat = ada.server.service("chat")

    await chat.participants.forget(bob.id)
    await chat.participants.forget(bob.id)

    assert await roles(ada, crew) == {ada.id: "owner"}
    assert await said(ada, crew) == ["I was here"]
    assert (await shown(ada, one))["participantIds"] == sorted([ada.id, bob.id])
