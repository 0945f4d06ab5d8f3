"""The hub's servers are python-engineio's and python-socketio's to whoever writes an application on them."""

import asyncio
from typing import Any

import aiohttp
import pytest
import socketio

from tests.server.hub.protocol.client import WebSocket, connected
from tests.server.hub.protocol.conftest import Engines, Sockets


async def test_an_engine_sends_keeps_a_session_and_disconnects(
    http: aiohttp.ClientSession, engine_app: Engines
) -> None:
    app = await engine_app()
    engine = app.engine
    async with await WebSocket.open(http, app.url) as socket:
        (sid,) = app.came
        await engine.save_session(sid, {"name": "ada"})
        async with engine.session(sid) as kept:
            kept["seen"] = True
        await engine.send(sid, "text")
        await engine.send(sid, b"\x00")
        await engine.send("nobody", "lost")

        assert [await socket.next(), await socket.next()] == ["4text", b"\x00"]
        assert await engine.get_session(sid) == {"name": "ada", "seen": True}
        assert engine.transport(sid) == "websocket"
        await engine.disconnect(sid)
        assert [await socket.next(), await socket.ends()] == ["1", 1000]
    with pytest.raises(KeyError):
        await engine.get_session(sid)


async def test_events_reach_everybody_a_room_one_client_and_not_those_who_are_skipped(
    http: aiohttp.ClientSession, socket_app: Sockets
) -> None:
    app = await socket_app()
    sio = app.sio
    async with connected(http, app.url) as ada, connected(http, app.url) as bob, connected(http, app.url) as eve:
        one, two, three = (app.sid_of(who.hello["sid"]) for who in (ada, bob, eve))
        await sio.enter_room(one, "red")
        await sio.enter_room(two, "red")
        await sio.enter_room(three, "blue")

        await sio.emit("all", 1)
        await sio.emit("room", 2, room="red")
        await sio.emit("rooms", 3, to=["red", "blue", one])
        await sio.emit("one", 4, to=two)
        await sio.emit("skip", 5, skip_sid=two)
        await sio.emit("skip two", 6, skip_sid=[one, three])
        await sio.leave_room(one, "red")
        await sio.emit("room", 7, room="red")
        await sio.close_room("red")
        await sio.emit("room", 8, room="red")
        await sio.emit("several", (9, "ten", b"11"), to=one)
        await sio.emit("none", to=one)
        await sio.send("a message", to=one)
        await sio.emit("all", "end")

        heard = []
        for who in (ada, bob, eve):
            packets: list[Any] = []
            while (packet := await who.next()) != '42["all","end"]':
                if not (isinstance(packet, str) and '"hello"' in packet):
                    packets.append(packet)
            heard.append(packets)
        assert sorted(sio.rooms(three)) == sorted([three, "blue"])
    assert heard[0] == [
        '42["all",1]',
        '42["room",2]',
        '42["rooms",3]',
        '42["skip",5]',
        '451-["several",9,"ten",{"_placeholder":true,"num":0}]',
        b"11",
        '42["none"]',
        '42["message","a message"]',
    ]
    assert heard[1] == [
        '42["all",1]',
        '42["room",2]',
        '42["rooms",3]',
        '42["one",4]',
        '42["skip two",6]',
        '42["room",7]',
    ]
    assert heard[2] == ['42["all",1]', '42["rooms",3]', '42["skip",5]']


async def test_an_answer_of_the_client_reaches_callback_and_call(
    http: aiohttp.ClientSession, socket_app: Sockets
) -> None:
    app = await socket_app()
    answered: asyncio.Future[tuple[Any, ...]] = asyncio.get_running_loop().create_future()
    async with connected(http, app.url, "/", "/custom") as socket:
        sid = app.sid_of(socket.hello["sid"])
        custom = app.sid_of(socket.hello["sid"], "/custom")
        await app.sio.emit("question", 1, to=sid, callback=lambda *data: answered.set_result(data))
        assert await socket.next() == '421["question",1]'
        await socket.send('461-1["yes",{"_placeholder":true,"num":0}]', b"proof")
        assert await answered == ("yes", b"proof")

        calling = asyncio.create_task(app.sio.call("again", to=custom, namespace="/custom"))
        assert await socket.next() == '42/custom,1["again"]'
        await socket.send("43/custom,1[1,2]")
        assert await calling == (1, 2)

        assert app.sio.manager.callbacks[sid] != {}  # the counter, which ends with the connection
    await app.ended()
    assert app.sio.manager.callbacks == {}


async def test_a_callback_that_is_never_answered_ends_with_its_connection(
    http: aiohttp.ClientSession, socket_app: Sockets
) -> None:
    app = await socket_app()
    async with connected(http, app.url) as socket:
        await app.sio.emit("question", to=app.sid_of(socket.hello["sid"]), callback=lambda: None)

    await app.ended()
    await app.sio.finish(1)
    assert app.sio.manager.callbacks == {}


async def test_sessions_catch_all_handlers_and_classes_work(http: aiohttp.ClientSession, socket_app: Sockets) -> None:
    app = await socket_app()

    class Shop(socketio.AsyncNamespace):  # type: ignore[misc]  # python-socketio has no type information
        async def on_connect(self, sid: str, environ: dict[str, Any], auth: Any) -> None:
            await self.save_session(sid, {"agent": environ["HTTP_USER_AGENT"]})

        async def on_buy(self, sid: str, thing: str) -> str:
            session = await self.get_session(sid)
            await self.emit("sold", thing)
            return str(session["agent"])

    async def anything(event: str, sid: str, *data: Any) -> list[Any]:
        return [event, *data]

    app.sio.register_namespace(Shop("/shop"))
    app.sio.on("*", anything)
    async with connected(http, app.url, "/", "/shop") as socket:
        await socket.send('42/shop,1["buy","tea"]', '422["whatever",1]')
        heard = {await socket.text() for _ in range(3)}

    agent = aiohttp.http.SERVER_SOFTWARE
    assert heard == {'42/shop,["sold","tea"]', f'43/shop,1["{agent}"]', '432[["whatever",1]]'}


async def test_the_server_knows_who_is_there(http: aiohttp.ClientSession, socket_app: Sockets) -> None:
    app = await socket_app()
    async with connected(http, app.url, "/", "/custom") as socket:
        sid = app.sid_of(socket.hello["sid"])

        assert app.sio.get_environ(sid)["REQUEST_METHOD"] == "GET"
        assert app.sio.transport(sid) == "websocket"
        assert set(app.sio.manager.get_namespaces()) == {"/", "/custom"}
        assert [one for one, _ in app.sio.manager.get_participants("/", None)] == [sid]
        assert app.sio.manager.is_connected(sid, "/")
        assert not app.sio.manager.is_connected(sid, "/custom")
        with pytest.raises(ValueError, match="sid is not connected"):
            await app.sio.enter_room("nobody", "red")
