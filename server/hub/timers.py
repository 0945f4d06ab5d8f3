"""Timers of many sockets at the price of one: all of a kind have the same span, so the first set is the first due."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

log = logging.getLogger("mixee.hub")

T = TypeVar("T", bound=Hashable)

COARSE_SECONDS = 0.05
"""Timers due within this time of each other ring together."""


class Clockwork(Protocol):
    """What timers ask of an event loop."""

    def time(self) -> float:
        """Seconds on the clock by which the loop rings."""

    def call_at(self, when: float, callback: Callable[[], None], /) -> asyncio.TimerHandle:
        """Call back at a time of that clock."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> asyncio.TimerHandle:
        """Call back after so many seconds."""


class Timers(Generic[T]):
    """Calls `due` with each item, and the time at which it was due, `span` seconds after it was set.

    An item that is set again meanwhile counts anew, and one that is dropped not at all. Without a clockwork
    of their own they ring by the running loop.
    """

    def __init__(self, span: float, due: Callable[[T, float], None], loop: Clockwork | None = None) -> None:
        self.span = span
        self._due = due
        self._loop = loop
        self._at: OrderedDict[T, float] = OrderedDict()
        self._handle: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._at)

    def __contains__(self, item: T) -> bool:
        return item in self._at

    def set(self, item: T, since: float | None = None) -> None:
        """Let the item be due a span after `since` (now): a time, on the loop's clock, that never goes back."""
        loop = self._loop or asyncio.get_running_loop()
        at = (loop.time() if since is None else since) + self.span
        self._at[item] = at
        self._at.move_to_end(item)
        if self._handle is None:
            self._handle = loop.call_at(at, self._ring)

    def drop(self, item: T) -> None:
        """Forget the item."""
        self._at.pop(item, None)

    def close(self) -> None:
        """Forget everything."""
        self._at.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _ring(self) -> None:
        self._handle = None
        loop = self._loop or asyncio.get_running_loop()
        now = loop.time()
        while self._at:
            item, at = next(iter(self._at.items()))
            if at > now:
                break
            del self._at[item]
            try:
                self._due(item, at)
            except Exception:  # the others must have their turn
                log.exception("a timer failed")
        if self._at and self._handle is None:
            first = next(iter(self._at.values()))
            self._handle = loop.call_later(max(first - now, min(COARSE_SECONDS, self.span / 100)), self._ring)
