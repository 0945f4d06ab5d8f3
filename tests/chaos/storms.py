"""Connections that come and are aborted, thousands of times, half of them in the middle of the handshake."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.chaos.lean import Lean, Stage

EARLY: tuple[tuple[str, Stage], ...] = (
    ("no request", "connected"),
    ("half a request", "connected"),
    ("upgraded", "upgraded"),
    ("opened", "opened"),
)
"""Where in the handshake a connection is aborted: each a quarter of that half."""
LATE: tuple[str, Stage] = ("ready", "ready")
PATIENCE_SECONDS = 30.0
SOURCES = 32


@dataclass(frozen=True, slots=True)
class Storm:
    """How many connections, how many of them at once, where, and as whom."""

    count: int
    at_once: int
    url: str
    tokens: Sequence[str]

    def document(self) -> dict[str, Any]:
        """The storm as JSON."""
        return asdict(self)


async def abort_connections(storm: Storm) -> dict[str, int]:
    """Do it; how many connections were aborted at which stage."""
    ends: Counter[str] = Counter()
    numbers = iter(range(storm.count))

    async def work() -> None:
        for number in numbers:
            ends[await _one(storm, number)] += 1

    await asyncio.gather(*(work() for _ in range(storm.at_once)))
    return dict(ends)


async def _one(storm: Storm, number: int) -> str:
    where, target = LATE if number % 2 else EARLY[number // 2 % len(EARLY)]
    reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def moved(line: Lean) -> None:
        if line.stage in {target, "ended"} and not reached.done():
            reached.set_result(None)

    early = target in {"connected", "upgraded"}
    auth = {"token": storm.tokens[number % len(storm.tokens)], "deviceId": f"storm-{number % 64}"}
    line = Lean(auth, moved=moved, stop_at=target if early else None)
    url = urlsplit(storm.url)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await line.connect(url.hostname or "", url.port or 0, source=f"127.0.2.{1 + number % SOURCES}")
            if where == "half a request":
                request = line.request()
                line.write(request[: random.randrange(1, len(request))])
            await reached
    except OSError:  # TimeoutError is one
        line.abort()
        return "not reached"
    where = where if line.stage == target else "not reached"
    line.abort()
    await line.over
    return where
