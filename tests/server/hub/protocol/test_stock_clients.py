"""The clients that people have (python-socketio's, and JavaScript's) work over each transport."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.harness.servers import until
from tests.journeys.clients import Client, JavaScriptClient, PythonClient, Refused
from tests.server.hub.protocol.conftest import Sockets

WAYS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": ["polling", "websocket"]}


@pytest.fixture(params=["python", "javascript"])
async def client(request: pytest.FixtureRequest, socket_app: Sockets) -> AsyncIterator[Client]:
    """Either client, which is closed before its server."""
    one: Client = PythonClient() if request.param == "python" else await JavaScriptClient.start()
    yield one
    await one.close()


def origin(url: str) -> str:
    return url.removesuffix("/socket.io/")


@pytest.mark.parametrize("way", WAYS)
async def test_a_stock_client_connects_calls_hears_and_stays(client: Client, socket_app: Sockets, way: str) -> None:
    app = await socket_app(ping_interval=0.3, ping_timeout=2.0)

    await client.connect(origin(app.url), {"token": "123"}, WAYS[way])
    assert await client.next("hello") == {"token": "123"}
    numbers = await asyncio.gather(*(client.call("echo", {"number": number}) for number in range(20)))
    await app.sio.emit("news", {"text": "grüße"})
    assert await client.next("news") == {"text": "grüße"}
    assert [one["number"] for one in numbers] == list(range(20))

    engine = next(iter(app.sio.eio.sockets.values()))
    await until(lambda: engine.upgraded == (way != "polling"))
    for _ in range(2):  # a ping has come and was answered: the next one is due later
        due = app.sio.eio._pings._at.get(engine, 0.0)
        await until(lambda due=due: app.sio.eio._pings._at.get(engine, 0.0) > due)
    assert await client.transport() == ("polling" if way == "polling" else "websocket")
    assert await client.call("echo", {"last": True}) == {"last": True}
    assert app.gone == []


@pytest.mark.parametrize("way", WAYS)
async def test_a_stream_of_events_arrives_in_order_once(client: Client, socket_app: Sockets, way: str) -> None:
    app = await socket_app()

    await client.connect(origin(app.url), {}, WAYS[way])
    for number in range(100):
        await app.sio.emit("one", number)
        await asyncio.sleep(0)
    await app.sio.emit("end", True)
    await client.next("end")

    assert client.events("one") == list(range(100))


@pytest.mark.parametrize("way", WAYS)
async def test_a_refusal_reaches_a_stock_client(client: Client, socket_app: Sockets, way: str) -> None:
    app = await socket_app()

    with pytest.raises(Refused) as refusal:
        await client.connect(origin(app.url), {"refuse": "reason"}, WAYS[way])

    assert (refusal.value.message, refusal.value.data) == ("not today", {"code": "tired"})


@pytest.mark.parametrize("way", WAYS)
async def test_a_stock_client_that_is_sent_away_stays_away(client: Client, socket_app: Sockets, way: str) -> None:
    app = await socket_app()
    await client.connect(origin(app.url), {}, WAYS[way])
    await client.next("hello")
    sid = next(iter(app.sio.manager._sockets["/"]))

    await app.sio.disconnect(sid)

    reason: Any = await client.next("(disconnect)")
    assert reason in {"io server disconnect", "server disconnect"}
    assert (await app.ended())[1] == "server disconnect"
