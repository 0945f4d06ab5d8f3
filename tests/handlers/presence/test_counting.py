"""Large groups hear how many are here, not who."""

import asyncio

import pytest

from crypto.ids import new_id
from handlers.presence.service import Presence
from tests.conftest import Cluster, People
from tests.handlers.presence.helpers import arrive, pass_time
from tests.handlers.presence.test_loss import Unplugged
from tests.harness.clock import TurnableClock
from tests.harness.people import Person, Socket
from tests.harness.servers import Server, until


async def count(server: Server, group: str, people: list[Person]) -> int | None:
    presence: Presence = server.service("presence")
    found = await presence.online_count(group, [one.id for one in people])
    return found.online_count if found else None


def heard(socket: Socket) -> list[tuple[str, int]]:
    return [(one["conversationId"], one["onlineCount"]) for one in socket.events("presence:count")]


async def test_r33_a_group_is_counted_and_told_at_most_once_in_thirty_seconds_and_only_of_another_number(
    server: Server, cluster: Cluster, people: People, clock: TurnableClock
) -> None:
    other, group = await cluster(), new_id()
    members = await people("ada", "bob", "cleo")
    ada, bob, cleo = members
    adas = await arrive(ada)

    assert await count(server, group, members) == 1
    bobs = await arrive(bob.at(other))
    await arrive(cleo)
    assert [await count(one, group, members) for one in (server, other)] == [1, 1]
    await pass_time(clock, server, other, seconds=29)
    assert await count(server, group, members) == 1
    await pass_time(clock, server, other, seconds=2)
    assert 3 in await asyncio.gather(*(count(one, group, members) for one in (server, other)))
    assert await count(other, group, members) == 3
    await pass_time(clock, server, other, seconds=31)
    assert await count(other, group, members) == 3

    await until(lambda: heard(bobs) == [(group, 3)])
    await adas.settle()
    assert heard(adas) == [(group, 1), (group, 3)]


async def test_those_who_hide_and_those_who_left_are_not_counted(
    server: Server, people: People, clock: TurnableClock
) -> None:
    members = await people("ada", "bob", "cleo", "dan")
    for person in members[:3]:
        await arrive(person)
    await members[0].ask("PUT", "/api/presence/status", {"status": "invisible"})
    await members[1].ask("PUT", "/api/users/me/privacy", {"showOnlineStatus": False})

    assert await count(server, new_id(), members) == 1


async def test_nothing_is_counted_while_redis_cannot_be_reached(
    server: Server, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = await people("ada")
    group = new_id()

    with Unplugged(server, monkeypatch):
        assert await count(server, group, members) is None
    assert await count(server, group, members) == 0
