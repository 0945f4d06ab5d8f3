"""The leanest client against a stock Socket.IO server: handshake, events, answers, pings, and its abrupt ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import socketio
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.chaos.lean import Lean, Stage
from tests.harness.servers import until


class Stock:
    """A server of python-socketio that answers with what it was sent, and tells who came and went."""

    def __init__(self) -> None:
        self.io = socketio.AsyncServer(async_mode="aiohttp", ping_interval=0.1, ping_timeout=0.3)
        self.io.on("connect", self._connect)
        self.io.on("disconnect", self._disconnect)
        self.io.on("echo", self._echo)
        self.came: list[str] = []
        self.gone = 0
        self.port = 0

    async def _connect(self, sid: str, _: Any, auth: dict[str, str]) -> None:
        if auth["token"] == "wrong":
            raise socketio.exceptions.ConnectionRefusedError("no")
        self.came.append(auth["token"])
        self.io.start_background_task(self.io.emit, "session:ready", {"userId": "ann"}, to=sid)

    async def _disconnect(self, *_: Any) -> None:
        self.gone += 1

    async def _echo(self, sid: str, data: Any) -> Any:
        await self.io.emit("heard", data, to=sid)
        return {"ok": True, "data": data}


@pytest.fixture
async def stock() -> AsyncIterator[Stock]:
    one, app = Stock(), web.Application()
    one.io.attach(app)
    async with TestServer(app) as server:
        one.port = server.port or 0
        yield one
        await one.io.shutdown()


@pytest.mark.parametrize("size", [10, 1_000, 100_000])
async def test_events_of_every_length_are_sent_answered_and_heard(stock: Stock, size: int) -> None:
    answers: list[Any] = []
    events: list[tuple[str, Any]] = []
    line = Lean({"token": "t"}, heard=lambda _, name, payload: events.append((name, payload)))
    await line.connect("127.0.0.1", stock.port, source="127.0.1.7")
    await until(lambda: line.stage == "ready")

    line.emit("echo", {"text": "x" * size}, answers.append)

    await until(lambda: len(answers) == 1 and len(events) == 2)
    assert answers == [{"ok": True, "data": {"text": "x" * size}}]
    assert events == [("session:ready", {"userId": "ann"}), ("heard", {"text": "x" * size})]
    line.abort()
    await line.over


async def test_pings_are_answered_and_who_stalls_is_let_go(stock: Stock) -> None:
    line = Lean({"token": "t"})
    await line.connect("127.0.0.1", stock.port, small=True)
    await until(lambda: line.stage == "ready")
    await until(lambda: line.pings >= 10)  # in longer than a client without pongs lives
    lived = stock.gone == 0

    line.stall()

    await until(lambda: stock.gone == 1)
    assert lived
    line.abort()
    await line.over


async def test_a_client_that_is_not_let_in_says_so(stock: Stock) -> None:
    stages: list[Stage] = []
    line = Lean({"token": "wrong"}, moved=lambda one: stages.append(one.stage))

    await line.connect("127.0.0.1", stock.port)
    await asyncio.wait_for(line.over, 10)

    assert stages == ["connected", "upgraded", "opened", "ended"]
    assert str(line.refused).startswith("44")


@pytest.mark.parametrize("stage", ["connected", "upgraded"])
async def test_a_client_stops_where_it_is_told(stock: Stock, stage: Stage) -> None:
    line = Lean({"token": "t"}, stop_at=stage)

    await line.connect("127.0.0.1", stock.port)
    await until(lambda: line.stage == stage)
    line.abort()
    await asyncio.wait_for(line.over, 10)

    assert stock.came == []
