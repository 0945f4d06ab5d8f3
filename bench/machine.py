"""What the kernel says of processes: the CPU time they took, the memory they hold, the cores they may use."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
NEEDED_CORES = 2


class OneCore(RuntimeError):
    """The machine has one core: server and generator cannot be kept apart."""


def cores() -> tuple[list[int], int]:
    """The cores for servers and the one for the generator, MongoDB and Redis. Raises OneCore."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < NEEDED_CORES:
        raise OneCore("The benchmarks need two cores: one for the server, one for the generator.")
    return usable[:-1], usable[-1]


@contextmanager
def pinned(to: Iterable[int]) -> Iterator[None]:
    """What is started meanwhile runs on these cores only: children inherit them from the thread that starts them."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, to)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu(pid: int) -> float:
    """Seconds of CPU that a process took so far, in all its threads, those that have ended included.

    The clock is the one of clock_getcpuclockid(3), which counts nanoseconds; /proc counts in steps of 10 ms.
    """
    return time.clock_gettime((~pid << 3) | 2)


def cpus(pids: Sequence[int]) -> list[float]:
    """The same for several."""
    return [cpu(pid) for pid in pids]


def resident(pid: int) -> int:
    """Bytes of memory that a process holds now."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE
