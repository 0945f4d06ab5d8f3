"""The lean client against a stock Socket.IO server: it connects, answers pings, sends again what was not answered."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import socketio
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.chaos.client import Client
from tests.chaos.courier import Courier
from tests.chaos.history import History, Record

ROOM = "room"
ANN = "ann"


class Stock:
    """A server of python-socketio that keeps a log in memory and does as it is told by the test."""

    def __init__(self) -> None:
        self.io = socketio.AsyncServer(async_mode="aiohttp", ping_interval=0.2, ping_timeout=0.2)
        self.io.on("connect", self._connect)
        self.io.on("message:send", self._send)
        self.io.on("sync", self._sync)
        self.log: list[dict[str, Any]] = []
        self.arrived: list[str] = []
        self.tokens: list[str] = []
        self.closed = False
        self.mute = False

    async def _connect(self, sid: str, _: Any, auth: dict[str, str]) -> None:
        self.tokens.append(auth["token"])
        if self.closed:
            raise socketio.exceptions.ConnectionRefusedError("no", {"code": "unavailable", "retryAfterMs": 10})
        self.io.start_background_task(self.io.emit, "session:ready", {"userId": ANN}, to=sid)

    async def _send(self, sid: str, data: dict[str, Any]) -> dict[str, Any]:
        self.arrived.append(data["clientMessageId"])
        if self.mute:
            await asyncio.sleep(3600)
        return {"ok": True, "data": await self.say(sid, data["clientMessageId"], data["content"])}

    async def say(self, sid: str | None, said: str, content: str, *, tell: bool = True) -> dict[str, Any]:
        """Append a message, and tell everybody unless the test wants it lost."""
        seq = len(self.log) + 1
        message = {
            "id": f"{ROOM}:{seq}",
            "seq": seq,
            "conversationId": ROOM,
            "senderId": ANN,
            "clientMessageId": said,
            "content": content,
        }
        self.log.append(message)
        if tell:
            await self.io.emit("message:new", message)
        return message

    async def _sync(self, sid: str, data: dict[str, Any]) -> dict[str, Any]:
        after = data["conversations"][ROOM]
        entries = [{"seq": one["seq"], "kind": "message", "message": one} for one in self.log[after:]]
        page = {"conversationId": ROOM, "from": after + 1, "to": len(self.log), "entries": entries, "more": False}
        return {"ok": True, "data": {"conversations": [page] if entries else [], "left": [], "limited": False}}


class Bench:
    """A stock server, a client of it, and the client's history."""

    def __init__(self, stock: Stock, client: Client, records: list[Record]) -> None:
        self.stock = stock
        self.client = client
        self.courier = client.courier
        self.records = records

    def of(self, kind: str) -> list[Record]:
        """The records of one kind."""
        return [record for record in self.records if record["kind"] == kind]

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for it; fails with TimeoutError."""
        async with asyncio.timeout(5):
            while True:
                if reached():
                    return
                await asyncio.sleep(0.01)


@asynccontextmanager
async def _bench() -> AsyncIterator[Bench]:
    stock = Stock()
    app = web.Application()
    stock.io.attach(app)
    records: list[Record] = []
    loop = asyncio.get_running_loop()
    history = History(records.append, loop.time)

    async def token() -> str:
        return f"token {len(stock.tokens)}"

    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        courier = Courier("ann-phone", ANN, history, lambda pause, call: _ignored(loop.call_later(pause, call)))
        url = str(server.make_url("")).rstrip("/")
        client = Client(courier, token=token, nodes=[url], http=http, chance=random.Random(1))
        courier.follow(ROOM)
        running = asyncio.create_task(client.run())
        yield Bench(stock, client, records)
        client.stop()
        await running
        await stock.io.shutdown()


def _ignored(_: object) -> None:
    pass


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with _bench() as one:
        yield one


async def test_a_message_is_sent_acknowledged_and_heard(bench: Bench) -> None:
    await bench.until(lambda: bench.courier.settled)

    bench.courier.say(ROOM)

    await bench.until(lambda: bench.courier.acked == 1 and bool(bench.of("live")))
    assert [record["id"] for record in bench.of("ok")] == bench.stock.arrived
    assert [record["seq"] for record in bench.of("live")] == [1]
    assert bench.courier.position(ROOM) == 1
    assert bench.of("odd") == []


async def test_pings_are_answered_so_that_the_connection_stays(bench: Bench) -> None:
    await bench.until(lambda: bench.courier.settled)

    await bench.until(lambda: bench.client.pings >= 5)

    bench.courier.say(ROOM)
    await bench.until(lambda: bench.courier.acked == 1)
    assert len(bench.of("up")) == 1


async def test_what_was_not_answered_is_sent_again_in_order_under_the_same_id(bench: Bench) -> None:
    await bench.until(lambda: bench.courier.settled)
    bench.stock.mute = True
    for _ in range(3):
        bench.courier.say(ROOM)
    await bench.until(lambda: len(bench.stock.arrived) == 3)

    bench.stock.mute = False
    bench.client.cut()

    await bench.until(lambda: bench.courier.acked == 3)
    first, second = bench.stock.arrived[:3], bench.stock.arrived[3:]
    assert first == second
    assert [record["answered"] for record in bench.of("info")] == [False, False, False]
    assert [record["id"] for record in bench.of("ok")] == first
    assert bench.client.sessions == 2


async def test_a_hole_is_seen_by_its_seq_and_filled_by_sync(bench: Bench) -> None:
    await bench.until(lambda: bench.courier.settled)

    await bench.stock.say(None, "elsewhere-1", "lost on the way", tell=False)
    await bench.stock.say(None, "elsewhere-2", "heard")

    await bench.until(lambda: bench.courier.position(ROOM) == 2)
    assert [record["seq"] for record in bench.of("live")] == [2]
    assert [record["seq"] for record in bench.of("entry")] == [1, 2]


async def test_what_was_said_while_it_was_away_is_asked_for(bench: Bench) -> None:
    await bench.until(lambda: bench.courier.settled)
    bench.client.cut()
    await bench.until(lambda: not bench.courier.online)
    await bench.stock.say(None, "elsewhere-1", "missed", tell=False)

    await bench.until(lambda: bench.courier.settled)

    assert [record["seq"] for record in bench.of("entry")] == [1]
    assert bench.of("page")[-1]["asked"] == 0


async def test_a_client_that_is_not_let_in_says_why_and_comes_back(bench: Bench) -> None:
    await bench.until(lambda: bench.courier.settled)
    bench.stock.closed = True
    bench.client.cut()
    await bench.until(lambda: bench.client.refusals.get("unavailable", 0) > 1)

    bench.stock.closed = False

    await bench.until(lambda: bench.courier.settled)
    assert len(set(bench.stock.tokens)) == len(bench.stock.tokens)
