"""Presence across servers, and what remains of it when one of them dies."""

import asyncio

from handlers.presence.service import Presence
from tests.conftest import Cluster, People
from tests.handlers.presence.helpers import arrive, befriend, devices, freeze, hang_up, pass_time, presence_of, statuses
from tests.harness.clock import TurnableClock
from tests.harness.people import Socket
from tests.harness.servers import Server, until


async def heard(socket: Socket, *expected: str) -> None:
    """Wait until exactly these statuses were told over a connection to another server."""
    await until(lambda: len(socket.events("presence:updated")) >= len(expected))
    assert await statuses(socket) == list(expected)


async def die(server: Server) -> None:
    """A server stops in the middle of whatever it does: it says nothing any more, and its lease runs out."""
    presence: Presence = server.service("presence")
    await freeze(server)
    await server.app.redis.delete(presence._live.keys.lease(server.app.node))


async def test_friends_on_another_server_hear_of_coming_and_going(
    server: Server, cluster: Cluster, people: People, clock: TurnableClock
) -> None:
    other = await cluster()
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs = await arrive(bob.at(other))

    adas = await arrive(ada)
    await heard(bobs, "online")
    await hang_up(server, ada, adas)
    await pass_time(clock, other, seconds=31)

    await heard(bobs, "online", "offline")


async def test_somebody_with_devices_at_two_servers_is_here_until_the_last_is_gone(
    server: Server, cluster: Cluster, people: People, clock: TurnableClock
) -> None:
    other = await cluster()
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs = await arrive(bob)
    here, there = await arrive(ada), await arrive(ada.at(other))

    await hang_up(server, ada, here)
    await pass_time(clock, server, other, seconds=60)
    assert await statuses(bobs) == ["online"]
    await hang_up(other, ada, there)
    await pass_time(clock, server, other, seconds=31)

    await heard(bobs, "online", "offline")


async def test_r35_the_people_of_a_server_that_died_are_gone_soon_and_told_once(
    server: Server, cluster: Cluster, people: People, clock: TurnableClock
) -> None:
    dying, third = await cluster(), await cluster()
    ada, bob, cleo = await people("ada", "bob", "cleo")
    await befriend(ada, bob)
    await befriend(cleo, bob)
    bobs = await arrive(bob)
    await arrive(ada.at(dying))
    await arrive(cleo.at(dying))
    await arrive(cleo.at(third))
    await until(lambda: len(bobs.events("presence:updated")) == 2)
    await pass_time(clock, server, third, seconds=16)
    await die(dying)

    clock.advance(seconds=6)
    await asyncio.gather(server.service("presence").tick(), third.service("presence").tick())
    await pass_time(clock, server, third, seconds=24)
    assert len(bobs.events("presence:updated")) == 2
    clock.advance(seconds=2)
    await asyncio.gather(server.service("presence").tick(), third.service("presence").tick())

    await until(lambda: len(bobs.events("presence:updated")) == 3)
    await bobs.settle()
    assert [(one["userId"], one["status"]) for one in bobs.events("presence:updated")][2:] == [(ada.id, "offline")]
    assert await devices(server, ada) == []
    assert [one.node for one in await devices(server, cleo)] == [third.app.node]
    assert await server.app.redis.smembers(server.service("presence")._live.keys.nodes) == {
        server.app.node.encode(),
        third.app.node.encode(),
    }


async def test_a_server_that_was_taken_for_dead_writes_its_people_back(
    server: Server, cluster: Cluster, people: People, clock: TurnableClock
) -> None:
    paused = await cluster()
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs = await arrive(bob)
    await arrive(ada.at(paused))
    await until(lambda: len(bobs.events("presence:updated")) == 1)
    await pass_time(clock, server, seconds=16)
    await die(paused)
    await pass_time(clock, server, seconds=6)
    await pass_time(clock, server, seconds=26)
    await heard(bobs, "online", "offline")

    await pass_time(clock, paused, seconds=11)
    await pass_time(clock, paused, seconds=11)

    await heard(bobs, "online", "offline", "online")
    assert [one.node for one in await devices(server, ada)] == [paused.app.node]


async def test_what_a_dead_server_owed_another_tells(
    server: Server, cluster: Cluster, people: People, clock: TurnableClock
) -> None:
    dying = await cluster()
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs, adas = await arrive(bob), await arrive(ada.at(dying))
    await until(lambda: len(bobs.events("presence:updated")) == 1)
    await hang_up(dying, ada, adas)

    await die(dying)
    await pass_time(clock, server, seconds=31)

    await heard(bobs, "online", "offline")


async def test_nobody_is_told_when_the_people_of_a_stopped_server_come_back_elsewhere_in_time(
    server: Server, cluster: Cluster, people: People, clock: TurnableClock
) -> None:
    leaving = await cluster()
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs = await arrive(bob)
    await arrive(ada.at(leaving))
    await until(lambda: len(bobs.events("presence:updated")) == 1)

    await leaving.service("presence").stop()
    assert await devices(server, ada) == []
    await pass_time(clock, server, seconds=5)
    await arrive(ada)
    await pass_time(clock, server, seconds=60)

    assert await statuses(bobs) == ["online"]


async def test_a_status_set_at_one_server_is_about_the_devices_at_all(cluster: Cluster, people: People) -> None:
    other = await cluster()
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    await arrive(ada, device="phone-1")

    await ada.at(other).ask("PUT", "/api/presence/status", {"status": "away"})

    assert (await presence_of(bob, ada))["status"] == "away"
    assert (await presence_of(bob.at(other), ada))["status"] == "away"
