"""Engine.IO: how a session begins, and every way in which it does not."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from tests.server.hub.protocol.client import Polling, WebSocket
from tests.server.hub.protocol.conftest import Engines


async def refused(http: aiohttp.ClientSession, method: str, url: str, **query: str) -> tuple[int, int]:
    """The status and the code with which a request is refused."""
    async with http.request(method, url, params=query) as answer:
        return answer.status, json.loads(await answer.text())["code"]


async def test_a_handshake_by_polling_tells_all_that_the_client_must_know(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app(ping_interval=0.3, ping_timeout=0.2, max_http_buffer_size=1000)

    async with http.get(app.url, params={"EIO": "4", "transport": "polling"}) as answer:
        text = await answer.text()

    hello = json.loads(text[1:])
    assert (answer.status, answer.headers["Content-Type"], text[0]) == (200, "text/plain; charset=UTF-8", "0")
    assert hello == {
        "sid": app.came[0],
        "upgrades": ["websocket"],
        "pingInterval": 300,
        "pingTimeout": 200,
        "maxPayload": 1000,
    }


async def test_a_handshake_by_websocket_offers_no_upgrade(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    app = await engine_app()

    async with await WebSocket.open(http, app.url) as socket:
        hello = socket.hello

    assert hello == {
        "sid": app.came[0],
        "upgrades": [],
        "pingInterval": 60_000,
        "pingTimeout": 60_000,
        "maxPayload": 1_000_000,
    }


@pytest.mark.parametrize(
    ("seconds", "milliseconds"), [(25.0, 25_000), (25.5, 25_500), (0.3, 300), (1.001, 1001), (0.0004, 0)]
)
async def test_spans_are_told_in_whole_milliseconds(
    http: aiohttp.ClientSession, engine_app: Engines, seconds: float, milliseconds: int
) -> None:
    app = await engine_app(ping_interval=max(seconds, 0.3), ping_timeout=seconds)

    session = await Polling.open(http, app.url)

    assert session.hello["pingTimeout"] == milliseconds
    assert isinstance(session.hello["pingTimeout"], int)


async def test_the_process_begins_the_ids_of_its_sessions(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    app = await engine_app(worker="w7")

    sids = {(await Polling.open(http, app.url)).sid for _ in range(3)}

    assert len(sids) == 3
    assert all(sid.startswith("w7") and len(sid) > 20 for sid in sids)


async def test_no_upgrade_is_offered_where_there_is_none(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    without = await engine_app(allow_upgrades=False)
    polling = await engine_app(transports=["polling"])

    offers = [(await Polling.open(http, one.url)).hello["upgrades"] for one in (without, polling)]

    assert offers == [[], []]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, 0),
        ({"EIO": "4"}, 0),
        ({"EIO": "4", "transport": ""}, 0),
        ({"EIO": "4", "transport": "carrier-pigeon"}, 0),
        ({"EIO": "4", "transport": "webtransport"}, 0),
        ({"EIO": "4", "transport": "polling", "sid": "nobody"}, 1),
        ({"EIO": "4", "transport": "polling", "sid": ""}, 1),
        ({"EIO": "4", "transport": "websocket", "sid": "nobody"}, 1),
        ({"EIO": "4", "transport": "websocket"}, 3),
        ({"transport": "polling"}, 5),
        ({"EIO": "3", "transport": "polling"}, 5),
        ({"EIO": "abc", "transport": "polling"}, 5),
        ({"EIO": "5", "transport": "websocket"}, 5),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(
    http: aiohttp.ClientSession, engine_app: Engines, query: dict[str, str], code: int
) -> None:
    app = await engine_app()

    answer = await refused(http, "GET", app.url, **query)

    assert answer == (400, code)
    assert app.came == []
    assert app.engine.sockets == {}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_only_a_get_begins_a_session(http: aiohttp.ClientSession, engine_app: Engines, method: str) -> None:
    app = await engine_app()

    assert await refused(http, method, app.url, EIO="4", transport="polling") == (400, 2)
    assert app.came == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_session_takes_get_and_post_alone(
    http: aiohttp.ClientSession, engine_app: Engines, method: str
) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)

    assert await refused(http, method, app.url, **session.query) == (400, 3)
    await session.send("4still there")
    assert await session.next() == "4still there"


async def test_the_version_is_asked_for_in_every_request(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    app = await engine_app()
    session = await Polling.open(http, app.url)

    assert await refused(http, "GET", app.url, transport="polling", sid=session.sid) == (400, 5)


async def test_whom_the_application_refuses_has_no_session(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    app = await engine_app()
    app.welcome = False

    polling = await refused(http, "GET", app.url, EIO="4", transport="polling")
    with pytest.raises(aiohttp.WSServerHandshakeError) as websocket:
        await WebSocket.open(http, app.url)

    assert (polling, websocket.value.status) == ((403, 4), 403)
    assert (app.engine.sockets, app.gone) == ({}, [])
    assert len(app.engine._pings) == 0


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_what_the_connect_handler_sends_comes_after_the_open_packet(
    http: aiohttp.ClientSession, engine_app: Engines, transport: str
) -> None:
    app = await engine_app()
    app.greeting = "good morning"

    if transport == "polling":
        assert await (await Polling.open(http, app.url)).next() == "4good morning"
    else:
        async with await WebSocket.open(http, app.url) as socket:
            assert await socket.next() == "4good morning"


@pytest.mark.parametrize(
    "headers",
    [
        {"Upgrade": "websocket", "Connection": "Upgrade"},
        {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "short"},
        {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "12",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        },
    ],
)
async def test_a_handshake_of_a_websocket_that_is_none_leaves_nothing(
    http: aiohttp.ClientSession, engine_app: Engines, headers: dict[str, str]
) -> None:
    app = await engine_app()

    async with http.get(app.url, params={"EIO": "4", "transport": "websocket"}, headers=headers) as answer:
        assert answer.status == 400

    assert await app.ended() == (app.came[0], "transport error")
    assert app.engine.sockets == {}


async def test_a_client_that_offers_compression_gets_none(http: aiohttp.ClientSession, engine_app: Engines) -> None:
    app = await engine_app()

    socket = await http.ws_connect(app.url, params={"EIO": "4", "transport": "websocket"}, compress=15)

    assert "Sec-WebSocket-Extensions" not in socket._response.headers
    assert socket.compress == 0
    await socket.close()


@pytest.mark.parametrize(
    ("origin", "allowed", "status"),
    [
        ("https://ours.example", ["https://ours.example"], 200),
        ("https://theirs.example", ["https://ours.example"], 403),
        ("https://theirs.example", "*", 200),
        (None, ["https://ours.example"], 200),
    ],
)
async def test_only_pages_of_the_allowed_origins_connect(
    http: aiohttp.ClientSession, engine_app: Engines, origin: str | None, allowed: Any, status: int
) -> None:
    app = await engine_app(cors_allowed_origins=allowed)
    headers = {"Origin": origin} if origin else {}

    async with http.get(app.url, params={"EIO": "4", "transport": "polling"}, headers=headers) as answer:
        assert answer.status == status
        named = answer.headers.get("Access-Control-Allow-Origin")

    assert named == (origin if status == 200 else None)


async def test_an_application_without_handlers_takes_everybody(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app()
    app.engine.handlers.clear()

    async with await WebSocket.open(http, app.url) as socket:
        await socket.send("4into the void", "1")
        assert await socket.ends() == 1000

    assert app.engine.sockets == {}
    await asyncio.sleep(0)
