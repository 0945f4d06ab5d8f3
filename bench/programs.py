"""Servers that a benchmark starts as processes of their own, on the cores that it wants."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.machine import pinned

ROOT = Path(__file__).parents[1]
READY_SECONDS = 60.0
STOP_SECONDS = 30.0


class NotReady(RuntimeError):
    """A server ended while it started, or took too long."""


class Program:
    """A running process and its log."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process
        self._log = log

    @classmethod
    def start(
        cls, name: str, command: Sequence[str], *, folder: Path, on: Sequence[int], more: Mapping[str, str]
    ) -> "Program":
        """Start a program on these cores; the environment is ours without any setting of Mixee, and `more`."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("MIXEE_")}
        log = folder / f"{name}.log"
        with log.open("ab") as out, pinned(on):
            process = subprocess.Popen(
                [*_mortal(), *command],
                cwd=ROOT,
                env={**kept, **more},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        return cls(name, process, log)

    async def ready(self, found: Callable[[], bool], *, seconds: float = READY_SECONDS) -> None:
        """Wait until `found()` holds. Raises NotReady with the end of the log."""
        until = time.monotonic() + seconds
        while not found():
            if self._process.poll() is not None:
                raise NotReady(f"{self.name} ended while it started:\n{self.said()[-2000:]}")
            if time.monotonic() > until:
                raise NotReady(f"{self.name} was not ready within {seconds:.0f} s:\n{self.said()[-2000:]}")
            await asyncio.sleep(0.05)

    def said(self) -> str:
        """Everything that it wrote."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        """End it in order, or at once when that takes too long."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def _mortal() -> list[str]:
    """What lets a program end with us, even if we are killed."""
    found = shutil.which("setpriv")
    return [found, "--pdeathsig", "TERM", "--"] if found else []


def free_port() -> int:
    """A port of the loopback address that nobody uses now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody accepts connections at a port."""
    with socket.socket() as one:
        one.settimeout(1.0)
        return one.connect_ex(("127.0.0.1", port)) == 0
