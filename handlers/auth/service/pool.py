"""Password checks in threads: a few at once, a bounded number waiting, the rest refused."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from crypto.passwords import Passwords
from server.errors import Overloaded

T = TypeVar("T")


class PasswordPool:
    """Keeps the event loop free, and the memory bounded that argon2id takes."""

    def __init__(self, passwords: Passwords, *, threads: int, waiting: int) -> None:
        self._passwords = passwords
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._room = threads + waiting
        self._inside = 0

    async def hash(self, password: str) -> str:
        """The hash to store. Raises Overloaded."""
        return await self._run(lambda: self._passwords.hash(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password fits; None (no account) takes as long and is False. Raises Overloaded."""
        return await self._run(lambda: self._passwords.verify(stored, password))

    def needs_rehash(self, stored: str) -> bool:
        """Whether the hash was made at another price than today's."""
        return self._passwords.needs_rehash(stored)

    def close(self) -> None:
        """Let the running checks end; waiting ones are dropped."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._inside >= self._room:
            raise Overloaded("Too many people are signing in right now: try again.", retry_after_ms=1000)
        self._inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._inside -= 1
