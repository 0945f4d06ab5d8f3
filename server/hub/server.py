"""The Socket.IO server: python-socketio's, with its way in and its way out replaced by ours.

What a client sends is handled in its order by one task that lives only while there is something to do. A client whose
events are not handled fast enough is not read. Authorise, then CONNECT, then events: whatever is told to a connection
before it knows that it is in waits until it does.
"""

import asyncio
import json
import logging
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import orjson
import socketio
from aiohttp import web
from engineio.async_drivers.aiohttp import translate_request
from socketio import exceptions

from server.hub import packets
from server.hub.engine import HubEngine
from server.hub.manager import HubManager
from server.hub.packets import BadPacket, Packet
from server.hub.session import HubSocket
from server.hub.timers import Timers
from server.hub.wire import POLICY_VIOLATION, PROTOCOL_ERROR

log = logging.getLogger("mixee.hub")

CONNECT_SECONDS = 10.0
"""How long a session may last that is connected to no namespace."""


class _Json:
    """The JSON of python-socketio: orjson, which is faster and refuses NaN."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise json.JSONDecodeError(error.msg, error.doc, error.pos) from error


@dataclass(slots=True, eq=False)
class Line:
    """What one session has sent and is not done yet. It exists only while there is anything."""

    inbox: deque[Packet] = field(default_factory=deque)
    partial: Packet | None = None
    running: bool = False
    under_way: int = 0
    """Events whose first half is done."""
    paused: bool = False
    over: str | None = None
    """Why the session has ended."""
    gate: asyncio.Future[None] | None = None
    """Opens when fewer events are under way."""
    rooms: list[asyncio.Future[None]] = field(default_factory=list)

    @property
    def load(self) -> int:
        """Events that are not answered yet."""
        return len(self.inbox) + self.under_way + self.running

    @property
    def idle(self) -> bool:
        """Whether there is nothing to remember."""
        return not (self.inbox or self.running or self.under_way or self.partial or self.paused)


class HubServer(socketio.AsyncServer):  # type: ignore[misc]  # python-socketio has no type information
    """python-socketio's server on `HubEngine`. Handlers registered with `on` work as there, one after the other."""

    eio: HubEngine
    manager: HubManager

    def __init__(self, *, max_in_flight: int = 64, connect_timeout: float = CONNECT_SECONDS, **options: Any) -> None:
        """`max_in_flight`: events of one session that may be under way; `connect_timeout` in seconds."""
        super().__init__(client_manager=HubManager(), async_mode="aiohttp", json=_Json, always_connect=False, **options)
        self._max_in_flight = max_in_flight
        self._lines: dict[HubSocket, Line] = {}
        self._strangers: Timers[HubSocket] = Timers(connect_timeout, self._stranger)
        self._tasks: set[asyncio.Task[None]] = set()
        self.eio.listener = self

    def _engineio_server_class(self) -> type[HubEngine]:
        return HubEngine

    # What the sessions tell

    async def opened(self, socket: HubSocket, request: web.Request) -> bool:
        """A session begins; it must connect soon."""
        self.remember(socket, request)
        self._strangers.set(socket)
        return True

    def remember(self, socket: HubSocket, request: web.Request) -> None:
        """Keep of the request what handlers may ask for."""
        self.environ[socket.sid] = translate_request(request)

    def heard(self, socket: HubSocket, data: bytes, *, text: bool) -> None:
        """A packet, or an attachment of one. A client that sends what is none is cut off."""
        line = self._lines.get(socket)
        if line is None:
            line = self._lines[socket] = Line()
        try:
            packet = _packet(line, data, text=text)
        except (BadPacket, RecursionError) as error:
            log.debug("a client sent what is no packet and is cut off: %s", error)
            socket.end(self.reason.TRANSPORT_ERROR, code=PROTOCOL_ERROR)
            return
        if packet is None:
            return
        line.inbox.append(packet)
        if not line.running:
            line.running = True
            self._spawn(self._work(socket, line))
        elif line.load >= self._max_in_flight and not line.paused:
            line.paused = True
            socket.pause()

    async def room(self, socket: HubSocket) -> None:
        """Wait until more of a session that polls may be taken."""
        line = self._lines.get(socket)
        if line is not None and line.load >= self._max_in_flight:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            line.rooms.append(waiter)
            await waiter

    def ended(self, socket: HubSocket, reason: str) -> None:
        """A session has ended: so have its connections, after what is being handled."""
        self._strangers.drop(socket)
        line = self._lines.get(socket)
        if line is not None and line.running:
            line.over = reason
            line.inbox.clear()
        else:
            self._end(socket, reason)

    def caught_up(self, socket: HubSocket) -> None:
        """A client for whom events were dropped reads again."""
        socket.missed = False

    # What they send is handled

    async def _work(self, socket: HubSocket, line: Line) -> None:
        while line.inbox:
            packet = line.inbox.popleft()
            try:
                await self._handle(socket, line, packet)
            except Exception:
                log.exception("a packet of a client could not be handled")
            if line.paused or line.rooms:
                self._make_room(socket, line)
        line.running = False
        if line.over is not None:
            self._end(socket, line.over)
        elif line.idle:
            self._lines.pop(socket, None)

    def _make_room(self, socket: HubSocket, line: Line) -> None:
        if line.load > self._max_in_flight // 2:
            return
        if line.paused:
            line.paused = False
            socket.resume()
        for waiter in line.rooms:
            if not waiter.done():
                waiter.set_result(None)
        line.rooms.clear()

    async def _handle(self, socket: HubSocket, line: Line, packet: Packet) -> None:
        kind, namespace = packet.kind, packet.namespace
        sid = socket.namespaces.get(namespace)
        if kind == packets.CONNECT:
            if sid is None and not socket.closed:
                await self._connect(socket, namespace, packet.data)
        elif sid is None:
            log.debug("a packet for a namespace to which its client is not connected")
        elif kind in (packets.EVENT, packets.BINARY_EVENT):
            await self._event(socket, line, sid, packet)
        elif kind == packets.DISCONNECT:
            await self._leave(socket, namespace, sid, self.reason.CLIENT_DISCONNECT)
        elif packet.id is not None:
            await self._handle_ack(socket.sid, namespace, packet.id, packet.data)

    async def _connect(self, socket: HubSocket, namespace: str, auth: Any) -> None:
        if not self._knows(namespace):
            self._write(socket, packets.CONNECT_ERROR, namespace, {"message": "Invalid namespace"})
            return
        sid = self.eio.generate_id()
        self.manager.enter(sid, namespace, socket)
        self.manager.held[sid] = []
        refusal: Any = None
        try:
            if await self.admit(socket, namespace, sid, auth) is False:
                refusal = {"message": "Connection rejected by server"}
        except exceptions.ConnectionRefusedError as error:
            refusal = error.error_args
        except BaseException:
            self.manager.leave(sid, namespace)
            raise
        if refusal is not None:
            self.manager.leave(sid, namespace)
            self._write(socket, packets.CONNECT_ERROR, namespace, refusal)
            return
        if socket.closed:
            return  # it was let in and has gone meanwhile: `_end` says goodbye
        self._strangers.drop(socket)
        self._write(socket, packets.CONNECT, namespace, {"sid": sid, **self.greeting(socket, sid)})
        for frame in self.manager.held.pop(sid):
            socket.write(frame)
        await self.welcome(socket, namespace, sid)

    def _knows(self, namespace: str) -> bool:
        known = self.namespaces
        if known is not None and known != "*" and namespace in known:
            return True
        return known == "*" or namespace in self.handlers or namespace in self.namespace_handlers

    async def admit(self, socket: HubSocket, namespace: str, sid: str, auth: Any) -> Any:
        """Decide about a connection: False or ConnectionRefusedError refuses it."""
        environ = self.environ.get(socket.sid, {})
        return await self._trigger_event("connect", namespace, sid, environ, auth if auth is not None else {})

    def greeting(self, socket: HubSocket, sid: str) -> dict[str, Any]:  # noqa: ARG002 - for subclasses
        """What the client is told beside its id."""
        return {}

    async def welcome(self, socket: HubSocket, namespace: str, sid: str) -> None:
        """The client has been told that it is in."""

    async def _event(self, socket: HubSocket, line: Line, sid: str, packet: Packet) -> None:  # noqa: ARG002 - for subclasses
        answer = await self._trigger_event(packet.data[0], packet.namespace, sid, *packet.data[1:])
        if packet.id is not None and answer != self.not_handled:
            data = [] if answer is None else list(answer) if isinstance(answer, tuple) else [answer]
            self._write(socket, packets.ACK, packet.namespace, data, packet.id)

    def _write(self, socket: HubSocket, kind: int, namespace: str, data: Any, packet_id: int | None = None) -> None:
        for frame in packets.frames(kind, namespace, data, packet_id):
            socket.write(frame)

    # The end

    def _end(self, socket: HubSocket, reason: str) -> None:
        line = self._lines.pop(socket, None)
        for waiter in line.rooms if line else ():
            if not waiter.done():
                waiter.set_result(None)
        self.environ.pop(socket.sid, None)
        for namespace, sid in list(socket.namespaces.items()):
            self._spawn(self._leave(socket, namespace, sid, reason))

    async def _leave(self, socket: HubSocket, namespace: str, sid: str, reason: str) -> None:
        if socket.namespaces.get(namespace) != sid:
            return
        socket.namespaces.pop(namespace)
        try:
            await self.left(namespace, sid, reason)
        finally:
            self.manager.leave(sid, namespace)

    async def left(self, namespace: str, sid: str, reason: str) -> None:
        """A connection has ended."""
        await self._trigger_event("disconnect", namespace, sid, reason)

    async def disconnect(self, sid: str, namespace: str | None = None, ignore_queue: bool = False) -> None:  # noqa: ARG002 - the base's signature
        """End a connection for good: a JavaScript client does not come back by itself."""
        namespace = namespace or "/"
        socket = self.manager.socket_of(sid, namespace)
        if socket is not None:
            self._write(socket, packets.DISCONNECT, namespace, None)
            await self._leave(socket, namespace, sid, self.reason.SERVER_DISCONNECT)
            if not socket.namespaces:
                socket.end(self.reason.SERVER_DISCONNECT)

    async def finish(self, seconds: float) -> None:
        """Let what is being handled end, at most so long."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def shutdown(self) -> None:
        """End every session."""
        await self.eio.shutdown()
        self._strangers.close()
        await self.finish(1.0)

    def _stranger(self, socket: HubSocket, _: float) -> None:
        """A session that connected to nothing in time."""
        if not socket.namespaces:
            socket.end(self.reason.TRANSPORT_ERROR, code=POLICY_VIOLATION)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _packet(line: Line, data: bytes, *, text: bool) -> Packet | None:
    """The packet that is complete with this; None while attachments are missing. Raises BadPacket."""
    partial = line.partial
    if text:
        if partial is not None:
            raise BadPacket("text where an attachment must come")
        packet = packets.decode(data)
        if packet.waits:
            line.partial = packet
            return None
        return packet
    if partial is None:
        raise BadPacket("an attachment that no packet announced")
    if not partial.attach(data):
        return None
    line.partial = None
    return partial
