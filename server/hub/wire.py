"""A WebSocket after its handshake: aiohttp's parser on one side, finished frames on the other, and no task in between.

aiohttp serves the handshake. Then the transport is taken over from its request handler: a task, a request and a chain
of coroutine frames for every connection would cost several times the memory of everything that is kept here.
"""

import asyncio
import contextlib
import logging
import os
import socket
from typing import Any, Protocol, cast

from aiohttp import WSMsgType, web
from aiohttp._websocket.models import WebSocketError
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader

from server.hub.framing import close_frame, pong_frame

log = logging.getLogger("mixee.hub")

HIGH_WATER = 65_536
LOW_WATER = 16_384
"""Bytes that wait in a transport: above the first a client is behind, below the second it has caught up."""

USER_TIMEOUT_MS = 30_000
"""How long the system keeps sending what the other side does not acknowledge, before it gives the connection up."""

POLICY_VIOLATION, PROTOCOL_ERROR, GOING_AWAY, NORMAL = 1008, 1002, 1001, 1000

_TEXT, _BINARY, _CLOSE, _PING = WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CLOSE, WSMsgType.PING


class Reader(Protocol):
    """Who hears what a WebSocket brings."""

    def text(self, data: bytes) -> None:
        """A text message came."""
        ...

    def binary(self, data: bytes) -> None:
        """A binary message came."""
        ...

    def ended(self, wire: "Wire") -> None:
        """The connection is over."""
        ...

    def lagging(self, wire: "Wire") -> None:
        """The other side does not take what is written."""
        ...

    def caught_up(self, wire: "Wire") -> None:
        """It takes it again."""
        ...


