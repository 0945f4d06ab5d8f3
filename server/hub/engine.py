"""The Engine.IO server: python-engineio's, with its requests, sessions and timers replaced by ours.

Its protocol is version 4 to the letter (https://github.com/socketio/engine.io-protocol). Nothing runs for a session
that is idle: pings and time-outs are shared (`Timers`), and a session is freed the moment its transport ends.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import engineio
import orjson
from aiohttp import web
from engineio.async_drivers.aiohttp import translate_request
from prometheus_client import Counter

from server.hub.framing import text_frame
from server.hub.session import HubSocket, Trouble
from server.hub.timers import Timers
from server.hub.wire import NORMAL, Reader, Wire

log = logging.getLogger("mixee.hub")

CUT = Counter("mixee_slow_consumer_total", "Connections cut because they did not read", ["action"]).labels("cut")

GOODBYE_SECONDS = 5.0
"""How long a WebSocket may take to send what was written before its end."""
BODY_SECONDS = 10.0
"""How long the body of a POST may take."""
LAG_SECONDS = 2.0
"""How long a client may lag before it gets no more events."""
STUCK_SECONDS = 20.0
"""How long a client that lags may take nothing at all before it is cut off."""
LAG_BUDGET = 256 * 1_048_576
"""Bytes that may wait for all clients that lag together; beyond it those who are furthest behind are cut off."""
AT_ONCE = 512
"""Sessions that are written to before others get a turn."""

_UNKNOWN_TRANSPORT, _UNKNOWN_SESSION, _BAD_METHOD, _BAD_REQUEST, _FORBIDDEN, _UNSUPPORTED = range(6)
WEBSOCKET_ONLY = 'This server speaks WebSocket only: connect with transports: ["websocket"].'


class _Refusal(Exception):
    """A request that is answered with a code of Engine.IO's own server."""

    def __init__(self, code: int, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class Listener(Protocol):
    """Who uses the sessions."""

    async def opened(self, socket: HubSocket, request: web.Request) -> bool:
        """A session begins; False refuses it."""
        ...

    def heard(self, socket: HubSocket, data: bytes, *, text: bool) -> None:
        """A message came."""
        ...

    async def room(self, socket: HubSocket) -> None:
        """Wait until more messages of this session may come (for one that polls)."""
        ...

    def ended(self, socket: HubSocket, reason: str) -> None:
        """A session has ended."""
        ...

    def caught_up(self, socket: HubSocket) -> None:
        """A client for whom events were dropped reads again."""
        ...


class Handlers:
    """A listener that calls the handlers that were registered with python-engineio's `on`."""

    def __init__(self, trigger: Callable[..., Awaitable[Any]]) -> None:
        self._trigger = trigger
        self._tasks: set[asyncio.Task[Any]] = set()

    async def opened(self, socket: HubSocket, request: web.Request) -> bool:
        """Call `connect`."""
        answer = await self._trigger("connect", socket.sid, translate_request(request), run_async=False)
        return answer is None or answer is True

    def heard(self, socket: HubSocket, data: bytes, *, text: bool) -> None:
        """Call `message`."""
        self._call("message", socket.sid, data.decode() if text else data)

    async def room(self, socket: HubSocket) -> None:
        """Nothing is bounded here."""

    def ended(self, socket: HubSocket, reason: str) -> None:
        """Call `disconnect`."""
        self._call("disconnect", socket.sid, reason)

    def caught_up(self, socket: HubSocket) -> None:
        """Go on."""
        socket.missed = False

    def _call(self, event: str, *arguments: Any) -> None:
        task = asyncio.ensure_future(self._trigger(event, *arguments, run_async=False))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class HubEngine(engineio.AsyncServer):  # type: ignore[misc]  # python-engineio has no type information
    """python-engineio's server with our sessions."""

    _async: dict[str, Any]
    sockets: dict[str, HubSocket]

    def __init__(self, *, worker: str = "", **options: Any) -> None:
        """`worker` begins every session id: a proxy can send a client that polls to the process that knows it."""
        super().__init__(monitor_clients=False, **options)
        self._async = {**self._async, "create_route": _create_route}
        self.worker = worker
        self.listener: Listener = Handlers(self._trigger_event)
        self._pings: Timers[HubSocket] = Timers(self.ping_interval, self._ping)
        self._pongs: Timers[HubSocket] = Timers(self.ping_timeout, self._timed_out)
        self._goodbyes: Timers[Wire] = Timers(GOODBYE_SECONDS, lambda wire, _: wire.abort())
        self._dirty: list[HubSocket] = []
        self._flushing = False
        self._lagging: dict[HubSocket, tuple[int, float]] = {}
        self._weigher: asyncio.TimerHandle | None = None

    def generate_id(self) -> str:
        """A new session id."""
        return f"{self.worker}{super().generate_id()}"

    # Requests

    async def handle_request(self, request: web.Request) -> web.StreamResponse:
        """Serve one HTTP request or WebSocket."""
        environ = translate_request(request)
        try:
            found = await self._serve(request, environ)
        except _Refusal as refusal:
            body = orjson.dumps({"code": refusal.code, "message": refusal.message})
            return self._answer(refusal.status, body, environ, "application/json")
        return found if isinstance(found, web.StreamResponse) else self._answer(200, found, environ)

    async def _serve(self, request: web.Request, environ: dict[str, Any]) -> web.StreamResponse | bytes:
        allowed = self._cors_allowed_origins(environ) if self.cors_allowed_origins != [] else None
        origin = request.headers.get("Origin")
        if origin and allowed is not None and origin not in allowed:
            raise _Refusal(_FORBIDDEN, "That origin may not connect.", status=403)
        if request.method == "OPTIONS":
            return b"ok"
        transport, sid = request.query.get("transport"), request.query.get("sid")
        if transport is None or transport not in self.transports:
            only = WEBSOCKET_ONLY if self.transports == ["websocket"] else "Transport unknown"
            raise _Refusal(_UNKNOWN_TRANSPORT, only)
        if sid is None:
            return await self._new(request, transport)
        socket = self.sockets.get(sid)
        if socket is None or socket.closed:
            raise _Refusal(_UNKNOWN_SESSION, "Session ID unknown")
        if transport == "websocket":
            return await self._second(request, socket)
        return await self._poll(request, socket)

    async def _new(self, request: web.Request, transport: str) -> web.StreamResponse | bytes:
        if request.query.get("EIO") != "4":
            raise _Refusal(_UNSUPPORTED, "Unsupported protocol version")
        if request.method != "GET":
            raise _Refusal(_BAD_METHOD, "Bad handshake method")
        if transport == "websocket":
            _expect_websocket(request)
        socket = HubSocket(self, self.generate_id())
        if not await self.listener.opened(socket, request):
            raise _Refusal(_FORBIDDEN, "Forbidden", status=403)
        if transport == "polling":
            self._begin(socket, ["websocket"] if self.allow_upgrades and "websocket" in self.transports else [])
            return await socket.polled(lambda: False)
        try:
            wire, answer = await self._accept(request, socket)
        except (_Refusal, ConnectionError):
            self.listener.ended(socket, self.reason.TRANSPORT_ERROR)
            raise
        self._begin(socket, [])
        socket.open(wire)
        return answer

    async def _accept(self, request: web.Request, reader: Reader) -> tuple[Wire, web.StreamResponse]:
        try:
            return await Wire.accept(request, reader, self.max_http_buffer_size)
        except web.HTTPBadRequest as error:
            raise _Refusal(_BAD_REQUEST, "That is no handshake of a WebSocket.") from error

    def _begin(self, socket: HubSocket, upgrades: list[str]) -> None:
        self.sockets[socket.sid] = socket
        hello = {
            "sid": socket.sid,
            "upgrades": upgrades,
            "pingInterval": round(self.ping_interval * 1000),
            "pingTimeout": round(self.ping_timeout * 1000),
            "maxPayload": self.max_http_buffer_size,
        }
        socket.write(text_frame(b"0" + orjson.dumps(hello)))
        self._pings.set(socket)

    async def _second(self, request: web.Request, socket: HubSocket) -> web.StreamResponse:
        """A WebSocket for a session that exists."""
        _expect_websocket(request)
        wire, answer = await self._accept(request, _Nobody())
        if socket.upgraded or socket.closed or not self.allow_upgrades:
            wire.close(NORMAL)
            self.going(wire)
        else:
            wire.reader = socket.probe(wire)
            self._goodbyes.set(wire)  # an attempt that comes to nothing ends by itself
        return answer

    async def _poll(self, request: web.Request, socket: HubSocket) -> web.StreamResponse | bytes:
        if socket.upgraded:
            raise _Refusal(_BAD_REQUEST, "This session has a WebSocket.")
        try:
            if request.method == "GET":
                return await socket.polled(lambda: request.transport is None)
            if request.method == "POST":
                async with asyncio.timeout(BODY_SECONDS):
                    body = await request.read()
                socket.posted(body)
                await self.listener.room(socket)
                return b"ok"
        except web.HTTPRequestEntityTooLarge as error:
            socket.end(self.reason.TRANSPORT_ERROR)
            raise _Refusal(_BAD_REQUEST, "The body is too large.", status=413) from error
        except (Trouble, TimeoutError) as error:
            socket.end(self.reason.TRANSPORT_ERROR)
            raise _Refusal(_BAD_REQUEST, str(error) or "The body took too long.") from error
        raise _Refusal(_BAD_REQUEST, "Bad request")

    def _answer(
        self, status: int, body: bytes, environ: dict[str, Any], kind: str = "text/plain; charset=UTF-8"
    ) -> web.Response:
        headers = [*self._cors_headers(environ), ("Content-Type", kind), ("Cache-Control", "no-store")]
        return web.Response(status=status, body=body, headers=headers)

    # Sessions

    def heard(self, socket: HubSocket, data: bytes, *, text: bool) -> None:
        """A session has a message."""
        self.listener.heard(socket, data, text=text)

    def alive(self, socket: HubSocket) -> None:
        """A session answered the ping."""
        self._pongs.drop(socket)
        self._pings.set(socket)

    def ended(self, socket: HubSocket, reason: str) -> None:
        """A session has ended."""
        self._pings.drop(socket)
        self._pongs.drop(socket)
        self._lagging.pop(socket, None)
        if self.sockets.pop(socket.sid, None) is not None:
            self.listener.ended(socket, reason)

    def going(self, wire: Wire) -> None:
        """A WebSocket was closed: it is cut off if what was written before does not leave."""
        self._goodbyes.set(wire)

    def stays(self, wire: Wire) -> None:
        """An attempt to change the transport succeeded: its WebSocket is not on trial any more."""
        self._goodbyes.drop(wire)

    def _ping(self, socket: HubSocket, at: float) -> None:
        socket.ping()
        self._pongs.set(socket, at)

    def _timed_out(self, socket: HubSocket, _: float) -> None:
        socket.end(self.reason.PING_TIMEOUT, abort=socket.waiting > 0)

    # Writing

    def dirty(self, socket: HubSocket) -> None:
        """A session has something to write."""
        self._dirty.append(socket)
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        dirty = self._dirty
        if len(dirty) > AT_ONCE:
            self._dirty = dirty[AT_ONCE:]
            del dirty[AT_ONCE:]
            asyncio.get_running_loop().call_soon(self._flush)
        else:
            self._dirty = []
            self._flushing = False
        for socket in dirty:
            socket.flush()

    def lags(self, socket: HubSocket) -> None:
        """A session reads slower than is written to it."""
        now = asyncio.get_running_loop().time()
        socket.since = now
        self._lagging[socket] = (0, now)
        if self._weigher is None:
            self._weigher = asyncio.get_running_loop().call_later(1.0, self._weigh)

    def caught_up(self, socket: HubSocket) -> None:
        """It reads again."""
        self._lagging.pop(socket, None)
        if socket.missed:
            self.listener.caught_up(socket)

    def slow(self, socket: HubSocket, why: str) -> None:
        """Cut off a session whose client does not read."""
        if not socket.closed:
            log.info("a client that does not read is cut off: %s", why)
            CUT.inc()
            socket.end(self.reason.TRANSPORT_ERROR, abort=True)

    def _weigh(self) -> None:
        """Look at those who lag: no progress for too long, or too much for all of them together, is the end."""
        self._weigher = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        waiting: dict[HubSocket, int] = {}
        for socket, (before, since) in list(self._lagging.items()):
            socket.weigh(now, LAG_SECONDS)
            if socket.closed:
                continue
            size = socket.waiting
            if not before or size < before:
                self._lagging[socket] = (size, now)
            elif now - since > STUCK_SECONDS:
                self.slow(socket, "it has taken nothing for too long")
                continue
            waiting[socket] = size
        over = sum(waiting.values()) - LAG_BUDGET
        for socket in sorted(waiting, key=waiting.__getitem__, reverse=True) if over > 0 else ():
            if over > 0:
                over -= waiting[socket]
                self.slow(socket, "too much waits for all who lag")
        if self._lagging:
            self._weigher = loop.call_later(1.0, self._weigh)

    async def shutdown(self) -> None:
        """End every session and every timer."""
        for socket in list(self.sockets.values()):
            socket.end(self.reason.SERVER_DISCONNECT, abort=True)
        for timers in (self._pings, self._pongs, self._goodbyes):
            timers.close()
        if self._weigher is not None:
            self._weigher.cancel()
            self._weigher = None


class _Nobody:
    """Hears a WebSocket that nobody wanted."""

    def text(self, data: bytes) -> None:
        """Forget it."""

    def binary(self, data: bytes) -> None:
        """Forget it."""

    def ended(self, wire: Wire) -> None:
        """Good."""

    def lagging(self, wire: Wire) -> None:
        """Nothing is written."""

    def caught_up(self, wire: Wire) -> None:
        """Nothing is written."""


def _expect_websocket(request: web.Request) -> None:
    if request.method != "GET" or request.headers.get("Upgrade", "").strip().lower() != "websocket":
        raise _Refusal(_BAD_REQUEST, "Bad request")


def _create_route(app: web.Application, engine: HubEngine, path: str) -> None:
    app.router.add_route("*", path, engine.handle_request)
