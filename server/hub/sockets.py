"""The Socket.IO server: python-socketio on aiohttp, with our own door for events and our own way out.

Two things are not stock. Events do not go through python-socketio's handler table, which leaves raising handlers and
unknown events unanswered: `HubServer._handle_event` hands every one to the door, which answers each exactly once. And
events for many are encoded once and put into the queues of their sockets in one go, so their order is kept.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

import engineio
import orjson
import socketio
from aiohttp import web
from engineio import packet as eio_packet
from engineio.async_drivers.aiohttp import WebSocket
from socketio import exceptions as sio_exceptions
from socketio import packet as sio_packet

from server.hub.framing import payload_of

log = logging.getLogger("mixee.hub")

NAMESPACE = "/"
WEBSOCKET_ONLY = 'This server speaks WebSocket only: connect with transports: ["websocket"].'
MAX_QUEUE = 2_000
"""Packets that wait for one socket; a client that is further behind is cut off (it will sync)."""

MAX_ATTACHMENTS = 10
"""Binary attachments of one event, as in Socket.IO's own parser."""


class Refused(Exception):
    """A connection that the door does not let in; `data` is what the client sees in `connect_error`."""

    def __init__(self, message: str, data: dict[str, Any]) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class Door(Protocol):
    """What the Socket.IO server needs to know about the application."""

    async def connect(self, sid: str, environ: dict[str, Any], auth: Any) -> None:
        """Let a connection in, or raise Refused."""
        ...

    async def connected(self, sid: str) -> None:
        """The client knows that it is in."""
        ...

    async def disconnected(self, sid: str, reason: str) -> None:
        """The connection is gone."""
        ...

    async def event(self, sid: str, name: str, arguments: list[Any]) -> dict[str, Any]:
        """Handle an event and return the one answer."""
        ...


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


class _Turn:
    """The events of one connection: at most `size` at once, their first halves one after the other."""

    __slots__ = ("order", "slots")

    def __init__(self, size: int) -> None:
        self.slots = asyncio.Semaphore(size)
        self.order = asyncio.Lock()


class HubWebSocket(WebSocket):  # type: ignore[misc]  # python-engineio has no type information
    """python-engineio's WebSocket on aiohttp, without compression, and with its transport within reach.

    Compression costs 80 KiB a connection and every recipient's own frame. The transport is what `Sockets.abort` needs:
    aiohttp's own close waits for a peer that may never read again.
    """

    async def __call__(self, environ: dict[str, Any]) -> Any:
        """Serve one WebSocket until it ends."""
        request = environ["aiohttp.request"]
        self.handler.__self__.mixee_transport = request.transport
        self._sock = web.WebSocketResponse(max_msg_size=self.server.max_http_buffer_size, compress=False)
        await self._sock.prepare(request)
        self.environ = environ
        await self.handler(self)
        return self._sock


class HubEngine(engineio.AsyncServer):  # type: ignore[misc]  # python-engineio has no type information
    """python-engineio's server with our WebSocket."""

    _async: dict[str, Any]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._async = {**self._async, "websocket": HubWebSocket}

    def _bad_request(self, message: str | None = None) -> dict[str, Any]:
        if message == "Invalid transport" and "polling" not in self.transports:
            return {
                "status": "400 BAD REQUEST",
                "headers": [("Content-Type", "application/json")],
                "response": orjson.dumps({"code": 0, "message": WEBSOCKET_ONLY}),
            }
        answer: dict[str, Any] = super()._bad_request(message)
        return answer


