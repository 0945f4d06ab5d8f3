"""WebSocket frames as bytes (RFC 6455, section 5): what is told to many is framed once and written to all of them."""

from typing import Any

import orjson
from pydantic_core import to_json

PING = b"\x81\x012"
"""A finished frame: Engine.IO's ping."""
CLOSE_PACKET = b"\x81\x011"
"""A finished frame: Engine.IO's close."""

_TEXT = 0x81
_BINARY = 0x82
_CLOSE = 0x88
_PONG = 0x8A


def text_frame(payload: bytes) -> bytes:
    """A text frame of this payload, unmasked, as a server sends it."""
    return _head(_TEXT, len(payload)) + payload


def binary_frame(payload: bytes) -> bytes:
    """A binary frame of this payload."""
    return _head(_BINARY, len(payload)) + payload


def pong_frame(payload: bytes) -> bytes:
    """The answer to a WebSocket ping with this payload."""
    return _head(_PONG, len(payload)) + payload


def close_frame(code: int, reason: bytes = b"") -> bytes:
    """A close frame with a status code of RFC 6455, section 7.4."""
    return _head(_CLOSE, 2 + len(reason)) + code.to_bytes(2, "big") + reason


def payload_of(frame: bytes) -> bytes:
    """The payload of a frame that one of the functions above made."""
    length = frame[1]
    if length < 126:
        return frame[2:]
    return frame[4:] if length == 126 else frame[10:]


def event_frame(name: str, payload: Any) -> bytes:
    """The frame of a Socket.IO event in the namespace `/`: Engine.IO message, Socket.IO event, name and payload.

    `payload` is a model, or what JSON can say.
    """
    return text_frame(b'42["%b",%b]' % (name.encode(), to_json(payload, by_alias=True)))


def with_offset(frame: bytes, offset: str) -> bytes:
    """The same event with one more argument, as connection state recovery wants it."""
    return text_frame(payload_of(frame)[:-1] + b"," + orjson.dumps(offset) + b"]")


def _head(kind: int, length: int) -> bytes:
    if length < 126:
        return bytes((kind, length))
    if length < 65_536:
        return bytes((kind, 126)) + length.to_bytes(2, "big")
    return bytes((kind, 127)) + length.to_bytes(8, "big")
