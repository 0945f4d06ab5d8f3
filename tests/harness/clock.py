"""A clock that a test turns by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta


class TurnableClock:
    """Starts at a fixed moment or at the real one, runs with real time or stands still, and can be advanced."""

    def __init__(self, start: datetime | None = None, *, running: bool = False) -> None:
        self._running = running
        self._born = datetime.now(UTC)
        self._start = start or (self._born if running else datetime(2026, 11, 24, 12, 0, tzinfo=UTC))
        self._ahead = timedelta()
        self._stopped: datetime | None = None

    def now(self) -> datetime:
        """The time of day, in whole milliseconds."""
        passed = (self._stopped or datetime.now(UTC)) - self._born if self._running else timedelta()
        now = self._start + passed + self._ahead
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        """Seconds since the start."""
        return (self.now() - self._start).total_seconds()

    def advance(self, **span: float) -> None:
        """Turn the clock forward: `advance(seconds=5)`, `advance(days=30)`."""
        self._ahead += timedelta(**span)

    @contextmanager
    def still(self) -> Iterator[None]:
        """Let it stand while two things are looked at that must be of the same moment; then it goes on from there."""
        began = self._stopped = datetime.now(UTC)
        try:
            yield
        finally:
            self._stopped = None
            if self._running:
                self._ahead -= datetime.now(UTC) - began
