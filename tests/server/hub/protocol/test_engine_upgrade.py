"""Engine.IO: a session changes from polling to a WebSocket without losing, doubling or mixing up a message."""

import asyncio
from itertools import pairwise

import aiohttp
import pytest

from server.hub.bounds import Bounds
from tests.harness.servers import until
from tests.server.hub.protocol.client import SEPARATOR, Polling, WebSocket, upgraded
from tests.server.hub.protocol.conftest import Engines


async def test_the_probe_is_answered_and_then_the_websocket_is_in_use(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)

    async with await upgraded(http, session) as socket:
        await socket.send("4by websocket")

        assert await socket.next() == "4by websocket"
        assert app.engine.transport(session.sid) == "websocket"
    assert await app.ended() == (session.sid, "transport close")
    assert len(app.came) == 1


async def test_the_poll_that_is_under_way_is_ended_with_a_noop(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)
    poll = asyncio.create_task(session.get())
    await until(lambda: app.engine.sockets[session.sid]._poll is not None)

    async with await WebSocket.open(http, app.url, session.sid) as socket:
        assert not poll.done()
        await socket.send("2probe")
        assert await socket.hear() == "3probe"

        assert await poll == (200, "6")


async def test_a_poll_waits_until_the_websocket_has_probed_and_is_empty_after_that(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)
    async with await WebSocket.open(http, app.url, session.sid) as socket:
        poll = asyncio.create_task(session.get())
        await until(lambda: app.engine.sockets[session.sid]._poll is not None)

        await app.engine.send(session.sid, "still by polling")
        assert await poll == (200, "4still by polling")

        await socket.send("2probe")
        assert await socket.hear() == "3probe"
        assert await session.get() == (200, "6")
        await app.engine.send(session.sid, "between probe and upgrade")
        assert await session.get() == (200, "4between probe and upgrade")

        await socket.send("5", "4after")
        assert await socket.next() == "4after"


async def test_what_is_told_during_the_change_is_told_once_and_in_order(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)
    told: list[str] = []
    heard: list[str] = []

    async def tell() -> None:
        told.append(f"4{len(told)}")
        await app.engine.send(session.sid, told[-1][1:])

    await tell()
    async with await WebSocket.open(http, app.url, session.sid) as socket:
        await tell()
        heard += (await session.get())[1].split(SEPARATOR)
        await socket.send("2probe")
        await tell()
        assert await socket.hear() == "3probe"
        await tell()
        heard += (await session.get())[1].split(SEPARATOR)
        await tell()
        await socket.send("5")
        await tell()
        await socket.send("4mark")
        while (packet := await socket.text()) != "4mark":
            heard.append(packet)

    assert heard == told


