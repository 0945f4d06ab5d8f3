"""The little of WebSocket, Engine.IO and Socket.IO that a client needs which knows what the server will say."""

import base64
import secrets

PING = 0x32
PONG = b"\x81\x81\x00\x00\x00\x003"
"""Engine.IO's answer to a ping. Like all our frames it is masked with zeros: its text is written plainly."""


class Unexpected(ConnectionError):
    """The server said something else than it should."""


def upgrade(host: str, port: int) -> bytes:
    """The HTTP request that opens a connection."""
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    return (
        f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def text(payload: bytes) -> bytes:
    """A text frame of a client."""
    size = len(payload)
    if size < 126:
        head = bytes((0x81, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((0x81, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x81, 0xFF)) + size.to_bytes(8, "big")
    return head + b"\x00\x00\x00\x00" + payload


def bounds(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the payload of the server's frame at `at` begins and ends; None when it is not all there."""
    if len(data) - at < 2:
        return None
    length, start = data[at + 1], at + 2
    if length > 125:
        wide = 2 if length == 126 else 8
        if len(data) < start + wide:
            return None
        length, start = int.from_bytes(data[start : start + wide], "big"), start + wide
    end = start + length
    return (start, end) if end <= len(data) else None


class Handshake:
    """The client's side of a handshake, step by step: upgrade, Engine.IO open, Socket.IO CONNECT."""

    def __init__(self, host: str, port: int, auth: bytes) -> None:
        self.first = upgrade(host, port)
        self._auth = auth
        self._upgraded = False
        self.rest = b""
        """What the server said behind the handshake."""

    def hear(self, data: bytes) -> bytes | None:
        """Take what the server said: what to send now (maybe nothing), or None once the connection is in.

        Raises Unexpected when the server refuses.
        """
        data = self.rest + data
        if not self._upgraded:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self.rest = head
                return b""
            if not head.startswith(b"HTTP/1.1 101"):
                raise Unexpected(f"no upgrade: {head[:200].decode('latin-1')}")
            self._upgraded = True
        answer = b""
        while (found := bounds(data, 0)) is not None:
            payload, data = data[found[0] : found[1]], data[found[1] :]
            if payload.startswith(b"0"):
                answer += text(b"40" + self._auth)
            elif payload.startswith(b"40"):
                self.rest = data
                return None
            else:
                raise Unexpected(f"no connection: {payload[:200].decode('utf-8', 'replace')}")
        self.rest = data
        return answer