class HubServer(socketio.AsyncServer):  # type: ignore[misc]  # python-socketio has no type information
    """python-socketio's server, with the door in place of its handler table."""

    def __init__(self, door: Door, *, max_in_flight: int, **options: Any) -> None:
        super().__init__(
            async_mode="aiohttp",
            json=_Json,
            namespaces=[NAMESPACE],
            async_handlers=True,
            always_connect=False,
            **options,
        )
        self._door = door
        self._max_in_flight = max_in_flight
        self._turns: dict[str, _Turn] = {}
        self._running: set[asyncio.Task[None]] = set()

    def _engineio_server_class(self) -> type[HubEngine]:
        return HubEngine

    async def _trigger_event(self, event: str, _namespace: str, *args: Any) -> Any:
        sid = args[0]
        if event == "connect":
            auth = args[2] if len(args) > 2 else None
            try:
                await self._door.connect(sid, args[1], auth)
            except Refused as refusal:
                raise sio_exceptions.ConnectionRefusedError(refusal.message, refusal.data) from refusal
            self._turns[sid] = _Turn(self._max_in_flight)
            return True
        if event == "disconnect":
            self._turns.pop(sid, None)
            await self._door.disconnected(sid, str(args[1]) if len(args) > 1 else "unknown")
        return None

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        """Take a packet; a client that sends what is none, or more attachments than a browser would, is cut off."""
        try:
            await super()._handle_eio_message(eio_sid, data)
        except (ValueError, TypeError, IndexError, KeyError, AttributeError, RecursionError) as error:
            log.info("a client sent what is no packet and is cut off: %s", type(error).__name__)
            await self._cut(eio_sid)
            return
        partial = self._binary_packet.get(eio_sid)
        if partial is not None and not (0 < partial.attachment_count <= MAX_ATTACHMENTS and partial.data):
            await self._cut(eio_sid)

    async def _cut(self, eio_sid: str) -> None:
        self._binary_packet.pop(eio_sid, None)
        socket = self.eio.sockets.get(eio_sid)
        if socket is not None:
            socket.queue.put_nowait(None)
            await socket.close(wait=False, abort=True)

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: Any) -> None:
        await super()._handle_connect(eio_sid, namespace, data)
        sid = self.manager.sid_from_eio_sid(eio_sid, NAMESPACE)
        if sid is not None and sid in self._turns:
            await self._door.connected(sid)

    async def _handle_event(self, eio_sid: str, namespace: str | None, id: int | None, data: Any) -> None:  # noqa: A002 - python-socketio's name
        if not isinstance(data, list) or not data or not isinstance(data[0], str):
            raise ValueError("an event is a list that begins with its name")
        sid = self.manager.sid_from_eio_sid(eio_sid, namespace or NAMESPACE)
        turn = self._turns.get(sid)
        if turn is None:
            return
        await turn.slots.acquire()
        task = asyncio.get_running_loop().create_task(self._answer(turn, sid, eio_sid, id, data))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _answer(self, turn: _Turn, sid: str, eio_sid: str, packet_id: int | None, data: list[Any]) -> None:
        try:
            async with turn.order:
                answer = await self._door.event(sid, data[0], data[1:])
            if isinstance(answer, Awaitable):
                answer = await answer
            if packet_id is not None:
                await self._send_packet(
                    eio_sid, sio_packet.Packet(sio_packet.ACK, namespace=NAMESPACE, id=packet_id, data=[answer])
                )
        finally:
            turn.slots.release()

    async def finish(self, seconds: float) -> None:
        """Let the events that are being handled end, at most so long."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)


class Sockets:
    """The sockets of this process, for the hub: tell many, tell one, close."""

    def __init__(self, door: Door, *, slow: Callable[[str], None], max_in_flight: int, **options: Any) -> None:
        self.server = HubServer(door, max_in_flight=max_in_flight, **options)
        self._slow = slow

    def tell(self, sids: Iterable[str], wire: bytes, *, passing: bool = False) -> int:
        """Queue one finished frame for several sockets; how many took it.

        `passing` events skip a socket that is behind. A socket whose queue is full is reported as slow.
        """
        packet = eio_packet.Packet(eio_packet.MESSAGE, payload_of(wire)[1:].decode())
        told = 0
        for sid in sids:
            socket = self._socket(sid)
            if socket is None:
                continue
            waiting = socket.queue.qsize()
            if waiting >= MAX_QUEUE:
                self._slow(sid)
            elif not (passing and waiting > MAX_QUEUE // 4):
                socket.queue.put_nowait(packet)
                told += 1
        return told

    async def close(self, sid: str) -> None:
        """End a connection for good: a JavaScript client does not come back by itself."""
        await self.server.disconnect(sid, namespace=NAMESPACE)

    def leave(self, sid: str) -> None:
        """End the transport below a connection, after what is queued for it: the client connects again by itself."""
        socket = self._socket(sid)
        if socket is not None:
            socket.queue.put_nowait(None)

    async def abort(self, sid: str) -> None:
        """End a connection at once, whatever is queued for it; a peer that reads nothing cannot hold it open."""
        socket = self._socket(sid)
        if socket is not None:
            await socket.close(wait=False, abort=True)
            transport = getattr(socket, "mixee_transport", None)
            if transport is not None:
                transport.abort()

    def _socket(self, sid: str) -> Any:
        eio_sid = self.server.manager.eio_sid_from_sid(sid, NAMESPACE)
        return self.server.eio.sockets.get(eio_sid) if eio_sid else None
