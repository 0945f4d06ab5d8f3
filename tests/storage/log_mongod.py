"""A replica set of its own for a test that stops, kills and deposes servers."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from storage.embedded.binaries import MONGODB, Binary, find
from storage.embedded.server import listening
from storage.mongo import Mongo, PyMongoError


class Member:
    """One mongod."""

    def __init__(self, binary: Binary, folder: Path) -> None:
        self._binary = binary
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        (folder / "data").mkdir(parents=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it, on the same data if it ran before, and return when it can be talked to."""
        self._process = await asyncio.create_subprocess_exec(
            *(str(self._binary.path), "--replSet", "rs0", "--bind_ip", "127.0.0.1", "--port", str(self.port)),
            *("--dbpath", str(self._folder / "data"), "--logpath", str(self._folder / "log"), "--logappend"),
            *("--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64", "--nounixsocket"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            env=self._binary.environment,
            stdout=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(30):
            await listening(self.port)

    def freeze(self) -> None:
        """Let it do nothing from now on, with all its connections open."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on where it was."""
        self._send(signal.SIGCONT)

    async def kill(self) -> None:
        """End it as a loss of power would."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)


class ReplicaSet:
    """Some members; the first is the only one that can be primary."""

    def __init__(self, members: list[Member]) -> None:
        self.members = members
        self._all = self.mongo("settle")
        self._first = Mongo(f"mongodb://{self.primary.address}/?directConnection=true", "admin")

    @property
    def primary(self) -> Member:
        return self.members[0]

    def mongo(self, database: str) -> Mongo:
        """A client of the set."""
        addresses = ",".join(member.address for member in self.members)
        return Mongo(f"mongodb://{addresses}/?replicaSet=rs0", database)

    async def initiate(self) -> None:
        """Make the set, and wait until it has a primary."""
        members = [
            {"_id": n, "host": member.address, "priority": 0 if n else 1} for n, member in enumerate(self.members)
        ]
        await self._first.database.command("replSetInitiate", {"_id": "rs0", "members": members})
        await self.settled()

    async def step_down(self) -> None:
        """Have the primary give up its office; a second later it may take it again."""
        await self._first.database.command("replSetStepDown", 1, secondaryCatchUpPeriodSecs=0, force=True)

    async def settled(self) -> None:
        """Return when there is a primary that can commit."""
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(PyMongoError):
                    await self._all.collection("settle").insert({})
                    return

    async def close(self) -> None:
        """Give the connections back (while the members live: the driver leaks a socket if it is closed connecting)."""
        await self._all.close()
        await self._first.close()


@asynccontextmanager
async def replica_set(folder: Path, members: int = 1) -> AsyncIterator[ReplicaSet]:
    """A running replica set, gone afterwards whatever happened."""
    binary = (await find(MONGODB, folder))[0]
    made = [Member(binary, folder / f"member-{n}") for n in range(members)]
    try:
        await asyncio.gather(*(member.start() for member in made))
        servers = ReplicaSet(made)
        try:
            await servers.initiate()
            yield servers
        finally:
            await servers.close()
    finally:
        await asyncio.gather(*(member.kill() for member in made))
