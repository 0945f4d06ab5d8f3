"""Time as a part that is handed in, so that a test can turn it."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where every slice gets the time from."""

    def now(self) -> datetime:
        """The time of day in UTC, cut to whole milliseconds (what MongoDB and the wire can hold)."""
        ...

    def monotonic(self) -> float:
        """Seconds that only ever grow, for measuring how long something takes."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The time of day in UTC, in whole milliseconds."""
        return datetime.fromtimestamp(time.time_ns() // 1_000_000 / 1000, UTC)

    def monotonic(self) -> float:
        """Seconds since some start that only ever grow."""
        return time.monotonic()
