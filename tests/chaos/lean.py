"""The leanest Socket.IO client there is: one asyncio protocol on a bare socket, so that one process holds thousands."""

import asyncio
import base64
import secrets
import socket
import struct
from collections.abc import Callable
from typing import Any, Literal

import orjson

from tests.chaos.proxy import RST

Stage = Literal["connected", "upgraded", "opened", "ready", "ended"]
"""How far a connection has come: TCP, WebSocket, Engine.IO, `session:ready`, over."""

MASK = b"\0\0\0\0"
"""Any key is allowed, and with this one the payload stays as it is."""
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
HEAD_END = b"\r\n\r\n"
SMALL_BUFFER = 4_096
"""Receive buffer, in bytes, of a client that is going to stall."""

Answered = Callable[[dict[str, Any]], None]


class Lean(asyncio.Protocol):
    """One connection of one device."""

    def __init__(
        self,
        auth: dict[str, Any],
        *,
        heard: Callable[["Lean", str, Any], None] | None = None,
        moved: Callable[["Lean"], None] | None = None,
        stop_at: Stage | None = None,
    ) -> None:
        """`heard` gets every event, `moved` every change of `stage`. At `stop_at` the client says nothing more."""
        self.stage: Stage = "connected"
        self.refused: Any = None
        self.pid = self.offset = ""
        """Of a client that asked for recovery: the private id of its session, and the last event that it got."""
        self.pings = 0
        """How many pings it has answered."""
        self._auth = auth
        self._heard = heard
        self._moved = moved
        self._stop_at = stop_at
        self._transport: asyncio.Transport | None = None
        self._host = ""
        self._buffer = bytearray()
        self._answers: dict[int, Answered] = {}
        self._last = 0
        self.over = asyncio.get_running_loop().create_future()

    async def connect(self, host: str, port: int, *, source: str | None = None, small: bool = False) -> None:
        """Connect from an address of this machine. Raises OSError or TimeoutError."""
        loop = asyncio.get_running_loop()
        one = socket.socket()
        try:
            one.setblocking(False)
            if small:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
            if source is not None:
                one.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
                one.bind((source, 0))
            await loop.sock_connect(one, (host, port))
            self._host = f"{host}:{port}"
            await loop.create_connection(lambda: self, sock=one)
        except BaseException:
            one.close()
            raise

    def emit(self, event: str, payload: dict[str, Any], answered: Answered | None = None) -> None:
        """Send an event."""
        if answered is None:
            self.send(f"42{orjson.dumps([event, payload]).decode()}")
            return
        self._last += 1
        self._answers[self._last] = answered
        self.send(f"42{self._last}{orjson.dumps([event, payload]).decode()}")

    def send(self, text: str) -> None:
        """Send one text frame."""
        if self._transport is None or self._transport.is_closing():
            return
        data = text.encode()
        size = len(data)
        if size < 126:
            head = struct.pack("!BB", 0x80 | TEXT, 0x80 | size)
        elif size < 65_536:
            head = struct.pack("!BBH", 0x80 | TEXT, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | TEXT, 0x80 | 127, size)
        self._transport.write(head + MASK + data)

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def stall(self) -> None:
        """Read nothing more."""
        if self._transport is not None:
            self._transport.pause_reading()

    def abort(self) -> None:
        """End it with a reset."""
        if self._transport is None or self._transport.is_closing():
            return
        one: socket.socket | None = self._transport.get_extra_info("socket")
        if one is not None and one.fileno() >= 0:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
        self._transport.abort()

    def request(self) -> bytes:
        """The request that opens the WebSocket."""
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        return (
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TCP stands."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._stop_at != "connected":
            transport.write(self.request())
        self._reach("connected")

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self._buffer += data
        if self.stage == "connected" and not self._upgrade():
            return
        while (frame := self._frame()) is not None:
            self._take(*frame)

    def connection_lost(self, error: Exception | None) -> None:
        """It is over."""
        self._answers.clear()
        if not self.over.done():
            self.over.set_result(None)
        self._reach("ended")

    def _reach(self, stage: Stage) -> None:
        self.stage = stage
        if self._moved is not None:
            self._moved(self)

    def _upgrade(self) -> bool:
        end = self._buffer.find(HEAD_END)
        if end < 0:
            return False
        head = bytes(self._buffer[:end])
        del self._buffer[: end + len(HEAD_END)]
        if not head.startswith(b"HTTP/1.1 101"):
            self.refused = head.split(b"\r\n", 1)[0].decode("latin-1")
            self.abort()
            return False
        self._reach("upgraded")
        return True

    def _frame(self) -> tuple[int, bytes] | None:
        """The next whole frame, if there is one. Servers do not mask, and ours sends no fragments."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 0x7F, 2
        if size == 126:
            start = 4
            if len(buffer) < start:
                return None
            size = int.from_bytes(buffer[2:4], "big")
        elif size == 127:
            start = 10
            if len(buffer) < start:
                return None
            size = int.from_bytes(buffer[2:10], "big")
        if len(buffer) < start + size:
            return None
        opcode, payload = buffer[0] & 0x0F, bytes(buffer[start : start + size])
        del buffer[: start + size]
        return opcode, payload

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == PING and self._transport is not None:
            self._transport.write(struct.pack("!BB", 0x80 | PONG, 0x80 | len(payload)) + MASK + payload)
        elif opcode == CLOSE and self._transport is not None:
            self._transport.close()
        elif opcode == TEXT:
            self._packet(payload)

    def _packet(self, packet: bytes) -> None:
        if packet == b"2":
            self.pings += 1
            self.send("3")
        elif packet.startswith(b"0"):
            if self._stop_at != "upgraded":
                self.send(f"40{orjson.dumps(self._auth).decode()}")
                self._reach("opened")
        elif packet.startswith(b"40"):
            self.pid = orjson.loads(packet[2:]).get("pid", "")
        elif packet.startswith(b"42"):
            self._event(*orjson.loads(packet[2:]))
        elif packet.startswith(b"43"):
            start = packet.index(b"[")
            answered = self._answers.pop(int(packet[2:start]), None)
            if answered is not None:
                answered(orjson.loads(packet[start:])[0])
        elif packet.startswith((b"1", b"41", b"44")):
            self.refused = packet.decode()
            if self._transport is not None:
                self._transport.close()

    def _event(self, name: str, payload: Any = None, offset: str = "") -> None:
        self.offset = offset or self.offset
        if name == "session:ready" and self.stage == "opened":
            self._reach("ready")
        if self._heard is not None:
            self._heard(self, name, payload)
