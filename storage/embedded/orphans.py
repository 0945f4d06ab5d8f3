"""Servers that outlived their parent: found by the name they left, proved to be ours, and ended before a new start.

A process id alone proves nothing, for ids are used again. The name a child leaves is its id and the tick of its start,
and its command line must still speak of our configuration file. Where there is no /proc nothing is touched: the
servers' own locks on their data then report the survivor.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from storage.embedded.errors import EmbeddedError
from storage.embedded.launch import started_at

POLL_SECONDS = 0.03
KILL_SECONDS = 5.0


class Process(NamedTuple):
    """What names a process for good: its id, and the tick of its start."""

    pid: int
    ticks: int


def survivor(pid_file: Path, config: Path) -> Process | None:
    """The living process that left this file and was started with that configuration, or None."""
    try:
        pid, ticks = (int(word) for word in pid_file.read_text(encoding="ascii").split())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        process = Process(pid, ticks)
    except (OSError, ValueError):
        return None
    dying = command == [b""]  # the kernel has taken its memory, but perhaps not yet its files
    return process if _lives(process) and (dying or os.fsencode(config) in command) else None


async def end_survivor(pid_file: Path, config: Path, *, seconds: float, tell: Callable[[int], None]) -> None:
    """End the process that left `pid_file`, if it lives: ask, wait `seconds`, then kill.

    `tell` hears its id first. Raises EmbeddedError when it cannot be ended.
    """
    process = survivor(pid_file, config)
    if process is None:
        return
    pid = process.pid
    tell(pid)
    try:
        _signal(pid, signal.SIGTERM)
        _signal(pid, signal.SIGCONT)  # a stopped process hears nothing else
        if not await _gone(process, seconds):
            _signal(pid, signal.SIGKILL)
            if not await _gone(process, KILL_SECONDS):
                raise EmbeddedError(f"process {pid} of an earlier run does not end: kill it, then start again")
    except PermissionError as error:
        raise EmbeddedError(f"process {pid} of an earlier run belongs to another user: end it first") from error


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


async def _gone(process: Process, seconds: float) -> bool:
    """Whether it ended in time. It is no child of ours, so there is nothing to wait on but /proc."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while _lives(process):
        if loop.time() > end:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True


def _lives(process: Process) -> bool:
    """Whether it runs, or is dead but some thread of it still holds on to files and ports."""
    try:
        if started_at(process.pid) != process.ticks:
            return False
        status = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii", errors="replace")
        zombie = status.rpartition(")")[2].split()[0] in {"Z", "X"}
        return not zombie or len(list(Path(f"/proc/{process.pid}/task").iterdir())) > 1
    except OSError:
        return False