async def test_a_stream_of_messages_survives_the_change_wherever_it_happens(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app()

    async def once(turns: int) -> None:
        session = await Polling.open(http, app.url)
        heard: list[str] = []
        probed = asyncio.Event()

        async def tell() -> None:
            for number in range(60):
                await app.engine.send(session.sid, str(number))
                await asyncio.sleep(0)

        async def poll() -> None:
            while not probed.is_set():
                status, body = await session.get()
                assert status == 200
                heard.extend(one for one in body.split(SEPARATOR) if one != "6")

        polling, telling = asyncio.create_task(poll()), asyncio.create_task(tell())
        for _ in range(turns):
            await asyncio.sleep(0)
        async with await WebSocket.open(http, app.url, session.sid) as socket:
            await socket.send("2probe")
            assert await socket.hear() == "3probe"
            probed.set()
            await polling
            await socket.send("5")
            await telling
            await socket.send("4mark")
            while (packet := await socket.text()) != "4mark":
                heard.append(packet)
        assert heard == [f"4{number}" for number in range(60)]

    await asyncio.gather(*(once(turns) for turns in range(0, 60, 5)))


async def test_polling_is_over_after_the_change(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)

    async with await upgraded(http, session) as socket:
        await socket.send("4in use")
        assert await socket.next() == "4in use"

        assert (await session.get())[0] == 400
        assert (await session.post("4by post"))[0] == 400
        await socket.send("4alive")
        assert await socket.next() == "4alive"
    assert "by post" not in app.heard


async def test_another_websocket_is_closed_and_the_one_in_use_stays(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)

    async with await upgraded(http, session) as socket:
        await socket.send("4in use")
        assert await socket.next() == "4in use"
        async with await WebSocket.open(http, app.url, session.sid) as second:
            assert await second.ends() == 1000

        await socket.send("4alive")
        assert await socket.next() == "4alive"


async def test_a_session_that_began_with_a_websocket_takes_no_second(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app()

    async with await WebSocket.open(http, app.url) as first:
        async with await WebSocket.open(http, app.url, first.hello["sid"]) as second:
            assert await second.ends() == 1000
        await first.send("4alive")
        assert await first.next() == "4alive"


async def test_where_upgrades_are_off_the_websocket_is_closed(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    app = await engine_app(allow_upgrades=False)
    session = await Polling.open(http, app.url)

    async with await WebSocket.open(http, app.url, session.sid) as socket:
        assert await socket.ends() == 1000

    await session.send("4polling goes on")
    assert await session.next() == "4polling goes on"


@pytest.mark.parametrize(
    "said", [["5"], ["4message"], ["2"], ["2PROBE"], ["2probe", "2probe"], ["2probe", "4message"], [b"2probe"], [""]]
)
async def test_a_websocket_that_breaks_the_order_of_the_probe_is_closed_and_polling_goes_on(
    http: aiohttp.ClientSession, engine_app: Engines, said: list[str | bytes]
) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)

    async with await WebSocket.open(http, app.url, session.sid) as socket:
        await socket.send(*said)
        assert await socket.ends() == 1002

    await until(lambda: app.engine.sockets[session.sid]._probe is None)
    await session.send("4polling goes on")
    assert await session.next() == "4polling goes on"
    assert app.heard == ["polling goes on"]


async def test_a_second_attempt_replaces_the_first(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)

    async with await WebSocket.open(http, app.url, session.sid) as first:
        end = asyncio.create_task(first.ends())
        second = await upgraded(http, session)
        assert await end == 1000
        await second.send("4by the second")
        assert await second.next() == "4by the second"
        await second.close()


@pytest.mark.parametrize("said", [[], ["2probe"]])
async def test_an_attempt_that_comes_to_nothing_ends_and_polling_goes_on(
    http: aiohttp.ClientSession, engine_app: Engines, said: list[str]
) -> None:
    app = await engine_app(bounds=Bounds(goodbye_seconds=0.1))
    session = await Polling.open(http, app.url)

    async with await WebSocket.open(http, app.url, session.sid) as socket:
        await socket.send(*said)
        await socket.ends()

    await until(lambda: app.engine.sockets[session.sid]._probe is None)
    await session.send("4polling goes on")
    assert await session.next() == "4polling goes on"
    async with await upgraded(http, session) as again:
        await again.send("4and so does the change")
        assert await again.next() == "4and so does the change"


async def test_a_websocket_that_vanishes_between_probe_and_upgrade_loses_nothing(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)
    socket = await WebSocket.open(http, app.url, session.sid)
    await socket.send("2probe")
    assert await socket.hear() == "3probe"
    await app.engine.send(session.sid, "not lost")

    await socket.close()

    await until(lambda: app.engine.sockets[session.sid]._probe is None)
    assert await session.next() == "4not lost"


async def test_messages_of_the_client_keep_their_order_through_the_change(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)

    await session.send(*(f"4{number}" for number in range(10)))
    async with await upgraded(http, session) as socket:
        await socket.send(*(f"4{number}" for number in range(10, 20)))
        await until(lambda: len(app.heard) == 20)

    assert all(int(one) < int(two) for one, two in pairwise(app.heard))


async def test_the_end_of_the_session_ends_the_attempt(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)

    async with await WebSocket.open(http, app.url, session.sid) as socket:
        await session.send("1")

        await socket.ends()
    assert await app.ended() == (session.sid, "client disconnect")
