"""The Engine.IO server: python-engineio's, with its requests, sessions and timers replaced by ours.

Its protocol is version 4 to the letter (https://github.com/socketio/engine.io-protocol). Nothing runs for a session
that is idle: pings and time-outs are shared (`Timers`), and a session is freed the moment its transport ends.
"""

import asyncio
import logging
from typing import Any

import engineio
import orjson
from aiohttp import web
from engineio.async_drivers.aiohttp import translate_request
from prometheus_client import Counter

from server.hub.bounds import Bounds
from server.hub.framing import text_frame
from server.hub.listeners import Handlers, Listener
from server.hub.session import HubSocket, Trouble
from server.hub.timers import Timers
from server.hub.wire import NORMAL, Reader, Wire

log = logging.getLogger("mixee.hub")

CUT = Counter("mixee_slow_consumer_total", "Connections cut because they did not read", ["action"]).labels("cut")

AT_ONCE = 512
"""Sessions that are written to before others get a turn."""
MANY = 64
REST_SECONDS = 0.002
"""After writing to MANY sessions it is not written to any for so long: what is told to one of them meanwhile is joined
into one write. Each write wakes its reader, which costs most of a delivery; a busy server saves a quarter of its CPU.
"""

_UNKNOWN_TRANSPORT, _UNKNOWN_SESSION, _BAD_METHOD, _BAD_REQUEST, _FORBIDDEN, _UNSUPPORTED = range(6)


