"""What the tests of the embedded servers share: a parent that can be killed, and ears for what a start says.

Run as a module, it is that parent: it starts the servers below a folder, says so in one line of JSON, then writes to
MongoDB without end and prints the number of each write that was confirmed.
"""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from storage.embedded import Embedded
from storage.mongo import Mongo

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0


class Ears:
    """A progress callback that remembers every line and lets a test wait for one."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._news = asyncio.Event()

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        self._news.set()

    async def hear(self, pattern: str, *, times: int = 1) -> None:
        """Return once `times` lines match from their beginning; fails after 30 seconds."""
        async with asyncio.timeout(PATIENCE):
            while sum(bool(re.match(pattern, line)) for line in self.lines) < times:
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def running(folder: Path, **options: Any) -> AsyncIterator[Embedded]:
    """The embedded servers, stopped in the end whatever happens."""
    embedded = await Embedded.start(folder, **options)
    try:
        yield embedded
    finally:
        await embedded.stop()


class Parent:
    """Another process that runs the embedded servers below a folder."""

    def __init__(self, process: asyncio.subprocess.Process, hello: dict[str, Any]) -> None:
        self.process = process
        self.pids: dict[str, int] = hello["pids"]
        self.mongodb_url: str | None = hello["mongodb"]
        self.redis_url: str | None = hello["redis"]

    async def line(self) -> str:
        """The next line that it prints; empty when it has ended."""
        assert self.process.stdout is not None
        return (await asyncio.wait_for(self.process.stdout.readline(), PATIENCE)).decode().strip()

    async def end(self, number: signal.Signals) -> None:
        """End it by a signal and wait for its end."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        await asyncio.wait_for(self.process.wait(), PATIENCE)


@asynccontextmanager
async def parent(folder: Path, *wanted: str) -> AsyncIterator[Parent]:
    """Start such a process with the wanted servers (`mongodb`, `redis`); it is killed in the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        folder,
        *wanted,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        hello = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
        yield Parent(process, json.loads(hello))
    finally:
        if process.returncode is None:
            process.kill()
        while await process.stdout.read(2**16):
            pass
        await process.wait()


def alive(pid: int) -> bool:
    """Whether the process runs: a dead one that nobody has buried does not count."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


async def _be_parent(folder: str, wanted: list[str]) -> None:
    embedded = await Embedded.start(Path(folder), mongodb="mongodb" in wanted, redis="redis" in wanted)
    try:
        hello = {"pids": embedded.pids(), "mongodb": embedded.mongodb_url, "redis": embedded.redis_url}
        print(json.dumps(hello), flush=True)
        if embedded.mongodb_url is None:
            await asyncio.Event().wait()
        mongo = Mongo(str(embedded.mongodb_url), "tests")
        try:
            for number in count():
                await mongo.collection("numbers").insert({"_id": number, "by": os.getpid()})
                print(number, flush=True)
        finally:
            await mongo.close()
    finally:
        await embedded.stop()


if __name__ == "__main__":
    asyncio.run(_be_parent(sys.argv[1], sys.argv[2:]))
