"""Pictures and recordings are worked on in threads: a few at once, a bounded number waiting, the rest refused."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from server.errors import Overloaded

T = TypeVar("T")

WAITING = 16
"""Uploads that may wait for a place."""


class Workshop:
    """Keeps the event loop free, and the memory bounded that decoding takes."""

    def __init__(self, places: int) -> None:
        self._executor = ThreadPoolExecutor(places, thread_name_prefix="media")
        self._free = asyncio.Semaphore(places)
        self._room = places + WAITING
        self._inside = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place to work at; take it before the bytes are loaded. Raises Overloaded."""
        if self._inside >= self._room:
            raise Overloaded("Too many attachments are being worked on right now: try again.", retry_after_ms=2000)
        self._inside += 1
        try:
            async with self._free:
                yield
        finally:
            self._inside -= 1

    async def run(self, work: Callable[[], T]) -> T:
        """Run it in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def close(self) -> None:
        """Let what is running end."""
        self._executor.shutdown(wait=True, cancel_futures=True)
