"""Whom a message calls: how many it may name, who of them is told, and everybody at once."""

import asyncio
from typing import Any

import pytest

from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import direct, emit, fresh_id, group, say, shown
from tests.harness.clock import TurnableClock
from tests.harness.people import Person, Refusal
from tests.harness.servers import until

TEN_MINUTES = 600_000


async def mentions(conversation: str, *people: Person) -> list[int]:
    """The mentions that each of the people has not read."""
    return [(await shown(one, conversation))["mentions"] for one in people]


async def refused(who: Person, conversation: str, **more: Any) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        await say(who, conversation, **more)
    return refusal.value


async def test_r50_an_admin_calls_everybody_once_in_ten_minutes_on_all_servers_together(
    people: People, pair: Pair, clock: TurnableClock
) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    await ada.ask("PUT", f"/api/conversations/{conversation}/participants/{bob.id}", {"role": "admin"})
    hearing, once = await cyd.socket(), fresh_id()

    first = await say(ada, conversation, "@all", mentionEveryone="all", clientMessageId=once)
    again = await say(ada, conversation, "@all", mentionEveryone="all", clientMessageId=once)
    early = [
        await refused(ada, conversation, mentionEveryone="here"),
        await refused(bob.at(pair[1]), conversation, mentionEveryone="all"),
    ]

    assert (again["id"], again["duplicate"]) == (first["id"], True)
    assert [one.code for one in early] == ["chat.called_already"] * 2
    assert all(0 < (one.retry_after_ms or 0) <= TEN_MINUTES for one in early)
    assert await mentions(conversation, ada, bob, cyd) == [0, 1, 1]
    told = await hearing.next("message:new")
    assert (told["mentionEveryone"], told["mentionedUserIds"], told["allowedMentions"]) == ("all", [], None)
    clock.advance(minutes=5)
    assert (await refused(ada, conversation, mentionEveryone="all")).code == "chat.called_already"
    clock.advance(minutes=5)
    await say(bob.at(pair[1]), conversation, "@all", mentionEveryone="all")
    assert await mentions(conversation, cyd) == [2]


async def test_r50_of_two_who_call_at_the_same_time_on_two_servers_one_is_heard(people: People, pair: Pair) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    await ada.ask("PUT", f"/api/conversations/{conversation}/participants/{bob.id}", {"role": "admin"})

    answers = await asyncio.gather(
        say(ada, conversation, mentionEveryone="all"),
        say(bob.at(pair[1]), conversation, mentionEveryone="all"),
        return_exceptions=True,
    )

    assert [one.code for one in answers if isinstance(one, Refusal)] == ["chat.called_already"]
    assert await mentions(conversation, cyd) == [1]


async def test_r50_only_admins_of_groups_call_everybody(people: People, pair: Pair) -> None:
    ada, bob = await people("ada", "bob")
    conversation, two = await group(ada, bob), await direct(ada, bob)
    there = bob.at(pair[1])

    assert (await refused(bob, conversation, mentionEveryone="all")).code == "forbidden"
    assert (await refused(ada, two, mentionEveryone="all")).fields == {"mentionEveryone"}
    await ada.ask("PUT", f"/api/conversations/{conversation}/participants/{bob.id}", {"role": "admin"})
    await say(there, conversation, "that server knows him as an admin")
    await ada.ask("PUT", f"/api/conversations/{conversation}/participants/{bob.id}", {"role": "member"})
    assert (await refused(there, conversation, mentionEveryone="all")).code == "forbidden"
    assert await mentions(conversation, ada) == [0]


async def test_r50_those_who_are_here_are_called_and_the_others_are_not(people: People, pair: Pair) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    bobs = await bob.at(pair[1]).socket()
    presence = ada.server.service("presence")

    async def here() -> bool:
        return bool((await presence.connected_devices([bob.id]) or {}).get(bob.id))

    await until(here)
    await say(ada, conversation, "@here", mentionEveryone="here", mentionedUserIds=[cyd.id])
    await say(ada, conversation, "nobody")

    assert await mentions(conversation, bob, cyd) == [1, 1]
    told = await bobs.next("message:new")
    assert (told["mentionEveryone"], told["mentionedUserIds"], told["allowedMentions"]) == ("here", [cyd.id], None)
    await ada.ask("PUT", f"/api/messages/{told['id']}", {"content": "@here!", "mentionedUserIds": []})
    assert await mentions(conversation, bob, cyd) == [1, 0]


async def test_a_member_mentions_ten_people_and_an_admin_fifty(people: People) -> None:
    ada, *others = await people("ada", *["member"] * 12)
    conversation = await group(ada, *others)
    ids = [one.id for one in others]

    assert len((await say(others[0], conversation, mentionedUserIds=ids[1:11]))["mentionedUserIds"]) == 10
    assert (await refused(others[0], conversation, mentionedUserIds=ids[1:12])).fields == {"mentionedUserIds"}
    message = await say(ada, conversation, mentionedUserIds=ids)
    assert message["mentionedUserIds"] == ids
    assert (await refused(ada, conversation, mentionedUserIds=[ids[0]] * 51)).fields == {"mentionedUserIds"}
    mine = await say(others[0], conversation, "mine")
    with pytest.raises(Refusal) as refusal:
        await others[0].ask("PUT", f"/api/messages/{mine['id']}", {"content": "x", "mentionedUserIds": ids[1:12]})
    assert refusal.value.fields == {"mentionedUserIds"}
    later = {"type": "text", "content": "x", "mentionedUserIds": ids[1:12], "sendAt": "2027-01-01T00:00:00.000Z"}
    with pytest.raises(Refusal) as refusal:
        await others[0].ask("POST", f"/api/conversations/{conversation}/scheduled", later)
    assert refusal.value.fields == {"mentionedUserIds"}


async def test_who_is_named_and_not_allowed_is_not_told(people: People) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    conversation = await group(ada, bob, cyd)
    both, only_bob = [bob.id, cyd.id], {"userIds": [bob.id]}

    message = await emit(await ada.socket(), conversation, "@bob @cyd", mentionedUserIds=both, allowedMentions=only_bob)
    silent = await say(ada, conversation, "@bob", mentionedUserIds=[bob.id], allowedMentions={"userIds": []})

    assert (message["mentionedUserIds"], message["allowedMentions"]) == (both, only_bob)
    assert (silent["mentionedUserIds"], silent["allowedMentions"]) == ([bob.id], {"userIds": []})
    assert await mentions(conversation, bob, cyd) == [1, 0]
    edited = await ada.ask(
        "PUT", f"/api/messages/{message['id']}", {"content": "@cyd @bob", "mentionedUserIds": [cyd.id, bob.id]}
    )
    assert (edited["mentionedUserIds"], edited["allowedMentions"]) == ([cyd.id, bob.id], only_bob)
    assert await mentions(conversation, bob, cyd) == [1, 0]
    wrong = await refused(ada, conversation, mentionedUserIds=[bob.id], allowedMentions={"userIds": [cyd.id]})
    assert wrong.fields == {"allowedMentions.userIds"}
