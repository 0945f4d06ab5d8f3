"""Redis lost everything, or cannot be reached: nobody goes offline by that."""

from typing import Any

import pytest

from handlers.presence.service import Presence
from storage.redis import RedisError
from tests.conftest import Cluster, People
from tests.handlers.presence.helpers import (
    arrive,
    befriend,
    devices,
    freeze,
    hang_up,
    lose_everything,
    pass_time,
    presence_of,
    statuses,
)
from tests.harness.clock import TurnableClock
from tests.harness.servers import Server, until


class Unplugged:
    """Redis behind a cable that a test pulls and plugs in again."""

    def __init__(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        self._stores = [server.service("presence")._live, server.service("presence")._watchers._store]
        self._patch = monkeypatch

    def __enter__(self) -> None:
        async def refuse(*_: Any) -> Any:
            raise RedisError("the cable is out")

        for store in self._stores:
            for name, value in vars(store).items():
                if callable(value):
                    self._patch.setattr(store, name, refuse)

    def __exit__(self, *_: object) -> None:
        self._patch.undo()


async def test_what_redis_lost_is_written_again_and_nobody_hears_anything(
    server: Server, cluster: Cluster, people: People, clock: TurnableClock
) -> None:
    other = await cluster()
    ada, bob, cleo = await people("ada", "bob", "cleo")
    await befriend(ada, bob)
    await befriend(cleo, bob)
    bobs = await arrive(bob)
    await arrive(ada)
    await arrive(cleo.at(other))
    await until(lambda: len(bobs.events("presence:updated")) == 2)
    await freeze(other)

    await lose_everything(server)
    await pass_time(clock, server, seconds=6)
    await pass_time(clock, server, seconds=10)
    # The other server has not written its people yet: they are not offline for all that.
    assert (await presence_of(bob, ada))["status"] == "online"
    assert (await presence_of(bob, cleo))["status"] == "unknown"
    await pass_time(clock, other, seconds=0)
    await pass_time(clock, other, seconds=10)
    assert (await presence_of(bob, cleo))["status"] == "online"
    await pass_time(clock, server, other, seconds=30)

    assert await statuses(bobs) == ["online", "online"]
    await ada.ask("PUT", "/api/presence/status", {"status": "busy"})
    assert await statuses(bobs) == ["online", "online", "busy"]


async def test_one_person_whom_redis_lost_is_written_again(
    server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs = await arrive(bob)
    await arrive(ada)
    live = server.service("presence")._live
    await server.app.redis.delete(live.keys.person(ada.id))
    await server.app.redis.srem(live.keys.people(server.app.node), ada.id)

    for _ in range(4):
        await pass_time(clock, server, seconds=6)

    assert len(await devices(server, ada)) == 1
    assert await statuses(bobs) == ["online"]


async def test_nobody_buries_the_others_when_all_lost_their_leases(
    server: Server, cluster: Cluster, people: People, clock: TurnableClock
) -> None:
    other = await cluster()
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs = await arrive(bob)
    await arrive(ada.at(other))
    await until(lambda: len(bobs.events("presence:updated")) == 1)
    await pass_time(clock, server, other, seconds=20)

    for one in (server, other):
        await one.app.redis.delete(one.service("presence")._live.keys.lease(one.app.node))
    await pass_time(clock, server, seconds=6)
    await pass_time(clock, other, seconds=6)
    await pass_time(clock, server, other, seconds=30)

    assert len(await devices(server, ada)) == 1
    assert await statuses(bobs) == ["online"]


async def test_a_presence_that_cannot_be_read_is_unknown(
    server: Server, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    await arrive(ada)

    with Unplugged(server, monkeypatch):
        read = await presence_of(bob, ada)
        own = await ada.ask("PUT", "/api/presence/status", {"status": "busy"})
        snapshot = await (await bob.socket()).next("presence:snapshot")

    assert (read["status"], own["status"]) == ("unknown", "unknown")
    assert [one["status"] for one in snapshot["presences"]] == ["unknown"]


async def test_what_happened_while_redis_was_away_is_made_good(
    server: Server, people: People, clock: TurnableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob, cleo, dan = await people("ada", "bob", "cleo", "dan")
    for person in (ada, cleo, dan):
        await befriend(person, bob)
    bobs, adas, _ = await arrive(bob), await arrive(ada), await arrive(dan)
    await until(lambda: len(bobs.events("presence:updated")) == 2)
    presence: Presence = server.service("presence")

    with Unplugged(server, monkeypatch):
        await adas.close()
        await until(lambda: ada.id in presence._heart._owed)
        await cleo.socket()
        await until(lambda: cleo.id in presence._heart._owed)
        await dan.ask("PUT", "/api/presence/status", {"status": "busy"})
        await pass_time(clock, server, seconds=6)
    await pass_time(clock, server, seconds=6)
    await pass_time(clock, server, seconds=11)
    await pass_time(clock, server, seconds=11)
    await pass_time(clock, server, seconds=31)

    await bobs.settle()
    told = [(one["userId"], one["status"]) for one in bobs.events("presence:updated")][2:]
    assert sorted(told) == sorted([(ada.id, "offline"), (cleo.id, "online"), (dan.id, "busy")])
    assert await devices(server, ada) == []


@pytest.mark.parametrize("lost", [True, False])
async def test_somebody_who_left_while_redis_was_away_is_gone_afterwards(
    server: Server, people: People, clock: TurnableClock, monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs, adas = await arrive(bob), await arrive(ada)
    await bobs.next("presence:updated")
    presence: Presence = server.service("presence")

    with Unplugged(server, monkeypatch):
        await adas.close()
        await until(lambda: ada.id in presence._heart._owed)
    if lost:
        await lose_everything(server)
    await pass_time(clock, server, seconds=6)
    await pass_time(clock, server, seconds=11)
    await pass_time(clock, server, seconds=25)
    await pass_time(clock, server, seconds=31)

    assert await statuses(bobs) == ["online", "offline"]
    assert (await presence_of(bob, ada))["status"] == "offline"


async def test_the_invisible_stay_unseen_when_redis_loses_everything(
    server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs = await arrive(bob)
    await ada.ask("PUT", "/api/presence/status", {"status": "invisible"})
    adas = await ada.socket()
    await adas.next("presence:snapshot")

    await lose_everything(server)
    await pass_time(clock, server, seconds=6)
    await pass_time(clock, server, seconds=10)
    await hang_up(server, ada, adas)
    await pass_time(clock, server, seconds=60)

    assert await statuses(bobs) == []
