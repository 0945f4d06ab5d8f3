"""Engine.IO: pings, pongs, and what becomes of those who do not answer."""

import asyncio

import aiohttp
import pytest

from tests.server.hub.protocol.client import Polling, WebSocket, upgraded
from tests.server.hub.protocol.conftest import Engines


async def test_a_client_that_answers_pings_stays(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    app = await engine_app(ping_interval=0.05, ping_timeout=0.5)

    async with await WebSocket.open(http, app.url) as socket:
        for _ in range(4):
            assert await socket.hear() == "2"
            await socket.send("3")
        await socket.send("4alive")
        assert await socket.next() == "4alive"

    assert await app.ended() == (app.came[0], "transport close")


async def test_a_ping_comes_when_it_was_promised(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    app = await engine_app(ping_interval=0.2, ping_timeout=5.0)
    loop = asyncio.get_running_loop()

    async with await WebSocket.open(http, app.url) as socket:
        opened = loop.time()
        await socket.hear()
        first = loop.time() - opened
        await socket.send("3")
        answered = loop.time()
        await socket.hear()
        second = loop.time() - answered

    assert first >= 0.15
    assert second >= 0.15


async def test_polling_is_pinged_too(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    app = await engine_app(ping_interval=0.05, ping_timeout=0.5)
    session = await Polling.open(http, app.url)

    for _ in range(3):
        assert await session.get() == (200, "2")
        await session.send("3")
    await session.send("4alive")

    assert await session.next() == "4alive"


async def test_an_upgraded_session_is_pinged_over_its_websocket(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app(ping_interval=0.05, ping_timeout=0.5)
    session = await Polling.open(http, app.url)

    async with await upgraded(http, session) as socket:
        for _ in range(2):
            assert await socket.hear() == "2"
            await socket.send("3")


@pytest.mark.parametrize("answers", [0, 2])
async def test_who_does_not_answer_a_ping_is_closed(
    http: aiohttp.ClientSession, engine_app: Engines, answers: int
) -> None:
    app = await engine_app(ping_interval=0.05, ping_timeout=0.05)

    async with await WebSocket.open(http, app.url) as socket:
        for _ in range(answers):
            assert await socket.hear() == "2"
            await socket.send("3")
        assert await socket.hear() == "2"
        with pytest.raises(EOFError):
            await socket.hear()

    assert await app.ended() == (app.came[0], "ping timeout")
    assert app.engine.sockets == {}


async def test_messages_are_no_answer_to_a_ping(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    app = await engine_app(ping_interval=0.05, ping_timeout=0.05)

    async with await WebSocket.open(http, app.url) as socket:
        while True:
            try:
                await socket.send("4still here")
                await socket.hear()
            except (EOFError, ConnectionError):
                break

    assert await app.ended() == (app.came[0], "ping timeout")


async def test_who_polls_and_does_not_answer_has_no_session_any_more(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app(ping_interval=0.05, ping_timeout=0.05)
    session = await Polling.open(http, app.url)

    assert await session.get() == (200, "2")

    assert await app.ended() == (session.sid, "ping timeout")
    assert (await session.get())[0] == 400


async def test_who_never_polls_has_no_session_after_interval_and_timeout(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app(ping_interval=0.05, ping_timeout=0.05)

    session = await Polling.open(http, app.url)

    assert await app.ended() == (session.sid, "ping timeout")


async def test_a_process_that_slept_does_not_blame_its_clients(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app(ping_interval=0.05, ping_timeout=0.2)
    async with await WebSocket.open(http, app.url) as socket:
        until_awake = asyncio.get_running_loop().time() + 0.4
        while asyncio.get_running_loop().time() < until_awake:  # nothing else runs meanwhile, as in a stopped process
            pass

        assert await socket.hear() == "2"
        await socket.send("3", "4alive")

        assert await socket.next() == "4alive"
