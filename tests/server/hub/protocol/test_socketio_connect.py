"""Socket.IO: how a client connects to a namespace, is refused, and leaves."""

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.harness.servers import until
from tests.server.hub.protocol.client import Polling, WebSocket, connected
from tests.server.hub.protocol.conftest import Sockets


async def test_connect_without_a_payload(http: aiohttp.ClientSession, socket_app: Sockets) -> None:
    app = await socket_app()

    async with await WebSocket.open(http, app.url) as socket:
        await socket.send("40")
        answer = await socket.text()
        hello = await socket.text()

        assert answer.startswith('40{"sid":"')
        sid = json.loads(answer[2:])["sid"]
        assert json.loads(answer[2:]) == {"sid": sid}
        assert sid != socket.hello["sid"]
        assert hello == '42["hello",{}]'
        assert app.sio.manager.socket_of(sid) is not None


async def test_connect_with_a_payload_which_the_handler_gets(http: aiohttp.ClientSession, socket_app: Sockets) -> None:
    app = await socket_app()

    async with await WebSocket.open(http, app.url) as socket:
        await socket.send('40{"token":"123"}')
        assert (await socket.text()).startswith('40{"sid":"')
        assert await socket.text() == '42["hello",{"token":"123"}]'


async def test_connect_to_another_namespace(http: aiohttp.ClientSession, socket_app: Sockets) -> None:
    app = await socket_app()

    async with await WebSocket.open(http, app.url) as socket:
        await socket.send('40/custom,{"custom":true}')
        assert (await socket.text()).startswith('40/custom,{"sid":"')
        assert await socket.text() == '42/custom,["hello",{"custom":true}]'


@pytest.mark.parametrize("name", ["/custom", "/custom,", "/custom?a=b,", '/custom?a=b&c=d,{"custom":true}'])
async def test_a_namespace_may_end_with_the_packet_and_carry_a_query(
    http: aiohttp.ClientSession, socket_app: Sockets, name: str
) -> None:
    app = await socket_app()

    async with await WebSocket.open(http, app.url) as socket:
        await socket.send(f"40{name}")
        assert (await socket.text()).startswith('40/custom,{"sid":"')


async def test_one_session_is_in_two_namespaces_under_two_ids(http: aiohttp.ClientSession, socket_app: Sockets) -> None:
    app = await socket_app()

    async with connected(http, app.url, "/", "/custom") as socket:
        await socket.send('421["echo","main"]', '42/custom,1["echo","custom"]')
        answers = {packet async for packet in _until(socket, 2, "43")}

    assert answers == {'431["main"]', '43/custom,1["custom"]'}


async def test_an_unknown_namespace_is_refused_and_the_session_goes_on(
    http: aiohttp.ClientSession, socket_app: Sockets
) -> None:
    app = await socket_app()

    async with await WebSocket.open(http, app.url) as socket:
        await socket.send("40/random")
        assert await socket.text() == '44/random,{"message":"Invalid namespace"}'
        await socket.send("40")
        assert (await socket.text()).startswith("40{")


@pytest.mark.parametrize(
    ("auth", "answer"),
    [
        ('{"refuse":"false"}', '44{"message":"Connection rejected by server"}'),
        ('{"refuse":"reason"}', '44{"message":"not today","data":{"code":"tired"}}'),
        ('{"refuse":"broken"}', '44{"message":"Connection rejected by server"}'),
    ],
)
async def test_whom_the_handler_refuses_hears_why_and_nothing_else(
    http: aiohttp.ClientSession, socket_app: Sockets, auth: str, answer: str
) -> None:
    app = await socket_app()

    async with await WebSocket.open(http, app.url) as socket:
        await socket.send(f"40{auth}")
        assert await socket.text() == answer
        await socket.send("40")
        assert (await socket.text()).startswith('40{"sid":"')
        assert await socket.text() == '42["hello",{}]'

    await app.ended()
    assert len(app.gone) == 1
    assert app.sio.manager._sockets == {}


async def test_a_second_connect_to_the_same_namespace_changes_nothing(
    http: aiohttp.ClientSession, socket_app: Sockets
) -> None:
    app = await socket_app()

    async with connected(http, app.url) as socket:
        await socket.send("40", '421["echo",1]')
        heard = [await socket.text(), await socket.text()]

    assert heard == ['42["hello",{}]', "431[1]"]


async def test_a_connect_handler_that_ends_the_connection_itself_leaves_nothing(
    http: aiohttp.ClientSession, socket_app: Sockets
) -> None:
    app = await socket_app()

    async def unwelcome(sid: str, environ: object, auth: object) -> None:
        await app.sio.disconnect(sid)

    app.sio.on("connect", unwelcome)
    async with await WebSocket.open(http, app.url) as socket:
        await socket.send("40")
        assert await socket.text() == "41"
        assert await socket.ends() == 1000

    assert app.sio.manager._sockets == {}
    assert app.sio.manager.held == {}


async def test_who_connects_to_nothing_in_time_is_closed(http: aiohttp.ClientSession, socket_app: Sockets) -> None:
    app = await socket_app(connect_timeout=0.1)

    async with await WebSocket.open(http, app.url) as socket:
        assert await socket.ends() == 1008

    assert app.sio.eio.sockets == {}
    assert app.sio.environ == {}


async def test_who_polls_and_connects_to_nothing_in_time_has_no_session(
    http: aiohttp.ClientSession, socket_app: Sockets
) -> None:
    app = await socket_app(connect_timeout=0.1)

    session = await Polling.open(http, app.url)

    assert await session.get() == (200, "6")
    assert (await session.get())[0] == 400


