"""When the access token of each connection runs out, so that nobody has to look at those whose time has not come."""

import heapq
from collections.abc import Callable
from datetime import datetime

SLACK = 1024
"""Entries that may be out of date beyond one for each connection, before they are swept out."""


class Expiries:
    """A heap of times. What is out of date stays until it is due, or until there is more of it than of the rest."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, str]] = []
        self._at: dict[str, datetime] = {}

    def __len__(self) -> int:
        return len(self._at)

    @property
    def entries(self) -> int:
        """Entries that are held, out of date ones among them."""
        return len(self._heap)

    def set(self, connection_id: str, at: datetime) -> None:
        """The connection's token runs out at that time; an earlier word on it counts no more."""
        self._at[connection_id] = at
        heapq.heappush(self._heap, (at, connection_id))
        if len(self._heap) > 2 * len(self._at) + SLACK:
            self._heap = [(at, one) for one, at in self._at.items()]
            heapq.heapify(self._heap)

    def drop(self, connection_id: str) -> None:
        """The connection has ended."""
        self._at.pop(connection_id, None)

    def due(self, now: datetime, then: Callable[[str], None]) -> None:
        """Call `then` with every connection whose time has come, the earliest first, and forget it."""
        while self._heap and self._heap[0][0] <= now:
            at, connection_id = heapq.heappop(self._heap)
            if self._at.get(connection_id) == at:
                del self._at[connection_id]
                then(connection_id)
