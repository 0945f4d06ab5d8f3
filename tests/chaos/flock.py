"""Thousands of devices in a process of their own, `python -m tests.chaos.flock`, told what to do line by line.

The program reads one JSON command a line from its standard input and answers each with one line. `Flock` is its remote
control. A process of its own keeps the devices from slowing the load generator, and has descriptors to itself.
"""

import asyncio
import random
import resource
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from tests.chaos.bird import Bird, Sky
from tests.chaos.cluster import ROOT
from tests.chaos.findings import Spread
from tests.chaos.storms import Storm, abort_connections

HANDSHAKES_AT_ONCE = 200
LINE_BYTES = 64 << 20
ANSWER_SECONDS = 3_600.0
POLL_SECONDS = 0.1

Command = dict[str, Any]


class Program:
    """The flock's side of the line."""

    def __init__(self) -> None:
        self._sky = Sky((), asyncio.Semaphore(HANDSHAKES_AT_ONCE), Spread(), recovering=False, returns=Spread())
        self._birds: list[Bird] = []
        self._flights: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Obey until the input ends."""
        reader = asyncio.StreamReader(LINE_BYTES)
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            answer = await self._obey(orjson.loads(line))
            sys.stdout.buffer.write(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE))
            sys.stdout.buffer.flush()
        self._sky.stopping = True
        for flight in self._flights:
            flight.cancel()
        await asyncio.gather(*self._flights, return_exceptions=True)

    async def _obey(self, command: Command) -> dict[str, Any]:
        match command["do"]:
            case "fly":
                self._fly(command)
            case "nodes":
                self._sky.nodes = command["nodes"]
            case "gather" | "scatter":
                self._leave(command)
            case "stall":
                for bird in self._birds[-command["count"] :]:
                    bird.stall()
            case "measure":
                self._sky.late, self._sky.returns, self._sky.heard, self._sky.recovered = Spread(), Spread(), 0, 0
            case "abort":
                return await abort_connections(Storm(**command["storm"]))
        return self._state()

    def _fly(self, command: Command) -> None:
        self._sky.nodes, self._sky.recovering = command["nodes"], command["recovering"]
        birds, small = command["birds"], command["small"]
        for number, (token, conversation) in enumerate(birds):
            bird = Bird(self._sky, number, token=token, conversation=conversation, small=number >= len(birds) - small)
            self._birds.append(bird)
            self._flights.append(asyncio.create_task(bird.fly()))

    def _leave(self, command: Command) -> None:
        self._sky.nodes = command.get("nodes", self._sky.nodes)
        for bird in self._birds:
            asyncio.get_running_loop().call_later(random.uniform(0, command.get("span", 0.0)), bird.leave)

    def _state(self) -> dict[str, Any]:
        healthy = [bird for bird in self._birds if not bird.stalled]
        return {
            "resumed": sum(bird.resumed for bird in healthy),
            "sessions": self._sky.sessions,
            "least": min((bird.position for bird in healthy), default=0),
            "heard": self._sky.heard,
            "p50": self._sky.late.quantile(0.5),
            "p99": self._sky.late.quantile(0.99),
            "recovered": self._sky.recovered,
            "return_p99": self._sky.returns.quantile(0.99),
            "odd": self._sky.odd,
            "broken": [repr(task.exception()) for task in self._flights if task.done() and task.exception()],
        }


@dataclass(frozen=True, slots=True)
class State:
    """What a flock says of itself."""

    resumed: int
    """Healthy devices whose `sync` was answered in their present session."""
    sessions: int
    least: int
    """Up to where the healthy device that is furthest behind has everything."""
    heard: int
    p50: float
    p99: float
    """Seconds from saying to hearing, of healthy devices."""
    recovered: int
    """Sessions that went on since it was measured afresh: nothing had to be asked for."""
    return_p99: float
    """Seconds from the beginning of a handshake to a session with everything in it, since it was measured afresh."""
    odd: str
    broken: list[str]


class Flock:
    """The remote control."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._turn = asyncio.Lock()

    async def fly(
        self, nodes: Sequence[str], birds: Sequence[tuple[str, str]], *, small: int = 0, recovering: bool = False
    ) -> State:
        """Let devices come, each with its token and its conversation; the last `small` of them have small buffers.

        With `recovering` all of them ask for connection state recovery.
        """
        command = {"do": "fly", "nodes": list(nodes), "birds": birds, "small": small, "recovering": recovering}
        return await self._state(command)

    async def nodes(self, nodes: Sequence[str]) -> State:
        """Connect to these from now on."""
        return await self._state({"do": "nodes", "nodes": list(nodes)})

    async def gather(self, nodes: Sequence[str]) -> State:
        """Leave, and come back to these."""
        return await self._state({"do": "gather", "nodes": list(nodes)})

    async def scatter(self, span: float) -> State:
        """Leave, each at some time within so many seconds, and come back at once."""
        return await self._state({"do": "scatter", "span": span})

    async def stall(self, count: int) -> State:
        """The last `count` devices read nothing more."""
        return await self._state({"do": "stall", "count": count})

    async def measure(self) -> State:
        """Measure afresh."""
        return await self._state({"do": "measure"})

    async def state(self) -> State:
        """How it is."""
        return await self._state({"do": "state"})

    async def until(self, reached: Callable[["State"], bool], seconds: float) -> State | None:
        """Wait until `reached(state)`; None when that took too long. Raises RuntimeError when a device broke."""
        ends = time.monotonic() + seconds
        while True:
            state = await self.state()
            if state.broken or state.odd:
                raise RuntimeError(f"{state.odd} {state.broken[:3]}")
            if reached(state):
                return state
            if time.monotonic() > ends:
                return None
            await asyncio.sleep(POLL_SECONDS)

    async def abort(self, storm: Storm) -> dict[str, int]:
        """Connect and abort, as often as the storm says; how many ended at which stage."""
        return dict(await self._ask({"do": "abort", "storm": storm.document()}))

    async def _state(self, command: Command) -> State:
        return State(**await self._ask(command))

    async def _ask(self, command: Command) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        async with self._turn, asyncio.timeout(ANSWER_SECONDS):
            self._process.stdin.write(orjson.dumps(command, option=orjson.OPT_APPEND_NEWLINE))
            await self._process.stdin.drain()
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the flock has ended")
        return orjson.loads(line)


@asynccontextmanager
async def flock() -> AsyncIterator[Flock]:
    """A flock in a process of its own, until the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.chaos.flock",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_BYTES,
    )
    try:
        yield Flock(process)
    finally:
        assert process.stdin
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 20)
        except TimeoutError:
            process.kill()
            await process.wait()


def main() -> None:
    """Run the program, with as many open files as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(Program().run())


if __name__ == "__main__":
    main()
