"""A server that stops asks each client to go at a moment of its own, and closes the transports of those who stay."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
import socketio

from tests.harness.people import Person, Socket
from tests.harness.servers import Server
from tests.journeys.clients import Client, JavaScriptClient, PythonClient
from tests.server.conftest import Engine

SLACK = 1.5
"""Seconds that a busy machine may be late."""

Connect = Callable[[Server, str], Awaitable[Socket]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """`await connect(server, "ada")`: a client that does not come back by itself."""
    made: list[Person] = []
    async with aiohttp.ClientSession() as session:

        async def start(server: Server, name: str) -> Socket:
            person = Person(server, session, name, {"user": {"id": name}, "tokens": {"accessToken": f"user:{name}"}})
            made.append(person)
            return await person.socket()

        yield start
        for one in made:
            await one.close()


async def refusal(server: Server, token: str) -> Any:
    """What somebody is told who is not let in."""
    client = socketio.AsyncClient(reconnection=False)
    refused: list[Any] = []
    client.on("connect_error", refused.append)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(server.url, auth={"token": token}, transports=["websocket"], wait_timeout=10)
    return refused[0]["data"]


async def end_of(client: Socket, began: float) -> tuple[int, float]:
    """When a client was asked to go, in milliseconds, and when its transport ended, in seconds."""
    told = await client.next("server:drain")
    await asyncio.wait_for(client.closed.wait(), 10)
    return told["reconnectInMs"], asyncio.get_running_loop().time() - began


async def test_each_transport_ends_soon_after_the_moment_that_was_announced_for_it(
    engine: Engine, connect: Connect
) -> None:
    server = await engine(drain_seconds=3.0)
    clients = [await connect(server, f"p{number}") for number in range(30)]
    loop = asyncio.get_running_loop()
    began = loop.time()

    draining = asyncio.create_task(server.app.drain())
    ends = await asyncio.gather(*(end_of(client, began) for client in clients))
    await draining

    took = loop.time() - began
    assert all(after / 1000 <= ended <= after / 1000 + 0.75 + SLACK for after, ended in ends), ends
    assert {after // 1000 for after, _ in ends} == {0, 1, 2}, "the moments are spread over the time"
    assert took <= 3.75 + SLACK


@pytest.mark.parametrize("kind", ["Python", "JavaScript"])
@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_a_client_is_told_and_comes_back_by_itself(engine: Engine, kind: str, transport: str) -> None:
    server = await engine(drain_seconds=1.0)
    client: Client = PythonClient() if kind == "Python" else await JavaScriptClient.start()
    await client.connect(server.url, {"token": "user:ada"}, [transport])
    await client.next("session:ready")

    await server.app.drain()
    assert server.app._door
    server.app.health.draining = server.app._door.draining = False  # as if another server had taken its place

    assert 0 <= (await client.next("server:drain"))["reconnectInMs"] <= 1000
    assert await client.next("(disconnect)") in {"transport close", "transport error"}, "then it would stay away"
    await client.next("session:ready")
    await client.close()


async def test_nobody_waits_for_clients_that_went_by_themselves(engine: Engine, connect: Connect) -> None:
    server = await engine(drain_seconds=60.0)
    clients = [await connect(server, f"p{number}") for number in range(5)]

    draining = asyncio.create_task(server.app.drain())
    for client in clients:
        await client.next("server:drain")
        await client.close()

    await asyncio.wait_for(draining, 10)


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_a_server_that_stops_begins_no_session_and_says_so_to_proxies(engine: Engine, transport: str) -> None:
    server = await engine(drain_seconds=0.0)

    await server.app.drain()
    place = f"{server.url}/socket.io/?EIO=4&transport={transport}"
    async with aiohttp.ClientSession() as session, session.get(place) as response:
        told = response.status, response.headers["Retry-After"], await response.json()

    assert told == (503, "1", {"code": "unavailable", "message": "This server is stopping: connect again."})


async def test_a_session_that_began_just_before_is_not_let_in_any_more(engine: Engine) -> None:
    server = await engine(drain_seconds=0.0)
    assert server.app._door

    server.app._door.draining = True

    assert await refusal(server, "user:late") == {
        "code": "unavailable",
        "message": "This server is stopping: connect again.",
        "retryAfterMs": 1000,
    }


async def test_more_than_the_burst_are_told_when_to_come_again_before_their_token_is_looked_at(
    engine: Engine, connect: Connect
) -> None:
    server = await engine(limits="on", handshakes_per_second=0.01, handshakes_burst=2)
    for name in ("ada", "bob"):
        await connect(server, name)

    told = await refusal(server, "nonsense")

    assert told["code"] == "unavailable"
    assert 50_000 < told["retryAfterMs"] <= 100_000


async def test_a_device_that_connects_again_and_again_is_told_to_wait(engine: Engine, connect: Connect) -> None:
    server = await engine(limits="on")
    for _ in range(10):
        await (await connect(server, "ada")).close()

    told = await refusal(server, "user:ada")

    assert told["code"] == "rate_limited"
    assert 0 < told["retryAfterMs"] <= 6000
