"""Real server processes on one MongoDB and one Redis, that can be killed and started again."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from storage.embedded import Embedded
from tests.chaos.history import History
from tests.chaos.links import Links

ROOT = Path(__file__).parents[2]
READY_SECONDS = 60.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.05
DATABASE = "mixee_chaos"


class NotReady(Exception):
    """A server process ended, or did not become ready in time."""


class Node:
    """One server process and its log."""

    def __init__(self, name: str, program: Sequence[str], environment: dict[str, str], folder: Path) -> None:
        self.name = name
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.up = False
        self.front = self.url
        """Where clients reach it."""
        self.log = folder / f"{name}.log"
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        place = ["--host", "127.0.0.1", "--port", str(self.port), "--data-dir", str(folder / name)]
        self._command = [sys.executable, *program, "serve", *place]

    async def start(self, http: aiohttp.ClientSession) -> None:
        """Start the process and wait until it says that it is ready. Raises NotReady."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, cwd=ROOT, env=self._environment, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            async with asyncio.timeout(READY_SECONDS):
                while True:
                    if await self._ready(http):
                        break
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise NotReady(f"{self.name} was not ready within {READY_SECONDS:.0f} s:\n{self._tail()}") from None
        self.up = True

    async def _ready(self, http: aiohttp.ClientSession) -> bool:
        if self._process is None or self._process.returncode is not None:
            raise NotReady(f"{self.name} ended while it started:\n{self._tail()}")
        try:
            async with http.get(f"{self.url}/readyz") as response:
                return response.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    async def kill(self) -> None:
        """End the process in the middle of whatever it does."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> bool:
        """End the process in an orderly way, or the other one when that takes too long; whether it was orderly."""
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._end(signal.SIGTERM)
        except TimeoutError:
            await self._end(signal.SIGKILL)
            return False
        return True

    async def dies_by(self, number: int, seconds: float) -> bool:
        """Send a signal upon which the process ends by itself; whether it did in time."""
        assert self._process is not None
        self.up = False
        self._process.send_signal(number)
        try:
            async with asyncio.timeout(seconds):
                await self._process.wait()
        except TimeoutError:
            return False
        return True

    async def _end(self, how: signal.Signals) -> None:
        self.up = False
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(how)
            await self._process.wait()

    @property
    def pid(self) -> int:
        """The process id of its last start."""
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.returncode is None

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])


class Cluster:
    """The nodes of a run."""

    def __init__(
        self, nodes: Sequence[Node], http: aiohttp.ClientSession, history: History, storage: tuple[str, str]
    ) -> None:
        self.nodes = nodes
        self.storage = storage
        """The URLs of MongoDB and Redis."""
        self._http = http
        self._history = history

    @property
    def urls(self) -> list[str]:
        """Where clients reach the nodes, whether they run or not."""
        return [node.front for node in self.nodes]

    async def start(self, node: Node) -> None:
        """Start a node."""
        await node.start(self._http)
        self._history.node("start", node.name)

    async def kill(self, node: Node) -> None:
        """Kill a node."""
        self._history.node("kill", node.name)
        await node.kill()

    async def stop(self, node: Node) -> bool:
        """Stop a node in an orderly way; whether it ended in time."""
        self._history.node("stop", node.name)
        return await node.stop()

    async def dies_by(self, node: Node, number: int, seconds: float) -> bool:
        """Send a node a signal upon which it ends by itself; whether it did in time."""
        self._history.node("kill", node.name)
        return await node.dies_by(number, seconds)

    def check(self) -> None:
        """Nobody but us ends a node. Raises NotReady when one has ended by itself."""
        for node in self.nodes:
            if node.up and not node.alive:
                raise NotReady(f"{node.name} has ended by itself; its log is {node.log}")


@asynccontextmanager
async def running(
    folder: Path,
    program: Sequence[str],
    count: int,
    *,
    http: aiohttp.ClientSession,
    history: History,
    storage: tuple[str, str] | None = None,
    database: str = DATABASE,
    settings: Mapping[str, str] | None = None,
    links: Links | None = None,
) -> AsyncIterator[Cluster]:
    """A cluster with its files below `folder`; `storage` are the URLs of MongoDB and Redis when they run already.

    `settings` are environment variables of the processes; `links` are proxies to be laid between the parts.
    """
    embedded = None
    if storage is None:
        embedded = await Embedded.start(folder / "storage")
        storage = str(embedded.mongodb_url), str(embedded.redis_url)
    mongodb, redis = storage
    environment = os.environ | {
        "MIXEE_MONGODB_URL": mongodb,
        "MIXEE_REDIS_URL": redis,
        "MIXEE_MONGODB_DATABASE": database,
        "MIXEE_LIMITS": "off",
        "MIXEE_LOG_FORMAT": "text",
        "MIXEE_AUTH_ARGON2_MEMORY_KIB": "19456",  # the cheapest that is allowed: crowds sign in before each run
        "MIXEE_AUTH_ARGON2_PASSES": "2",
        "PYTHONUNBUFFERED": "1",
        **(settings or {}),
    }
    nodes: list[Node] = []
    try:
        for number in range(count):
            own = await links.environment(mongodb, redis) if links else {}
            node = Node(f"node-{number}", program, environment | own, folder)
            node.front = await links.front(node.port) if links else node.url
            nodes.append(node)
        cluster = Cluster(nodes, http, history, storage)
        for node in nodes:
            await cluster.start(node)
        yield cluster
    finally:
        await asyncio.gather(*(node.stop() for node in nodes))
        if links is not None:
            await links.stop()
        if embedded is not None:
            await embedded.stop()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