@pytest.mark.parametrize("said", ["40/random", '40{"refuse":"false"}'])
async def test_who_was_refused_must_connect_soon_as_well(
    http: aiohttp.ClientSession, socket_app: Sockets, said: str
) -> None:
    app = await socket_app(connect_timeout=0.1)

    async with await WebSocket.open(http, app.url) as socket:
        await socket.send(said)
        assert (await socket.text()).startswith("44")
        assert await socket.ends() == 1008


async def test_a_connect_that_takes_long_is_not_cut_off(http: aiohttp.ClientSession, socket_app: Sockets) -> None:
    app = await socket_app(connect_timeout=0.1)

    async with await WebSocket.open(http, app.url) as slow, await WebSocket.open(http, app.url) as idle:
        await slow.send('40{"wait":true}')
        assert await idle.ends() == 1008
        app.gate.set()

        assert (await slow.text()).startswith("40{")


async def test_who_left_every_namespace_must_connect_again_soon(
    http: aiohttp.ClientSession, socket_app: Sockets
) -> None:
    app = await socket_app(connect_timeout=0.1)

    async with connected(http, app.url, "/", "/custom") as socket:
        await socket.send("41", "41/custom,")
        assert await socket.ends() == 1008


async def test_who_left_a_namespace_may_stay_in_the_other_and_come_back(
    http: aiohttp.ClientSession, socket_app: Sockets
) -> None:
    app = await socket_app()

    async with connected(http, app.url, "/", "/custom") as socket:
        await socket.send("41")
        sid, reason = await app.ended()
        await socket.send('42["echo","lost"]', '42/custom,7["echo","heard"]')
        answers = [packet async for packet in _until(socket, 1, "43")]
        await socket.send("40")
        again = [packet async for packet in _until(socket, 1, "40")]

    assert reason == "client disconnect"
    assert answers == ['43/custom,7["heard"]']
    assert json.loads(again[0][2:])["sid"] != sid
    assert app.order == [("heard",)]


@pytest.mark.parametrize("said", ['42["echo",1]', '421["echo",1]', '43/custom,1["echo"]', "431[]", "41"])
async def test_a_session_that_does_not_begin_with_connect_is_closed(
    http: aiohttp.ClientSession, socket_app: Sockets, said: str
) -> None:
    app = await socket_app()

    async with await WebSocket.open(http, app.url) as socket:
        await socket.send(said, "40")
        assert await socket.ends() == 1008

    assert app.order == []


async def test_an_event_right_behind_connect_is_handled_after_it(
    http: aiohttp.ClientSession, socket_app: Sockets
) -> None:
    app = await socket_app()

    async with await WebSocket.open(http, app.url) as socket:
        await socket.send('40{"wait":true}', '421["echo","early"]')
        await until(lambda: app.sio.manager.held)
        assert app.order == []
        app.gate.set()
        heard = [await socket.text() for _ in range(3)]

    assert heard[0].startswith("40{")
    assert heard[1:] == ['42["hello",{"wait":true}]', '431["early"]']


async def test_whatever_is_told_before_the_client_is_in_comes_after_connect_in_order(
    http: aiohttp.ClientSession, socket_app: Sockets
) -> None:
    app = await socket_app()

    async with await WebSocket.open(http, app.url) as socket:
        await socket.send('40{"wait":true}')
        await until(lambda: app.sio.manager.held)
        for number in range(3):
            await app.sio.emit("news", number)
        app.gate.set()
        heard = [await socket.text() for _ in range(5)]

    assert heard[0].startswith("40{")
    assert heard[1:] == ['42["hello",{"wait":true}]', '42["news",0]', '42["news",1]', '42["news",2]']


async def test_who_leaves_while_he_is_let_in_is_said_goodbye_to(
    http: aiohttp.ClientSession, socket_app: Sockets
) -> None:
    app = await socket_app()
    socket = await WebSocket.open(http, app.url)
    await socket.send('40{"wait":true}')
    await until(lambda: app.sio.manager.held)

    await socket.close()
    await until(lambda: not app.sio.eio.sockets)
    app.gate.set()

    assert (await app.ended())[1] == "transport close"
    await until(lambda: not app.sio.manager._sockets)
    assert (app.sio.manager.held, app.sio._lines, app.sio.environ) == ({}, {}, {})


async def test_the_server_ends_a_connection_with_disconnect_and_the_transport_with_the_last(
    http: aiohttp.ClientSession, socket_app: Sockets
) -> None:
    app = await socket_app()

    async with connected(http, app.url, "/", "/custom") as socket:
        engine_sid = socket.hello["sid"]
        await app.sio.disconnect(app.sid_of(engine_sid, "/"))
        first = [packet async for packet in _until(socket, 1, "41")]
        assert (await app.ended())[1] == "server disconnect"
        await app.sio.disconnect(app.sid_of(engine_sid, "/custom"), namespace="/custom")
        second = [packet async for packet in _until(socket, 1, "41")]

        assert (first, second) == (["41"], ["41/custom,"])
        assert await socket.ends() == 1000


async def test_who_polls_hears_that_the_server_ended_his_connection(
    http: aiohttp.ClientSession, socket_app: Sockets
) -> None:
    app = await socket_app()
    session = await Polling.open(http, app.url)
    await session.send("40")
    assert (await session.next()).startswith("40{")
    assert await session.next() == '42["hello",{}]'

    await app.sio.disconnect(app.sid_of(session.sid, "/"))

    assert await session.next() == "41"
    assert (await session.get())[0] == 400
    assert (await session.post('42["echo",1]'))[0] == 400


async def _until(socket: WebSocket, count: int, beginning: str) -> AsyncIterator[str]:
    """So many packets that begin so, and none of the others."""
    while count:
        packet = await socket.text()
        if packet.startswith(beginning):
            count -= 1
            yield packet
