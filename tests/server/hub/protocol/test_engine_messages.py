"""Engine.IO: packets over both transports, and how a session ends."""

import asyncio
from base64 import b64encode
from typing import Any

import aiohttp
import pytest

from server.hub.bounds import Bounds
from tests.harness.servers import until
from tests.server.hub.protocol.client import Polling, WebSocket
from tests.server.hub.protocol.conftest import Engines


async def test_a_post_of_one_packet_is_answered_with_ok(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)

    async with http.post(app.url, params=session.query, data="4hello") as answer:
        assert (answer.status, await answer.text()) == (200, "ok")

    assert await session.get() == (200, "4hello")


async def test_a_payload_holds_many_packets_in_their_order(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)

    await session.send("4one", "4", "4zwölf", '4{"a":"\\u001e"}', "4last")
    found = [await session.next() for _ in range(5)]

    assert found == ["4one", "4", "4zwölf", '4{"a":"\\u001e"}', "4last"]


async def test_binary_data_is_base64_in_a_payload(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)

    await session.send("4text", "bAQIDBA==", "b")
    found = [await session.next() for _ in range(3)]

    assert app.heard == ["text", b"\x01\x02\x03\x04", b""]
    assert found == ["4text", "bAQIDBA==", "b"]


async def test_an_answer_to_a_poll_holds_sixteen_packets_at_most(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)

    await session.send(*(f"4{number}" for number in range(40)))
    await until(lambda: len(app.heard) == 40)
    sizes = [len((await session.get())[1].split("\x1e")) for _ in range(3)]

    assert sizes == [16, 16, 8]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "\x1e",
        "abc",
        "9",
        "4good\x1e",
        "4good\x1e\x1e4good",
        "0{}",
        "5",
        "1more",
        "b!!!",
        "bAQ",
        "4good\x1eb*",
        "é",
        b"\xff\xfe",
        b"4\xff\xfe",
    ],
)
async def test_a_payload_that_is_none_ends_the_session(
    http: aiohttp.ClientSession, engine_app: Engines, body: str | bytes
) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)

    status, _ = await session.post(body)

    assert status == 400
    assert await app.ended() == (session.sid, "transport error")
    assert (await session.post("4too late"))[0] == 400
    assert app.engine.sockets == {}


