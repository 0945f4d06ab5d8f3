"""Spreads work over some seconds after Redis lost everything, so that all processes together do not overrun it."""

import asyncio
import heapq
import logging
import random
from collections.abc import Awaitable, Callable, Iterable

from handlers.presence.store import Unreachable

log = logging.getLogger("mixee.presence")

AT_ONCE = 32
"""People for whom storage is asked at the same time."""
PER_TURN = 500
"""People whom one turn writes at most."""
AGAIN_MS = 1_000
"""How long after a failure it is tried again."""


class Refill:
    """People who have to be written again, each at a random moment of the span. Times are in milliseconds."""

    def __init__(self, write: Callable[[str], Awaitable[None]], *, span: int) -> None:
        self._write = write
        self._span = span
        self._due: list[tuple[int, str]] = []
        self._waiting: set[str] = set()

    def __len__(self) -> int:
        return len(self._due)

    def plan(self, people: Iterable[str], *, now: int) -> None:
        """Write these people again; whoever waits already waits no longer for that."""
        for user_id in people:
            if user_id not in self._waiting:
                self._waiting.add(user_id)
                heapq.heappush(self._due, (now + random.randint(0, self._span), user_id))

    async def turn(self, *, now: int) -> None:
        """Write those who are due; whoever could not be written is due again soon. Raises Unreachable."""
        left = PER_TURN
        while left > 0 and (some := self._take(now, min(AT_ONCE, left))):
            left -= len(some)
            done = await asyncio.gather(*(self._write(user_id) for user_id in some), return_exceptions=True)
            for user_id, error in zip(some, done, strict=True):
                if error is None:
                    self._waiting.discard(user_id)
                    continue
                heapq.heappush(self._due, (now + AGAIN_MS, user_id))
                if not isinstance(error, Unreachable):
                    log.error("the presence of %s could not be written again", user_id, exc_info=error)
            for error in done:
                if isinstance(error, Unreachable):
                    raise error

    def _take(self, now: int, limit: int) -> list[str]:
        some: list[str] = []
        while self._due and self._due[0][0] <= now and len(some) < limit:
            some.append(heapq.heappop(self._due)[1])
        return some
