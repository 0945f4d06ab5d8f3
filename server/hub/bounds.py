"""What the clients of one process that do not read may cost together and each."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a client that does not read may cost, and how long it may go on."""

    waiting: int = 256
    """Frames that wait for a client that polls or is just changing its transport."""
    waiting_bytes: int = 1_048_576
    behind_bytes: int = 1_048_576
    """Bytes that wait in a WebSocket's transport; above it a client that lags is behind: it gets no more events."""
    dead_bytes: int = 4 * 1_048_576
    """Bytes above which it is cut off."""
    lag_seconds: float = 2.0
    """How long a client may lag before it gets no more events."""
    stuck_seconds: float = 20.0
    """How long a client that lags may take nothing at all before it is cut off."""
    lag_budget: int = 256 * 1_048_576
    """Bytes that may wait for all clients that lag together; beyond it those who are furthest behind are cut off."""
    weigh_seconds: float = 1.0
    """How often those who lag are looked at."""
    goodbye_seconds: float = 5.0
    """How long a WebSocket may take to send what was written before its end, or to take over from polling."""
    body_seconds: float = 10.0
    """How long the body of a POST may take."""