class _Refusal(Exception):
    """A request that is answered with a code of Engine.IO's own server."""

    def __init__(self, code: int, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class HubEngine(engineio.AsyncServer):  # type: ignore[misc]  # python-engineio has no type information
    """python-engineio's server with our sessions."""

    _async: dict[str, Any]
    sockets: dict[str, HubSocket]

    def __init__(self, *, worker: str = "", bounds: Bounds | None = None, **options: Any) -> None:
        """`worker` begins every session id: a proxy can send a client that polls to the process that knows it."""
        self.bounds = bounds or Bounds()
        super().__init__(monitor_clients=False, **options)
        self._async = {**self._async, "create_route": _create_route}
        self.worker = worker
        self.listener: Listener = Handlers(self._trigger_event)
        self._pings: Timers[HubSocket] = Timers(self.ping_interval, self._ping)
        self._pongs: Timers[HubSocket] = Timers(self.ping_timeout, self._timed_out)
        self._goodbyes: Timers[Wire] = Timers(self.bounds.goodbye_seconds, lambda wire, _: wire.abort())
        self._last: dict[str, HubSocket] = {}
        self._lasts: Timers[HubSocket] = Timers(self.bounds.goodbye_seconds, lambda socket, _: self.told(socket))
        """Sessions that have ended and whose clients, who poll, may ask once more.

        One has not heard all that was told before we ended it; another's poll is overtaken by its own goodbye.
        """
        self._dirty: list[HubSocket] = []
        self._flushing = False
        self._resting = 0.0
        """Until when nothing is written, on the loop's clock."""
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
            raise _Refusal(_UNKNOWN_TRANSPORT, "Transport unknown")
        if request.query.get("EIO") != "4":
            raise _Refusal(_UNSUPPORTED, "Unsupported protocol version")
        if sid is None:
            return await self._new(request, transport)
        socket = self.sockets.get(sid)
        if socket is None and (last := self._last.get(sid)) and (request.method, transport) == ("GET", "polling"):
            return await last.polled(lambda: False)
        if socket is None or socket.closed:
            raise _Refusal(_UNKNOWN_SESSION, "Session ID unknown")
        if transport == "websocket":
            return await self._second(request, socket)
        return await self._poll(request, socket)

    async def _new(self, request: web.Request, transport: str) -> web.StreamResponse | bytes:
        if request.method != "GET":
            raise _Refusal(_BAD_METHOD, "Bad handshake method")
        if transport == "websocket":
            _expect_websocket(request)
        socket = HubSocket(self, self.generate_id())
        upgrades = transport == "polling" and self.allow_upgrades and "websocket" in self.transports
        self._begin(socket, ["websocket"] if upgrades else [])
        try:
            if not await self.listener.opened(socket, request):
                self.sockets.pop(socket.sid, None)  # who was not let in has no end either
                raise _Refusal(_FORBIDDEN, "Forbidden", status=403)
            if transport == "polling":
                return await socket.polled(lambda: False)
            wire, answer = await self._accept(request, socket)
        except BaseException:
            socket.end(self.reason.TRANSPORT_ERROR)
            raise
        if socket.closed:  # by what was told that it opened
            wire.close(NORMAL)
            self.going(wire)
        else:
            socket.open(wire)
        return answer

    async def _accept(self, request: web.Request, reader: Reader) -> tuple[Wire, web.StreamResponse]:
        try:
            return await Wire.accept(request, reader, self.max_http_buffer_size)
        except web.HTTPBadRequest as error:
            raise _Refusal(_BAD_REQUEST, "That is no handshake of a WebSocket.") from error
        except ConnectionError as error:  # nobody hears it
            raise _Refusal(_BAD_REQUEST, "The client has gone.") from error

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
                with socket.posting():
                    socket.posted(await self._body(request))
                    await self.listener.room(socket)
                return b"ok"
        except web.HTTPRequestEntityTooLarge as error:
            socket.end(self.reason.TRANSPORT_ERROR)
            raise _Refusal(_BAD_REQUEST, "The body is too large.", status=413) from error
        except (Trouble, TimeoutError, ConnectionError, web.RequestPayloadError) as error:
            socket.end(self.reason.TRANSPORT_ERROR)
            raise _Refusal(_BAD_REQUEST, str(error) or "The body took too long.") from error
        raise _Refusal(_BAD_REQUEST, "Bad request")

    async def _body(self, request: web.Request) -> bytes:
        size = request.content_length or 0
        if size <= self.max_http_buffer_size:
            async with asyncio.timeout(self.bounds.body_seconds):
                body = await request.read()
            size = len(body)
        if size > self.max_http_buffer_size:
            raise web.HTTPRequestEntityTooLarge(self.max_http_buffer_size, size)
        return body

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
            unheard = socket.rest and reason == self.reason.SERVER_DISCONNECT
            if unheard or (socket.between_polls and reason == self.reason.CLIENT_DISCONNECT):
                self._last[socket.sid] = socket
                self._lasts.set(socket)
            self.listener.ended(socket, reason)

    def told(self, socket: HubSocket) -> None:
        """Who polls has heard the last of a session that had ended, or has not come for it in time."""
        self._last.pop(socket.sid, None)
        self._lasts.drop(socket)

    def going(self, wire: Wire) -> None:
        """A WebSocket was closed: it is cut off if what was written before does not leave."""
        self._goodbyes.set(wire)

    def stays(self, wire: Wire) -> None:
        """An attempt to change the transport succeeded: its WebSocket is not on trial any more."""
        self._goodbyes.drop(wire)

    def _ping(self, socket: HubSocket, _: float) -> None:
        socket.ping()
        self._pongs.set(socket)  # from now: a process that slept must not blame its clients

    def _timed_out(self, socket: HubSocket, _: float) -> None:
        socket.end(self.reason.PING_TIMEOUT, abort=socket.waiting > 0)

    # Writing

    def dirty(self, socket: HubSocket) -> None:
        """A session has something to write."""
        self._dirty.append(socket)
        if not self._flushing:
            self._flushing = True
            loop = asyncio.get_running_loop()
            if self._resting and loop.time() < self._resting:
                loop.call_at(self._resting, self._flush)
            else:
                loop.call_soon(self._flush)

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
        self._resting = asyncio.get_running_loop().time() + REST_SECONDS if len(dirty) >= MANY else 0.0

    def lags(self, socket: HubSocket) -> None:
        """A session reads slower than is written to it."""
        now = asyncio.get_running_loop().time()
        socket.since = now
        self._lagging[socket] = (0, now)
        if self._weigher is None:
            self._weigher = asyncio.get_running_loop().call_later(self.bounds.weigh_seconds, self._weigh)

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
        now, bounds = loop.time(), self.bounds
        waiting: dict[HubSocket, int] = {}
        for socket, (before, since) in list(self._lagging.items()):
            socket.weigh(now, bounds.lag_seconds)
            if socket.closed:
                continue
            size = socket.waiting
            if not before or size < before:
                self._lagging[socket] = (size, now)
            elif now - since > bounds.stuck_seconds:
                self.slow(socket, "it has taken nothing for too long")
                continue
            waiting[socket] = size
        over = sum(waiting.values()) - bounds.lag_budget
        for socket in sorted(waiting, key=waiting.__getitem__, reverse=True) if over > 0 else ():
            if over > 0:
                over -= waiting[socket]
                self.slow(socket, "too much waits for all who lag")
        if self._lagging:
            self._weigher = loop.call_later(self.bounds.weigh_seconds, self._weigh)

    async def shutdown(self) -> None:
        """End every session and every timer."""
        for socket in list(self.sockets.values()):
            socket.end(self.reason.SERVER_DISCONNECT, abort=True)
        self._last.clear()
        for timers in (self._pings, self._pongs, self._goodbyes, self._lasts):
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
