"""Bytes as the answer of a command: a picture, a recording, an export. They go over HTTP alone."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Content:
    """What a client downloads. `read(start, stop)` yields the bytes from `start` up to, not with, `stop`."""

    type: str
    size: int
    etag: str
    """Names these bytes: other bytes have another."""
    read: Callable[[int, int], AsyncGenerator[bytes, None]]
    filename: str | None = None
    inline: bool = False
    """Whether a browser may show it; what it may not show it saves."""
    keep_seconds: int = 0
    """How long the client itself may keep it. Nobody between may."""
