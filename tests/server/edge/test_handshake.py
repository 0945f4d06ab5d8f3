"""A connection that ends in the middle of its handshake leaves nothing behind."""

import asyncio

import psutil
import pytest

from tests.chaos.lean import Lean
from tests.conftest import Cluster, People
from tests.harness.servers import until

TURNS = 200
"""Turns of the event loop in which the server takes notice of a connection's end, once its socket is gone."""


def _sockets(port: int) -> int:
    """How many sockets of this process belong to connections that the server has accepted."""
    found = psutil.Process().net_connections("tcp")
    return sum(one.laddr.port == port and bool(one.raddr) for one in found)


async def test_a_connection_that_ends_while_it_is_being_let_in_leaves_nothing(
    cluster: Cluster, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ada,) = await people("ada")
    server = await cluster()
    door, sockets = server.app._door, server.app._sockets
    assert door is not None
    assert sockets is not None
    asked, answer = asyncio.Event(), asyncio.Event()
    sign_in = door._sign_in

    async def slowly(auth: object) -> object:
        asked.set()
        await answer.wait()
        return await sign_in(auth)

    monkeypatch.setattr(door, "_sign_in", slowly)
    port = int(server.url.rpartition(":")[2])
    before = _sockets(port)

    line = Lean({"token": ada.token, "deviceId": "phone"})
    await line.connect("127.0.0.1", port)
    await asked.wait()
    line.abort()
    await until(lambda: _sockets(port) == before)
    for _ in range(TURNS):
        await asyncio.sleep(0)
    answer.set()
    await sockets.finish(5)

    assert (len(server.app.hub.connections), server.app.hub.size, len(sockets.eio.sockets)) == (0, 0, 0)
