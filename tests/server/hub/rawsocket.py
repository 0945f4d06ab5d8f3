"""A TCP connection that a test reads and writes byte by byte, with a receive buffer as small as it likes."""

import asyncio
import json
import socket
import struct
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 5.0
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 0x1, 0x2, 0x8, 0x9, 0xA, 0x0


def masked(kind: int, payload: bytes, *, fin: bool = True, reserved: int = 0, size: int | None = None) -> bytes:
    """A frame as a client sends it; `size` is what it claims to hold."""
    length = len(payload) if size is None else size
    first = (0x80 if fin else 0) | reserved | kind
    if length < 126:
        head = bytes((first, 0x80 | length))
    elif length < 65_536:
        head = struct.pack(">BBH", first, 0x80 | 126, length)
    else:
        head = struct.pack(">BBQ", first, 0x80 | 127, length)
    mask = b"\x37\xfa\x21\x3d"  # that of RFC 6455's own example
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


class RawSocket:
    """One connection. Nothing is read that was not asked for."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._buffer = b""

    @classmethod
    async def open(cls, url: str, *, receive_buffer: int = 0) -> "RawSocket":
        """Connect to the host of a URL."""
        parts = urlsplit(url)
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (parts.hostname, parts.port))
        return cls(sock)

    @classmethod
    async def websocket(cls, url: str, *, receive_buffer: int = 0, **headers: str) -> "RawSocket":
        """Connect and become a WebSocket that has heard the open packet; `head` is what the server answered."""
        one = await cls.open(url, receive_buffer=receive_buffer)
        more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        await one.send(
            f"GET {urlsplit(url).path}?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
            f"{more}\r\n".encode()
        )
        one.head = await one.until(b"\r\n\r\n")
        assert one.head.startswith(b"HTTP/1.1 101 "), one.head
        _, hello = await one.frame()
        one.hello = json.loads(hello[1:])
        return one

    head: bytes = b""
    hello: dict[str, Any]

    async def send(self, data: bytes) -> None:
        """Write bytes."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def say(self, *packets: str) -> None:
        """Send text messages."""
        await self.send(b"".join(masked(TEXT, packet.encode()) for packet in packets))

    async def read(self, size: int) -> bytes:
        """Exactly so many bytes. Raises EOFError at the end of the connection."""
        while len(self._buffer) < size:
            await self._more()
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    async def until(self, end: bytes) -> bytes:
        """Bytes up to and with `end`."""
        while end not in self._buffer:
            await self._more()
        found, _, self._buffer = self._buffer.partition(end)
        return found + end

    async def rest(self) -> bytes:
        """All bytes until the connection ends, in whatever way."""
        try:
            while True:
                await self._more()
        except (EOFError, ConnectionError):
            found, self._buffer = self._buffer, b""
            return found

    async def frame(self) -> tuple[int, bytes]:
        """The next frame: its first byte and its payload."""
        first, length = await self.read(2)
        if length == 126:
            (length,) = struct.unpack(">H", await self.read(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", await self.read(8))
        return first, await self.read(length)

    async def text(self) -> str:
        """The next frame, which is text; a ping of Engine.IO is answered."""
        while True:
            first, payload = await self.frame()
            assert first == 0x81, (first, payload[:50])
            if payload != b"2":
                return payload.decode()
            await self.say("3")

    async def closes(self) -> int:
        """Wait for the close frame: its code."""
        while True:
            first, payload = await self.frame()
            if first == 0x88:
                return int.from_bytes(payload[:2], "big")

    def reset(self) -> None:
        """Abort the connection (RST)."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        """Hang up."""
        self.sock.close()

    async def __aenter__(self) -> "RawSocket":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _more(self) -> None:
        async with asyncio.timeout(PATIENCE):
            data = await asyncio.get_running_loop().sock_recv(self.sock, 65_536)
        if not data:
            raise EOFError("the connection has ended")
        self._buffer += data
