"""Whom this process lets in, and how fast: a storm of connections must not take the time of those who are in."""

from collections import OrderedDict
from math import ceil
from typing import Final

from server.clock import Clock
from server.errors import RateLimited, Unavailable
from server.metrics import LIMITED

MAX_KNOWN = 50_000
"""Addresses, and devices, that are remembered at most; the one that was quiet for longest is forgotten first."""
PER_ADDRESS: Final = 60
"""Connections that one address may open at once, and in every minute after that."""
PER_DEVICE: Final = 10
MINUTE = 60.0
EVENTS: Final = 10
"""Messaging rules §5, any client event: a connection has 60 at once, then so many a second."""
EVENTS_AT_ONCE: Final = 60
FLOOD: Final = 30
"""With so many a second for 10 seconds the connection is closed."""
FLOOD_SECONDS: Final = 10


class Bucket:
    """A token bucket as one number: the time at which it would be full again (GCRA, ITU-T I.371)."""

    __slots__ = ("full_at",)

    def __init__(self) -> None:
        self.full_at = 0.0

    def take(self, now: float, *, every: float, burst: float) -> float:
        """Take a token that comes back after `every` seconds. The seconds to wait; 0 when it was there."""
        full_at = max(self.full_at, now) + every
        wait = full_at - now - burst * every
        if wait > 1e-9:
            return wait
        self.full_at = full_at
        return 0.0


class Buckets:
    """A bucket for each key, as many as a bound allows."""

    def __init__(self, per_minute: int, *, most: int = MAX_KNOWN) -> None:
        self._burst = per_minute
        self._most = most
        self._known: OrderedDict[str, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def take(self, key: str, now: float) -> float:
        """Take a token of the key's bucket. The seconds to wait; 0 when it was there."""
        bucket = self._known.setdefault(key, Bucket())
        self._known.move_to_end(key)
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        return bucket.take(now, every=MINUTE / self._burst, burst=self._burst)


class Pace:
    """How fast one connection sends events, whatever they are."""

    __slots__ = ("_flood", "_steady")

    def __init__(self) -> None:
        self._steady = Bucket()
        self._flood = Bucket()

    def floods(self, now: float) -> bool:
        """Count an event. Whether the connection has sent far too many for seconds, and must go."""
        return self._flood.take(now, every=1 / FLOOD, burst=FLOOD * FLOOD_SECONDS) > 0

    def wait(self, now: float) -> float:
        """Count an event that is to be answered. The seconds to wait; 0 when it may be."""
        return self._steady.take(now, every=1 / EVENTS, burst=EVENTS_AT_ONCE)


class Admission:
    """The limits of this process on new connections. All of it is local: it must hold while Redis is away."""

    def __init__(self, clock: Clock, *, per_second: float, burst: int, on: bool) -> None:
        """`per_second` and `burst`: connections of the whole process. `on`: False lets everybody in."""
        self._clock = clock
        self._per_second = per_second
        self._burst = burst
        self._on = on
        self._everybody = Bucket()
        self._addresses = Buckets(PER_ADDRESS)
        self._devices = Buckets(PER_DEVICE)

    def knock(self, address: str) -> None:
        """Somebody wants in, before anything is known of him. Raises RateLimited (his address) or Unavailable (all).

        The address comes first, so that one address cannot use up what is there for everybody.
        """
        if not self._on:
            return
        now = self._clock.monotonic()
        if wait := self._addresses.take(address, now):
            LIMITED.labels("handshake:address").inc()
            raise RateLimited("Too many connections from this address.", retry_after_ms=ceil(wait * 1000))
        if wait := self._everybody.take(now, every=1 / self._per_second, burst=self._burst):
            LIMITED.labels("handshake:process").inc()
            raise Unavailable("Too many connect at once: connect again later.", retry_after_ms=ceil(wait * 1000))

    def pace(self) -> Pace | None:
        """For a new connection; None when nothing is limited."""
        return Pace() if self._on else None

    def recognise(self, user_id: str, device_id: str) -> None:
        """The token says who it is. Raises RateLimited when this device connects again and again.

        Only now, since whoever could name a device before would lock it out.
        """
        if not self._on:
            return
        if wait := self._devices.take(f"{user_id}:{device_id}", self._clock.monotonic()):
            LIMITED.labels("handshake:device").inc()
            raise RateLimited("This device connects too often.", retry_after_ms=ceil(wait * 1000))
