"""Short ways to come, to go and to let time pass."""

import asyncio
from typing import Any

from handlers.presence.models import Device
from handlers.presence.service import Presence
from server.models import wire_time
from storage.outbox import COLLECTION as OUTBOX
from tests.handlers.social import helpers as social
from tests.handlers.social.helpers import block
from tests.harness.clock import TurnableClock
from tests.harness.people import Person, Socket
from tests.harness.servers import Server, until

__all__ = [
    "all_heard",
    "arrive",
    "befriend",
    "block",
    "devices",
    "freeze",
    "hang_up",
    "lose_everything",
    "minute",
    "pass_time",
    "presence_of",
    "statuses",
]


async def arrive(person: Person, device: str | None = None) -> Socket:
    """A connection whose person counts as here."""
    socket = await person.socket(device)
    await socket.next("presence:snapshot")
    return socket


async def befriend(one: Person, other: Person) -> str:
    """The two are friends, and every slice has heard of it."""
    friendship = await social.befriend(one, other)
    await all_heard(one.server)
    return friendship


async def all_heard(server: Server) -> None:
    """Every slice has heard of everything."""
    await server.app.relay.settle()

    async def heard() -> bool:
        return await server.app.mongo.collection(OUTBOX).count({}) == 0

    # The sweep of a process may have taken a letter before the one who waits for it.
    await until(heard)


async def freeze(server: Server) -> None:
    """From now on the server does what is due only when the test lets it tick."""
    task = server.service("presence")._heart._task
    while task and not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.5)


async def lose_everything(server: Server) -> None:
    """Redis starts empty, as far as presence goes."""
    keys = [key async for key in server.app.redis.scan_iter(match=f"{server.service('presence')._live.keys.prefix}:*")]
    await server.app.redis.delete(*keys)


async def devices(server: Server, person: Person) -> list[Device]:
    """What the cluster knows of a person's connections."""
    presence: Presence = server.service("presence")
    return (await presence._live.look([person.id], now=0))[person.id].devices


async def hang_up(server: Server, person: Person, socket: Socket) -> None:
    """End a connection, and wait until the cluster knows."""
    left = len(await devices(server, person)) - 1
    await socket.close()

    async def known() -> bool:
        return len(await devices(server, person)) == left

    await until(known)


async def pass_time(clock: TurnableClock, *servers: Server, **span: float) -> None:
    """Turn the clock (`seconds=` or `minutes=`), and let each server do what is due then."""
    clock.advance(**span)
    for server in servers:
        await server.service("presence").tick()


async def presence_of(viewer: Person, other: Person) -> Any:
    """Another person's presence as the viewer reads it."""
    (found,) = (await viewer.ask("GET", "/api/presence", params={"userIds": other.id}))["presences"]
    return found


async def statuses(socket: Socket) -> list[str]:
    """Every status that was told over a connection so far."""
    await socket.settle()
    return [one["status"] for one in socket.events("presence:updated")]


def minute(clock: TurnableClock) -> str:
    """The minute that it is, as it goes over the wire."""
    return wire_time(clock.now().replace(second=0, microsecond=0))
