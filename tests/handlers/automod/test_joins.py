"""Too many who come by links at once: from then on an admin lets each one in."""

import asyncio
from typing import Any

from tests.handlers.automod.helpers import place, rule
from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import group, shown
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Person


async def link(admin: Person, conversation: str) -> str:
    """The secret of a new link."""
    return str((await admin.ask("POST", f"/api/conversations/{conversation}/links", {}))["token"])


async def join(who: Person, token: str) -> str:
    """What comes of it."""
    return str((await who.ask("POST", "/api/join", {"token": token}))["status"])


async def test_a_raid_of_joins_locks_the_group_until_an_admin_lifts_it(
    people: People, pair: Pair, door: Door, clock: TurnableClock
) -> None:
    ada, bob, *crowd = await people("ada", "bob", "one", "two", "three", "four", "five", "six")
    conversation = await group(ada, bob)
    await rule(ada, conversation, joinRaid={"perMinute": 3})
    adas, token = await ada.socket(), await link(ada, conversation)

    came = [await join(one.at(pair[place_ % 2]), token) for place_, one in enumerate(crowd[:5])]
    alert = await adas.next("automod:alert")
    locked = await shown(bob, conversation)
    clock.advance(seconds=61)
    waits = await join(crowd[5], token)
    await door(ada, "automod.unlock", {"conversationId": conversation})
    await ada.ask("POST", f"/api/conversations/{conversation}/requests/{crowd[3].id}", {"accept": True})
    free = await join(crowd[5], token)

    assert came == ["joined", "joined", "joined", "waiting", "waiting"]
    assert (alert["outcome"], alert["userId"]) == ("lock", None)
    assert (locked["joinApproval"], len(locked["participantIds"])) == (True, 5)
    assert (waits, free) == ("waiting", "joined")
    assert (await shown(crowd[3], conversation))["joinApproval"] is False


async def test_of_many_who_come_at_once_no_more_get_in_than_may(people: People, pair: Pair) -> None:
    ada, *crowd = await people("ada", *(f"guest{turn}" for turn in range(8)))
    conversation = await group(ada)
    await rule(ada, conversation, joinRaid={"perMinute": 4})
    token = await link(ada, conversation)

    async def come(turn: int) -> Any:
        return await join(crowd[turn].at(pair[turn % 2]), token)

    came = await asyncio.gather(*(come(turn) for turn in range(4)))
    came += await asyncio.gather(*(come(turn) for turn in range(4, 8)))

    assert sorted(came) == ["joined"] * 4 + ["waiting"] * 4
    acts_ = (await ada.ask("GET", place(conversation, "acts")))["acts"]
    assert [act["outcome"] for act in acts_] == ["lock"]
