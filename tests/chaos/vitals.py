"""What a server process uses: memory, descriptors, tasks, connections; and whether that grows."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
import psutil

from tests.chaos.cluster import Node

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Vitals:
    """One process at one moment."""

    at: float
    rss: int
    """Resident memory in bytes."""
    files: int
    """Open descriptors, without connections to elsewhere: the pools of MongoDB and Redis grow with the load."""
    pooled: int
    """Connections to elsewhere."""
    tasks: int
    connections: int

    def text(self) -> str:
        """For a reader at a terminal."""
        files = f"{self.files} descriptors and {self.pooled} to storage"
        return f"{self.rss / MIB:.1f} MiB, {files}, {self.tasks} tasks, {self.connections} connections"


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line through samples of one measure."""

    mean: float
    slope: float
    """Change in a minute."""
    growth: float
    """Change over all samples, by the line."""


async def take(node: Node, http: aiohttp.ClientSession) -> Vitals:
    """Look at a process. Raises OSError, aiohttp.ClientError or TimeoutError when it does not answer."""
    async with http.get(f"{node.url}/metrics") as response:
        text = await response.text()
    found = dict(line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    process = psutil.Process(node.pid)
    pooled = sum(bool(one.raddr) and one.laddr.port != node.port for one in process.net_connections("tcp"))
    with process.oneshot():
        return Vitals(
            at=time.monotonic(),
            rss=process.memory_info().rss,
            files=process.num_fds() - pooled,
            pooled=pooled,
            tasks=int(float(found["mixee_tasks"])),
            connections=int(float(found["mixee_connections"])),
        )


def trend(times: Sequence[float], values: Sequence[float]) -> Trend:
    """The line of least squares. Raises StatisticsError for fewer than two samples, or samples of one moment."""
    slope, _ = statistics.linear_regression(times, values)
    return Trend(mean=statistics.fmean(values), slope=slope * 60, growth=slope * (max(times) - min(times)))
