"""Redis servers of a test's own: one that may be killed, stopped and started again, and a cluster of three."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from storage.embedded import launch
from storage.embedded.binaries import REDIS, find
from storage.embedded.folder import HOST, free_port
from storage.redis import RedisError, connect
from tests.harness.servers import until

PASSWORD = "hush"
SLOTS = 16_384
READY_SECONDS = 20.0
PATIENCE = 0.02


class RedisProcess:
    """One redis-server on a port that it keeps."""

    def __init__(self, folder: Path, *, cluster: bool = False) -> None:
        self.folder = folder
        self.port = free_port(None)
        self.cluster = cluster
        self.process: Process | None = None

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD}@{HOST}:{self.port}/0"

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        self.folder.mkdir(exist_ok=True)
        binary = (await find(REDIS, self.folder))[0]
        options = {
            "bind": HOST,
            "port": str(self.port),
            "requirepass": PASSWORD,
            "dir": str(self.folder),
            "save": "",
            "appendonly": "no",
        }
        if self.cluster:
            self.bus = free_port(None)
            options |= {
                "masterauth": PASSWORD,
                "cluster-enabled": "yes",
                "cluster-port": str(self.bus),
                "cluster-node-timeout": "2000",
            }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), str(self.folder / "pid")),
            *(str(binary.path), *words),
            env=binary.environment,
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        async with asyncio.timeout(READY_SECONDS):
            while True:
                try:
                    await self.ask("PING")
                except (RedisError, OSError):
                    await asyncio.sleep(PATIENCE)
                else:
                    return

    async def ask(self, *words: Any) -> Any:
        """What it answers to one command."""
        one = connect(self.url, timeout=5, retries=0)
        try:
            return await one.execute_command(*words)  # type: ignore[no-untyped-call]  # as in storage.redis
        finally:
            await one.aclose()

    async def kill(self) -> None:
        """End it at once, whatever state it is in."""
        assert self.process
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal (SIGSTOP, SIGCONT)."""
        assert self.process
        self.process.send_signal(number)


class RedisCluster:
    """Three primaries that share the slots evenly."""

    def __init__(self, servers: list[RedisProcess]) -> None:
        self.servers = servers
        self.names: list[str] = []
        self.shares: list[tuple[int, int]] = []

    @property
    def url(self) -> str:
        return f"{self.servers[0].url}?cluster=true"

    async def form(self) -> None:
        """Share out the slots, introduce the servers to each other, and wait until each knows all of it."""
        first = self.servers[0]
        share = -(-SLOTS // len(self.servers))
        for number, one in enumerate(self.servers):
            self.shares.append((number * share, min((number + 1) * share, SLOTS) - 1))
            await one.ask("CLUSTER", "ADDSLOTSRANGE", *self.shares[number])
            await one.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            self.names.append((await one.ask("CLUSTER", "MYID")).decode())
        for one in self.servers[1:]:
            await first.ask("CLUSTER", "MEET", HOST, one.port, one.bus)
        for one in self.servers:
            await until(partial(self._complete, one), seconds=READY_SECONDS)

    async def move(self, slot: int, to: int) -> None:
        """Give a slot to a server, as a resharding does: the new one learns it first, then the others.

        A server that imports a slot takes a new epoch with it. Without one, word of the old owner that is still under
        way can win, and the servers disagree for good.
        """
        order = [self.servers[to], *(one for number, one in enumerate(self.servers) if number != to)]
        source = next(number for number, (first, last) in enumerate(self.shares) if first <= slot <= last)
        if source == to:
            source = (to + 1) % len(self.servers)
        await self.servers[to].ask("CLUSTER", "SETSLOT", slot, "IMPORTING", self.names[source])
        for one in order:
            await one.ask("CLUSTER", "SETSLOT", slot, "NODE", self.names[to])

    async def take_over(self, *, of: int, by: int) -> None:
        """Let a server have the slots of one that died, as its replica would."""
        survivors = [one for number, one in enumerate(self.servers) if number != of]
        first, last = self.shares[of]
        for one in survivors:
            await one.ask("CLUSTER", "DELSLOTSRANGE", first, last)
        await self.servers[by].ask("CLUSTER", "ADDSLOTSRANGE", first, last)
        await self.servers[by].ask("CLUSTER", "BUMPEPOCH")

    async def _complete(self, one: RedisProcess) -> bool:
        rows, info = await one.ask("CLUSTER", "SLOTS"), await one.ask("CLUSTER", "INFO")
        return len(rows) == len(self.servers) and b"cluster_state:ok" in info


@asynccontextmanager
async def redis_process(folder: Path) -> AsyncIterator[RedisProcess]:
    """A redis-server, killed in the end."""
    one = RedisProcess(folder)
    await one.start()
    try:
        yield one
    finally:
        await one.kill()


@asynccontextmanager
async def redis_cluster(folder: Path) -> AsyncIterator[RedisCluster]:
    """A cluster, killed in the end."""
    made = [RedisProcess(folder / f"redis-{number}", cluster=True) for number in range(3)]
    try:
        await asyncio.gather(*(one.start() for one in made))
        cluster = RedisCluster(made)
        await cluster.form()
        yield cluster
    finally:
        for one in made:
            if one.process is not None:
                await one.kill()
