"""Conversations: made once, listed by what happened last, changed by who may, and put away."""

import asyncio
from typing import Any

import pytest

from handlers.chat.models.conversations import NewConversation, OneParticipant
from server.actors import Actor
from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import block, direct, first_contact, group, missed, said, say, shown
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Person, Refusal, befriend

NOBODY = "01936c4e-8f3a-7c11-9d2b-3f6a1b2c4d5e"


async def listed(who: Person, **which: str) -> list[str]:
    """The ids of somebody's conversations as they are listed."""
    page = await who.ask("GET", "/api/conversations", params=which)
    return [one["id"] for one in page["conversations"]]


async def test_two_people_have_one_direct_conversation_whoever_begins_it(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    bobs = await bob.socket()

    made = await door(ada, "chat.create", {"type": "direct", "participantIds": [bob.id]})
    again = await door(bob, "chat.create", {"type": "direct", "participantIds": [ada.id]})

    assert made["id"] == again["id"]
    assert (made["type"], made["participantIds"], made["head"]) == ("direct", sorted([ada.id, bob.id]), 1)
    assert (made["ownerId"], made["adminIds"], made["name"]) == (None, [], None)
    heard = await bobs.next("conversation:updated")
    assert (heard["conversationId"], heard["seq"], heard["change"]["action"]) == (made["id"], 1, "created")
    assert await missed(bob, made["id"]) == [(1, "member")]


async def test_both_beginning_at_once_on_two_servers_have_one_conversation(people: People, pair: Pair) -> None:
    for _ in range(5):
        ada, bob = await people("ada", "bob")
        there = bob.at(pair[1])

        await befriend(ada, bob)
        answers = await asyncio.gather(
            *(first_contact(ada, bob) for _ in range(3)), *(first_contact(there, ada) for _ in range(3))
        )

        assert len(set(answers)) == 1
        assert await listed(ada) == await listed(bob) == [answers[0]]


async def test_a_direct_conversation_needs_exactly_one_other_person(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")

    for wrong, field in (
        ({"participantIds": []}, "participantIds"),
        ({"participantIds": [ada.id]}, "participantIds"),
        ({"participantIds": [bob.id, cyd.id]}, "participantIds"),
        ({"participantIds": [bob.id], "name": "Us"}, "name"),
    ):
        with pytest.raises(Refusal) as refusal:
            await door(ada, "chat.create", {"type": "direct", **wrong})
        assert (refusal.value.code, refusal.value.fields) == ("bad_request", {field})
    assert await listed(ada) == []


async def test_who_blocks_who_is_blocked_and_who_is_not_there_are_refused_alike(people: People, door: Door) -> None:
    ada, blocker, blocked = await people("ada", "blocker", "blocked")
    await block(blocker, ada)
    await block(ada, blocked)

    answers = []
    for other in (blocker.id, blocked.id, NOBODY):
        for wanted in (
            {"type": "direct", "participantIds": [other]},
            {"type": "group", "name": "Crew", "participantIds": [other]},
        ):
            with pytest.raises(Refusal) as refusal:
                await door(ada, "chat.create", wanted)
            answers.append((refusal.value.code, str(refusal.value).replace(other, "X")))

    assert len(set(answers)) == 1
    assert answers[0][0] == "chat.cannot_reach"
    assert await listed(ada) == []


@pytest.mark.parametrize("preference", ["friends", "none"])
async def test_a_first_contact_obeys_the_other_ones_preference(people: People, preference: str) -> None:
    ada, bob = await people("ada", "bob")
    await bob.ask("PUT", "/api/users/me/privacy", {"contactPreference": preference})

    with pytest.raises(Refusal) as refusal:
        await first_contact(ada, bob)

    assert refusal.value.code == "chat.cannot_reach"
    conversation = await first_contact(bob, ada)
    assert await first_contact(ada, bob) == conversation


async def test_friends_may_be_contacted_by_friends(people: People) -> None:
    ada, bob = await people("ada", "bob")
    await bob.ask("PUT", "/api/users/me/privacy", {"contactPreference": "friends"})
    asked = await ada.ask("POST", "/api/friends/request", {"recipientId": bob.id})
    await bob.ask("PUT", f"/api/friends/{asked['id']}/accept")

    conversation = await direct(ada, bob)

    assert await listed(bob) == [conversation]


async def test_a_group_has_its_maker_as_owner_and_the_others_as_members(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    cyds = await cyd.socket()

    wanted = {
        "type": "group",
        "name": "  Crew ",
        "description": "All of us",
        "avatar": "https://cdn.example.com/crew.png",
        "participantIds": [bob.id, cyd.id, bob.id, ada.id],
        "allowInvites": True,
        "messageRetention": 30,
    }
    made = await door(ada, "chat.create", wanted)

    assert (made["name"], made["description"], made["avatar"]) == (
        "Crew",
        "All of us",
        "https://cdn.example.com/crew.png",
    )
    assert (made["ownerId"], made["adminIds"], made["createdBy"]) == (ada.id, [ada.id], ada.id)
    assert (made["allowInvites"], made["messageRetention"], made["isEncrypted"]) == (True, 30, False)
    assert {one["userId"]: one["role"] for one in made["participants"]} == {
        ada.id: "owner",
        bob.id: "member",
        cyd.id: "member",
    }
    assert made["participantIds"][0] == ada.id
    heard = await cyds.next("conversation:updated")
    assert (heard["id"], heard["change"]["userIds"]) == (made["id"], sorted([ada.id, bob.id, cyd.id]))
    assert heard["isArchived"] is None


async def test_a_group_needs_a_name(people: People, door: Door) -> None:
    (ada,) = await people("ada")

    for wrong in ({}, {"name": "  "}, {"name": "x" * 101}):
        with pytest.raises(Refusal) as refusal:
            await door(ada, "chat.create", {"type": "group", **wrong})
        assert refusal.value.fields == {"name"}


async def test_every_conversation_has_a_number_of_its_own(people: People) -> None:
    ada, bob = await people("ada", "bob")

    numbers = [(await shown(ada, one))["nid"] for one in (await direct(ada, bob), await group(ada), await group(ada))]

    assert len(set(numbers)) == 3
    assert numbers == sorted(numbers)
    assert numbers[0] >= 1


async def test_the_list_begins_with_the_conversation_in_which_something_was_said_last(
    people: People, clock: TurnableClock, door: Door
) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    first, second, third = await direct(ada, bob), await direct(ada, cyd), await group(ada, bob, name="Crew")
    await say(bob, first, "old news")
    clock.advance(seconds=1)
    await say(cyd, second, "a")
    await say(cyd, second, "b")
    clock.advance(seconds=1)
    last = await say(bob, first, "news")

    page = await door(ada, "chat.list_mine", {})

    assert [one["id"] for one in page["conversations"]] == [first, second, third]
    top, middle, bottom = page["conversations"]
    assert top["lastMessage"] == last
    assert (top["lastMessageId"], top["lastMessageAt"]) == (last["id"], last["createdAt"])
    assert [(one["unread"], one["head"]) for one in (top, middle, bottom)] == [(2, 3), (2, 3), (0, 1)]
    assert bottom["lastMessage"] is None
    assert page["nextCursor"] is None


async def test_the_list_comes_in_pages_that_hold_every_conversation_once(people: People, clock: TurnableClock) -> None:
    ada, bob = await people("ada", "bob")
    made = []
    for number in range(7):
        made.append(await group(ada, bob, name=f"Crew {number}"))
        clock.advance(seconds=1)

    found: list[str] = []
    params: dict[str, Any] = {"limit": "3"}
    for _ in range(3):
        page = await ada.ask("GET", "/api/conversations", params=params)
        found += [one["id"] for one in page["conversations"]]
        params["cursor"] = page["nextCursor"]

    assert found == made[::-1]
    assert params["cursor"] is None
    with pytest.raises(Refusal) as refusal:
        await ada.ask("GET", "/api/conversations", params={"cursor": "nonsense"})
    assert refusal.value.fields == {"cursor"}


async def test_the_list_can_be_of_one_type_and_of_what_is_archived(people: People) -> None:
    ada, bob = await people("ada", "bob")
    one, crew = await direct(ada, bob), await group(ada, bob)
    await ada.ask("PUT", f"/api/conversations/{crew}", {"isArchived": True})

    assert await listed(ada) == [one]
    assert await listed(ada, archived="true") == [crew]
    assert await listed(ada, type="group") == []
    assert await listed(ada, type="group", archived="true") == [crew]
    assert await listed(ada, type="direct") == [one]
    assert sorted(await listed(bob)) == sorted([one, crew])


async def test_archived_and_muted_concern_only_the_one_who_says_so_on_all_devices(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(bob, ada)
    phone, bobs = await ada.socket("phone"), await bob.socket()

    changed = await door(ada, "chat.change", {"conversationId": conversation, "isArchived": True, "muted": True})

    assert (changed["isArchived"], changed["muted"]) == (True, True)
    told = await phone.next("conversation:preferences")
    assert told == {
        "conversationId": conversation,
        "isArchived": True,
        "keepArchived": False,
        "archivedSeq": 1,
        "isHidden": False,
        "isIgnored": False,
        "muted": True,
        "mutedUntil": None,
    }
    await bobs.settle()
    assert bobs.events("conversation:preferences") == []
    theirs = await shown(bob, conversation)
    assert (theirs["isArchived"], theirs["muted"]) == (False, False)
    assert await missed(ada, conversation) == [(1, "member")]


async def test_settings_of_a_group_are_changed_by_its_admins_and_told_to_all(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    bobs = await bob.socket()

    wanted = {"name": "Band", "description": None, "avatar": "https://cdn.example.com/b.png", "allowInvites": True}
    changed = await door(ada, "chat.change", {"conversationId": conversation, **wanted})

    assert {name: changed[name] for name in wanted} == wanted
    heard = await bobs.next("conversation:updated")
    assert (heard["name"], heard["seq"]) == ("Band", 2)
    assert heard["change"]["fields"] == ["allowInvites", "avatar", "name"]
    assert await missed(bob, conversation) == [(1, "member"), (2, "settings")]
    with pytest.raises(Refusal) as refusal:
        await door(bob, "chat.change", {"conversationId": conversation, "name": "Mine"})
    assert refusal.value.code == "forbidden"
    assert (await shown(bob, conversation))["name"] == "Band"


async def test_settings_that_are_as_they_were_leave_no_entry(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)

    await ada.ask("PUT", f"/api/conversations/{conversation}", {"name": "Crew", "allowInvites": False})

    assert await missed(ada, conversation) == [(1, "member")]


async def test_what_cannot_be_changed_is_refused(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    one, crew = await direct(ada, bob), await group(ada, bob)

    for conversation, wanted, code in (
        (one, {"name": "Us"}, "forbidden"),
        (crew, {"name": None}, "bad_request"),
        (crew, {"isArchived": None}, "bad_request"),
        (crew, {"messageRetention": -1}, "bad_request"),
        (crew, {"avatar": "http://cdn.example.com/x"}, "bad_request"),
        (crew, {"type": "direct"}, "bad_request"),
    ):
        with pytest.raises(Refusal) as refusal:
            await door(ada, "chat.change", {"conversationId": conversation, **wanted})
        assert refusal.value.code == code
    assert await missed(ada, crew) == [(1, "member")]


async def test_a_deleted_direct_conversation_comes_back_with_the_next_message(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await say(bob, conversation, "before")
    phone = await ada.socket("phone")

    await door(ada, "chat.delete", {"conversationId": conversation})

    assert (await phone.next("conversation:preferences"))["isHidden"] is True
    assert await listed(ada) == []
    assert await listed(bob) == [conversation]
    await say(bob, conversation, "after")
    assert await listed(ada) == [conversation]
    assert await said(ada, conversation) == ["before", "after"]


async def test_beginning_a_deleted_direct_conversation_again_lists_it_again(people: People) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await direct(ada, bob)
    await ada.ask("DELETE", f"/api/conversations/{conversation}")

    assert await direct(ada, bob) == conversation

    assert await listed(ada) == [conversation]


async def test_deleting_a_group_is_leaving_it(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    conversation = await group(ada, bob)
    adas = await ada.socket()

    await door(bob, "chat.delete", {"conversationId": conversation})

    assert await listed(bob) == []
    heard = await adas.next("conversation:updated")
    assert (heard["participantIds"], heard["change"]["action"]) == ([ada.id], "left")


async def test_r49_a_group_takes_five_hundred_members_and_not_one_more(people: People, crowd: list[str]) -> None:
    (ada,) = await people("ada")
    actor = Actor(ada.id, "user", frozenset(), "session", "device", ada.server.app.clock.now())
    chat = ada.server.service("chat")

    def wanted(count: int) -> NewConversation:
        return NewConversation(type="group", name="Crowd", participant_ids=crowd[:count])

    with pytest.raises(Exception, match="at most 500 members"):
        await chat.conversations.create(actor, wanted(500))
    made = await chat.conversations.create(actor, wanted(499))

    assert len(made.participant_ids) == 500
    for door in (
        ada.ask("POST", f"/api/conversations/{made.id}/participants", {"userIds": [crowd[499]]}),
        (await ada.socket()).ask("conversations:add", {"conversationId": made.id, "userIds": [crowd[499]]}),
    ):
        with pytest.raises(Refusal) as refusal:
            await door
        assert refusal.value.code == "chat.group_full"
    await chat.participants.remove(actor, OneParticipant(conversation_id=made.id, user_id=crowd[0]))
    added = await ada.ask("POST", f"/api/conversations/{made.id}/participants", {"userIds": [crowd[499]]})
    assert len(added["participantIds"]) == 500
