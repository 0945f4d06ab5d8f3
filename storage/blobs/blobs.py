"""The interface of every store of bytes, and what can go wrong with one."""

import re
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Protocol

PIECE = 256 * 1024
"""Bytes that are read at once."""
_NAME = re.compile(r"[a-z0-9-]{1,80}(/[a-z0-9-]{1,80}){0,4}")


class NoBlob(LookupError):
    """There is nothing of that name."""


class BlobsAway(ConnectionError):
    """The store cannot be reached, or refuses: trying again later is right."""


class Blobs(Protocol):
    """Keeps bytes under names. Every method raises BlobsAway when the store does not answer."""

    async def start(self) -> None:
        """Make ready to serve."""
        ...

    async def close(self) -> None:
        """Give every connection back."""
        ...

    async def put(self, name: str, source: AsyncIterable[bytes]) -> int:
        """Keep all bytes of the source, durably; how many there were. What was there before is replaced.

        When the source raises, nothing is kept.
        """
        ...

    def read(self, name: str, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` up to, not with, `stop`, in pieces. Raises NoBlob."""
        ...

    async def delete(self, name: str) -> None:
        """Remove one name; none of that name is fine."""
        ...

    async def clear(self, folder: str) -> None:
        """Remove every name below the folder; none is fine."""
        ...


def checked(name: str) -> str:
    """The name, if it is one. Raises ValueError: a name never leads out of the store."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a blob")
    return name


async def whole(data: bytes) -> AsyncGenerator[bytes, None]:
    """Bytes that are here already, as a source."""
    yield data