async def test_a_payload_may_be_as_large_as_was_told_and_no_larger(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app(max_http_buffer_size=1000)
    fits, too_large, chunked = [await Polling.open(http, app.url) for _ in range(3)]

    async def in_chunks() -> Any:
        yield b"4" + b"x" * 600
        yield b"y" * 600

    assert await fits.post("4" + "x" * 999) == (200, "ok")
    assert (await too_large.post("4" + "x" * 1000))[0] == 413
    async with http.post(app.url, params=chunked.query, data=in_chunks()) as answer:
        assert answer.status == 413
    assert list(app.engine.sockets) == [fits.sid]


async def test_a_websocket_message_may_be_as_large_as_was_told_and_no_larger(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app(max_http_buffer_size=1000)

    async with await WebSocket.open(http, app.url) as socket:
        await socket.send("4" + "x" * 999)
        assert await socket.next() == "4" + "x" * 999
        await socket.send("4" + "x" * 1000)
        assert await socket.ends() == 1009


async def test_a_websocket_carries_text_and_binary_messages(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    app = await engine_app()

    async with await WebSocket.open(http, app.url) as socket:
        await socket.send("4grüße", b"\x00\xff", "4", b"")
        found = [await socket.next() for _ in range(4)]

    assert app.heard == ["grüße", b"\x00\xff", "", b""]
    assert found == ["4grüße", b"\x00\xff", "4", b""]


@pytest.mark.parametrize("packet", ["", "abc", "9", "0{}", "5", "5 ", "1 ", "é"])
async def test_a_websocket_that_says_no_packet_is_closed(
    http: aiohttp.ClientSession, engine_app: Engines, packet: str
) -> None:
    app = await engine_app()

    async with await WebSocket.open(http, app.url) as socket:
        await socket.send(packet)
        assert await socket.ends() == 1002

    assert await app.ended() == (app.came[0], "transport error")


async def test_a_ping_or_noop_of_the_client_changes_nothing(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    app = await engine_app()

    async with await WebSocket.open(http, app.url) as socket:
        await socket.send("2", "2probe", "6", "3", "4after")
        assert await socket.hear() == "4after"


async def test_the_client_closes_a_websocket_with_a_close_packet(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app()

    async with await WebSocket.open(http, app.url) as socket:
        await socket.send("1")
        assert await socket.ends() == 1000

    assert await app.ended() == (app.came[0], "client disconnect")


async def test_the_client_closes_a_session_that_polls_with_a_close_packet(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)
    poll = asyncio.create_task(session.get())
    await until(lambda: app.engine.sockets[session.sid]._poll is not None)

    await session.send("1")

    assert await poll == (200, "6")
    assert await app.ended() == (session.sid, "client disconnect")
    assert (await session.get())[0] == 400


async def test_a_websocket_that_is_gone_ends_the_session(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    app = await engine_app()
    socket = await WebSocket.open(http, app.url)

    await socket.close()

    assert await app.ended() == (app.came[0], "transport close")


async def test_the_server_closes_a_session_with_a_close_packet(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)
    poll = asyncio.create_task(session.get())
    await until(lambda: app.engine.sockets[session.sid]._poll is not None)
    async with await WebSocket.open(http, app.url) as socket:
        await app.engine.disconnect()

        assert await socket.next() == "1"
        assert await socket.ends() == 1000
    assert await poll == (200, "1")
    await until(lambda: len(app.gone) == 2)
    assert {reason for _, reason in app.gone} == {"server disconnect"}


async def test_a_second_poll_at_the_same_time_ends_the_session(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)
    first = asyncio.create_task(session.get())
    await until(lambda: app.engine.sockets[session.sid]._poll is not None)

    status, _ = await session.get()

    assert (status, await first) == (400, (200, "1"))
    assert await app.ended() == (session.sid, "transport error")


async def test_a_second_post_at_the_same_time_ends_the_session(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)
    sent = asyncio.Event()

    async def slowly() -> Any:
        yield b"4first half"
        await sent.wait()
        yield b", second half"

    first = asyncio.create_task(http.post(app.url, params=session.query, data=slowly()).__aenter__())
    await until(lambda: app.engine.sockets[session.sid]._posting)

    status, _ = await session.post("4in between")
    sent.set()

    assert status == 400
    assert await app.ended() == (session.sid, "transport error")
    answer = await first
    assert "in between" not in app.heard
    answer.close()


async def test_a_client_that_leaves_its_poll_loses_the_session_and_not_just_a_message(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)
    poll = asyncio.create_task(session.get())
    await until(lambda: app.engine.sockets[session.sid]._poll is not None)
    connection = app.engine.sockets[session.sid]

    poll.cancel()
    await asyncio.gather(poll, return_exceptions=True)
    while not connection.closed:
        await app.engine.send(session.sid, "anybody there?")
        await asyncio.sleep(0)

    assert await app.ended() == (session.sid, "transport error")


async def test_the_body_of_a_post_may_not_take_for_ever(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    app = await engine_app(bounds=Bounds(body_seconds=0.1))
    session = await Polling.open(http, app.url)
    never = asyncio.Event()

    async def unfinished() -> Any:
        yield b"4"
        await never.wait()

    async with http.post(app.url, params=session.query, data=unfinished()) as answer:
        assert answer.status == 400

    assert await app.ended() == (session.sid, "transport error")


async def test_all_that_base64_can_say_comes_back(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)
    data = bytes(range(256))

    await session.send("b" + b64encode(data).decode())

    assert await session.next() == "b" + b64encode(data).decode()
    assert app.heard == [data]
