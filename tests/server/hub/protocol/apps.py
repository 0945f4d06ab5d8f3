"""Applications on the two servers of the hub, written as for python-engineio and python-socketio, and their serving."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from socketio.exceptions import ConnectionRefusedError as ConnectionRefused

from server.hub.engine import HubEngine
from server.hub.server import HubServer

QUIET: dict[str, Any] = {"ping_interval": 60.0, "ping_timeout": 60.0}
"""For tests in which no ping shall come."""


class EngineApp:
    """An application that answers every message with the same, and keeps who came and went."""

    def __init__(self, **options: Any) -> None:
        self.engine = HubEngine(async_mode="aiohttp", **{**QUIET, **options})
        self.url = ""
        self.came: list[str] = []
        self.gone: list[tuple[str, str]] = []
        self.heard: list[str | bytes] = []
        self.greeting: str | None = None
        self.welcome = True
        self.news = asyncio.Event()
        self.engine.on("connect", self._connect)
        self.engine.on("message", self._message)
        self.engine.on("disconnect", self._disconnect)

    async def _connect(self, sid: str, environ: dict[str, Any]) -> bool:
        self.came.append(sid)
        if self.greeting is not None:
            await self.engine.send(sid, self.greeting)
        return self.welcome

    async def _message(self, sid: str, data: str | bytes) -> None:
        self.heard.append(data)
        await self.engine.send(sid, data)

    def _disconnect(self, sid: str, reason: str) -> None:
        self.gone.append((sid, reason))
        self.news.set()

    async def ended(self) -> tuple[str, str]:
        """Wait until a session has ended: its id and why."""
        async with asyncio.timeout(5):
            await self.news.wait()
        self.news.clear()
        return self.gone[-1]


class SocketApp:
    """An application with the namespaces `/` and `/custom`."""

    def __init__(self, **options: Any) -> None:
        self.sio = HubServer(**{**QUIET, **options})
        self.url = ""
        self.gone: list[tuple[str, str]] = []
        self.order: list[Any] = []
        self.gate = asyncio.Event()
        self.news = asyncio.Event()
        for namespace in ("/", "/custom"):
            self.sio.on("connect", self._connect, namespace=namespace)
        self.sio.on("disconnect", self._disconnect)
        self.sio.on("echo", self._echo)
        self.sio.on("echo", self._echo, namespace="/custom")
        self.sio.on("slow", self._slow)
        self.sio.on("many", self._many)
        self.sio.on("nothing", self._nothing)
        self.sio.on("broken", self._broken)

    def sid_of(self, session: str, namespace: str = "/") -> str:
        """The id of a session's connection to a namespace."""
        sid = self.sio.manager.sid_from_eio_sid(session, namespace)
        assert sid is not None
        return sid

    async def _connect(self, sid: str, environ: dict[str, Any], auth: dict[str, Any]) -> bool | None:
        await self.sio.emit("hello", auth, to=sid, namespace="/custom" if auth.get("custom") else "/")
        if auth.get("refuse") == "false":
            return False
        if auth.get("refuse") == "reason":
            raise ConnectionRefused("not today", {"code": "tired"})
        if auth.get("refuse") == "broken":
            raise RuntimeError("the handler is broken")
        if auth.get("wait"):
            await self.gate.wait()
        return None

    async def _disconnect(self, sid: str, reason: str) -> None:
        self.gone.append((sid, reason))
        self.news.set()

    async def _echo(self, sid: str, *data: Any) -> tuple[Any, ...]:
        self.order.append(data)
        return data

    async def _slow(self, sid: str, data: Any) -> Any:
        await self.gate.wait()
        self.order.append(data)
        return data

    async def _many(self, sid: str, count: int) -> None:
        for number in range(count):
            await self.sio.emit("one", number, to=sid)

    async def _nothing(self, sid: str) -> None:
        return None

    async def _broken(self, sid: str) -> None:
        raise RuntimeError("the handler is broken")

    async def ended(self) -> tuple[str, str]:
        """Wait until a connection has ended: its id and why."""
        async with asyncio.timeout(5):
            await self.news.wait()
        self.news.clear()
        return self.gone[-1]


@asynccontextmanager
async def serving(server: HubEngine | HubServer, *, send_buffer: int = 0, runner: Any = None) -> AsyncIterator[str]:
    """Serve it on a free port of the loopback address: the URL of its requests."""
    app = web.Application()
    server.attach(app)
    path = "engine.io" if isinstance(server, HubEngine) else "socket.io"
    runner = (runner or web.AppRunner)(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    if send_buffer:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    await web.SockSite(runner, listener).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/{path}/"
    finally:
        await server.shutdown()
        await runner.cleanup()