class _Inbox(WebSocketDataQueue):
    """Where aiohttp's parser puts messages; it hands them on at once."""

    def __init__(self, wire: "Wire", loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(cast("Any", wire), 0, loop=loop)
        self._buffer = cast("Any", None)  # nothing ever waits here
        self._wire = wire

    def feed_data(self, data: Any, size: int) -> None:  # noqa: ARG002 - aiohttp's signature
        self._wire.message(data)

    def set_exception(self, exc: BaseException, exc_cause: BaseException = WebSocketError(0, "")) -> None:  # noqa: ARG002, B008 - aiohttp's signature
        self._wire.failed(exc)


class Handshake(web.WebSocketResponse[bool]):
    """The answer 101, after which aiohttp has nothing more to do with the connection.

    Compression stays off: it costs 80 KiB a connection, forbids frames that are shared by all recipients, and leaks
    what is secret through its length.
    """

    def __init__(self) -> None:
        super().__init__(compress=False, autoclose=False, autoping=False)

    async def write_eof(self, data: bytes = b"") -> None:
        """Write nothing: the transport belongs to a Wire."""


class Wire(asyncio.Protocol):
    """One WebSocket. `transport` may be written to directly, with finished frames."""

    __slots__ = ("_closing", "_fd", "_head", "_owed", "_parser", "_paused", "_skip", "reader", "transport")

    def __init__(self, reader: Reader, max_size: int) -> None:
        """`max_size`: bytes of the largest message that is taken."""
        loop = asyncio.get_running_loop()
        self.reader: Reader | None = reader
        self.transport: asyncio.Transport = cast("asyncio.Transport", None)
        self._parser = WebSocketReader(_Inbox(self, loop), max_size + 1, compress=False, decode_text=False)
        self._closing = False
        self._paused = False
        self._fd = -1
        self._owed: bytes | None = None
        """The last ping that is not answered yet, since the client does not read."""
        self._head = b""
        self._skip = 0
        """Where the next frame begins: after so many bytes, of which the first may be here."""

    @classmethod
    async def accept(cls, request: web.Request, reader: Reader, max_size: int) -> tuple["Wire", web.StreamResponse]:
        """Answer the handshake and take the connection over; also what aiohttp's handler must return.

        Raises aiohttp's HTTPBadRequest for a request that is no handshake, ConnectionError when the client has gone.
        """
        answer = Handshake()
        await answer.prepare(request)
        transport = request.transport
        if transport is None:
            raise ConnectionResetError("the client has gone")
        wire = cls(reader, max_size)
        handler = request.protocol
        transport.set_protocol(wire)
        wire.connection_made(transport)
        handler.transport = None  # it must not close what is ours now
        handler.connection_lost(None)
        return wire, answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set what the system shall do for us."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=HIGH_WATER, low=LOW_WATER)
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            if transport.get_extra_info("sslcontext") is None:
                self._fd = sock.fileno()
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._closing:
            return
        if self._unmasked(data):
            self.close(PROTOCOL_ERROR)
        else:
            self._parser.feed_data(data)

    def _unmasked(self, data: bytes) -> bool:
        """Whether a frame begins here that is not masked, which a client must not send and aiohttp does not refuse."""
        data = self._head + data if self._head else data
        at, end = self._skip, len(data)
        while at + 2 <= end:
            size = data[at + 1] - 128
            if size < 0:
                return True
            body = at + 6 + (0 if size < 126 else 2 if size == 126 else 8)
            if size >= 126:
                if body - 4 > end:
                    break
                size = int.from_bytes(data[at + 2 : body - 4], "big")
            at = body + size
        self._head = bytes(data[at:])
        self._skip = max(at - end, 0)
        return False

    def message(self, message: Any) -> None:
        """A message from the parser."""
        reader, kind = self.reader, message.type
        if reader is None or self._closing:
            return
        if kind is _TEXT:
            reader.text(message.data)
        elif kind is _BINARY:
            reader.binary(message.data)
        elif kind is _PING:
            self._pong(message.data)
        elif kind is _CLOSE:
            self.close(NORMAL)

    def _pong(self, data: bytes) -> None:
        """Answer a ping; of many that a client sends without reading the last alone (RFC 6455, section 5.5.3)."""
        if self.waiting > HIGH_WATER:
            self._owed = data
        else:
            self.transport.write(pong_frame(data))

    def failed(self, error: BaseException) -> None:
        """What came is no WebSocket, or whoever heard it failed."""
        if not isinstance(error, WebSocketError):
            log.error("a message of a WebSocket could not be taken", exc_info=error)
        self.close(error.code if isinstance(error, WebSocketError) else PROTOCOL_ERROR)

    def write(self, data: bytes) -> None:
        """Write finished frames: straight to the system when nothing waits before them, else through the transport.

        The transport's own checks cost about an eighth of a delivery. One that encrypts is always used.
        """
        transport = self.transport
        if self._fd >= 0 and not transport.get_write_buffer_size():
            try:
                sent = os.write(self._fd, data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError:
                return  # the transport learns of it as well, and ends
            if sent == len(data):
                return
            data = data[sent:]
        transport.write(data)

    def close(self, code: int) -> None:
        """Say goodbye and end the connection, after what was written before it."""
        if self._closing:
            return
        self._closing = True
        self.transport.write(close_frame(code))
        self.transport.close()
        self._leave()

    def abort(self) -> None:
        """End the connection at once, whatever waits to be written."""
        self._closing = True
        self.transport.abort()
        self._leave()

    @property
    def waiting(self) -> int:
        """Bytes that were written and not sent yet."""
        return self.transport.get_write_buffer_size()

    def pause(self) -> None:
        """Read nothing more until `resume`."""
        if not self._paused and not self._closing:
            self._paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._paused and not self._closing:
            self._paused = False
            self.transport.resume_reading()

    def pause_writing(self) -> None:
        """More waits than the high water mark."""
        if self.reader is not None:
            self.reader.lagging(self)

    def resume_writing(self) -> None:
        """Less waits than the low water mark."""
        owed, self._owed = self._owed, None
        if owed is not None and not self._closing:
            self.transport.write(pong_frame(owed))
        if self.reader is not None:
            self.reader.caught_up(self)

    def eof_received(self) -> bool:
        """The client sends nothing more: that is the end."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The connection is over."""
        self._closing = True
        self._leave()

    def _leave(self) -> None:
        self._fd = -1  # the system may give the number to another connection
        reader, self.reader = self.reader, None
        if reader is not None:
            reader.ended(self)
