"""Clients that vanish at every stage of the handshake leave nothing behind: no session, task, timer or descriptor."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from server.hub.bounds import Bounds
from server.hub.engine import HubEngine
from server.hub.server import HubServer
from server.hub.session import HubSocket
from server.hub.wire import Wire
from server.serving.requests import PunctualRunner
from tests.harness.servers import until
from tests.server.hub.protocol.apps import SocketApp, serving
from tests.server.hub.rawsocket import KEY, RawSocket

AT_ONCE = 50
"""Twice as many at each of eleven stages: 1,100 in all."""


@pytest.fixture
async def app() -> AsyncIterator[SocketApp]:
    """A server that gives up those who vanish without a word soon."""
    one = SocketApp(
        ping_interval=0.3, ping_timeout=0.3, connect_timeout=0.3, bounds=Bounds(goodbye_seconds=0.1, body_seconds=0.3)
    )
    async with serving(one.sio, runner=PunctualRunner) as one.url:
        yield one


def get(url: str, query: str, *headers: str, method: str = "GET") -> bytes:
    """A request."""
    path = urlsplit(url).path
    return "\r\n".join([f"{method} {path}?EIO=4&{query} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    f"Sec-WebSocket-Key: {KEY}",
)


async def connects_only(url: str) -> RawSocket:
    return await RawSocket.open(url)


async def begins_a_request(url: str) -> RawSocket:
    client = await RawSocket.open(url)
    await client.send(get(url, "transport=websocket")[:20])
    return client


async def asks_for_a_websocket_and_does_not_wait(url: str) -> RawSocket:
    client = await RawSocket.open(url)
    await client.send(get(url, "transport=websocket", *UPGRADE))
    return client


async def has_a_websocket(url: str) -> RawSocket:
    return await RawSocket.websocket(url)


async def sends_connect_and_does_not_wait(url: str) -> RawSocket:
    client = await RawSocket.websocket(url)
    await client.say("40")
    return client


async def is_connected(url: str) -> RawSocket:
    client = await RawSocket.websocket(url)
    await client.say("40", '421["echo",1]', '451-["echo",{"_placeholder":true,"num":0}]')
    while (await client.text())[:2] != "43":
        pass
    return client


async def asks_to_poll_and_does_not_wait(url: str) -> RawSocket:
    client = await RawSocket.open(url)
    await client.send(get(url, "transport=polling"))
    return client


async def polled(url: str) -> tuple[RawSocket, str]:
    client = await RawSocket.open(url)
    await client.send(get(url, "transport=polling"))
    await client.until(b'"sid":"')
    sid = (await client.until(b'"'))[:-1].decode()
    await client.until(b"}")
    return client, sid


async def polls(url: str) -> RawSocket:
    client, sid = await polled(url)
    await client.send(get(url, f"transport=polling&sid={sid}"))
    return client


async def posts_half_a_body(url: str) -> RawSocket:
    client, sid = await polled(url)
    await client.send(get(url, f"transport=polling&sid={sid}", "Content-Length: 10", method="POST") + b"4")
    return client


async def probes(url: str) -> RawSocket:
    client, sid = await polled(url)
    await client.send(get(url, f"transport=websocket&sid={sid}", *UPGRADE))
    await client.until(b"\r\n\r\n")
    await client.say("2probe")
    assert await client.text() == "3probe"
    return client


async def upgrades(url: str) -> RawSocket:
    client = await probes(url)
    await client.say("5", "40")
    return client


STAGES: list[Callable[[str], Awaitable[RawSocket]]] = [
    connects_only,
    begins_a_request,
    asks_for_a_websocket_and_does_not_wait,
    has_a_websocket,
    sends_connect_and_does_not_wait,
    is_connected,
    asks_to_poll_and_does_not_wait,
    polls,
    posts_half_a_body,
    probes,
    upgrades,
]


def kept(server: HubServer) -> dict[str, int]:
    """Everything that a connection might leave behind, counted."""
    engine, manager = server.eio, server.manager
    assert isinstance(engine, HubEngine)
    return {
        "sessions": len(engine.sockets),
        "last words": len(engine._last) + len(engine._lasts),
        "pings": len(engine._pings) + len(engine._pongs),
        "goodbyes": len(engine._goodbyes),
        "lagging": len(engine._lagging),
        "dirty": len(engine._dirty),
        "strangers": len(server._strangers),
        "lines": len(server._lines),
        "environs": len(server.environ),
        "connections": len(manager._sockets) + len(manager._members) + len(manager._rooms) + len(manager.held),
        "callbacks": len(manager.callbacks),
        "tasks": len(asyncio.all_tasks()),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
    }


def more(now: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    """What there is more of than before; less is no leak: what came earlier may end meanwhile."""
    return {what: count for what, count in now.items() if count > before[what]}


def objects() -> tuple[int, int]:
    """How many sessions and WebSockets are in memory."""
    gc.collect()
    found = gc.get_objects()
    return sum(type(one) is HubSocket for one in found), sum(type(one) is Wire for one in found)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
async def test_who_vanishes_leaves_nothing_behind(
    app: SocketApp, caplog: pytest.LogCaptureFixture, stage: Callable[[str], Awaitable[RawSocket]]
) -> None:
    async def vanish(how: str) -> None:
        getattr(await stage(app.url), how)()

    before, alive = kept(app.sio), objects()

    for how in ("reset", "close"):
        await asyncio.gather(*(vanish(how) for _ in range(AT_ONCE)))
    await until(lambda: not more(kept(app.sio), before), seconds=10)

    assert objects() == alive
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
