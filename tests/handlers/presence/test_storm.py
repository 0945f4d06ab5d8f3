"""Storms and fights: thousands of connections that come back in time, and devices that do not agree."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from copy import deepcopy

import pytest

from crypto.ids import new_id
from handlers.presence.service import Presence
from server.actors import Actor
from server.hub.connections import Connection
from tests.conftest import People
from tests.handlers.presence.helpers import arrive, befriend, freeze, hang_up, pass_time, statuses
from tests.harness.clock import TurnableClock
from tests.harness.people import Person
from tests.harness.servers import Server

PEOPLE = 300
DEVICES = 10
REAL = 100


async def friends_of(server: Server, bob: Person, ada: Person, count: int) -> list[str]:
    """So many more people, each as Ada is and as much Bob's friend as she is."""
    mongo = server.app.mongo
    account = await mongo.collection("users").find_one({"_id": ada.id})
    tie = await mongo.collection("friendships").find_one({"_id": ":".join(sorted((ada.id, bob.id)))})
    assert account
    assert tie
    ids = [new_id() for _ in range(count)]
    accounts, ties = [], []
    for number, one in enumerate(ids):
        names = {name: f"p{number}.{value}" for name, value in account.items() if name in {"usernameLower", "email"}}
        own = {"_id": one, "nid": 1_000_000 + number, "username": f"p{number}"}
        accounts.append(deepcopy(account) | names | own)
        between = {name: one for name, value in tie.items() if value == ada.id}
        ties.append(deepcopy(tie) | between | {"_id": ":".join(sorted((one, bob.id))), "id": new_id()})
    await mongo.collection("users").insert_many(accounts)
    await mongo.collection("friendships").insert_many(ties)
    return ids


async def all_of(call: Callable[[Connection], Awaitable[None]], connections: Iterable[Connection]) -> None:
    turns = asyncio.Semaphore(32)

    async def one(connection: Connection) -> None:
        async with turns:
            await call(connection)

    await asyncio.gather(*(one(connection) for connection in connections))


def connections(server: Server, ids: Sequence[str]) -> list[Connection]:
    now = server.app.clock.now()
    return [
        Connection(new_id(), Actor(one, "user", frozenset(), "session", f"device-{number}", now), "127.0.0.1", now)
        for one in ids
        for number in range(DEVICES)
    ]


@pytest.mark.timeout(300)
async def test_three_thousand_connections_that_return_within_the_grace_are_no_news(
    server: Server, people: People, clock: TurnableClock
) -> None:
    bob, ada = await people("bob", "ada")
    await befriend(bob, ada)
    ids = await friends_of(server, bob, ada, PEOPLE)
    bobs, presence = await arrive(bob), server.service("presence")
    assert isinstance(presence, Presence)
    before = connections(server, ids)
    await all_of(presence.connected, before)
    assert len(await statuses(bobs)) == PEOPLE
    await freeze(server)

    await all_of(presence.disconnected, before)
    await pass_time(clock, server, seconds=10)
    await all_of(presence.connected, connections(server, ids))
    await pass_time(clock, server, seconds=31)

    assert await statuses(bobs) == ["online"] * PEOPLE


async def test_a_hundred_real_sockets_that_return_within_the_grace_are_no_news(
    server: Server, people: People, clock: TurnableClock
) -> None:
    bob, *friends = await people("bob", *(f"friend{number}" for number in range(10)))
    for friend in friends:
        await befriend(bob, friend)
    bobs = await arrive(bob)
    sockets = [await arrive(friend) for friend in friends for _ in range(REAL // 10)]
    assert await statuses(bobs) == ["online"] * 10
    await freeze(server)

    await asyncio.gather(*(socket.close() for socket in sockets))
    await pass_time(clock, server, seconds=25)
    for friend in friends:
        await arrive(friend)
    await pass_time(clock, server, seconds=60)

    assert await statuses(bobs) == ["online"] * 10


async def test_r32_devices_that_fight_are_heard_once_in_ten_seconds(
    server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    begun = clock.monotonic()
    bobs, phone, laptop = await arrive(bob), await arrive(ada, "phone"), await arrive(ada, "laptop")
    await freeze(server)

    told, at = [], []
    for second in range(60):
        await phone.ask("presence:update", {"status": "busy"})
        if second % 3:
            await laptop.ask("presence:update", {"status": "online"})
        await pass_time(clock, server, seconds=1)
        told.append(len(await statuses(bobs)))
        at.append(clock.monotonic())  # time goes on besides, however slow the machine is

    changes = [turn for turn in range(1, 60) if told[turn] > told[turn - 1]]
    assert len(changes) >= 3
    assert all(at[later] - at[earlier - 1] >= 10 for earlier, later in itertools.pairwise(changes))
    assert told[-1] <= 1 + (at[-1] - begun) / 10
    heard = await statuses(bobs)
    assert all(one != other for one, other in itertools.pairwise(heard))


async def test_a_connection_that_flaps_is_no_news(server: Server, people: People, clock: TurnableClock) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs = await arrive(bob)
    await freeze(server)

    for _ in range(30):
        await hang_up(server, ada, await arrive(ada))
        await pass_time(clock, server, seconds=5)

    assert await statuses(bobs) == ["online"]
