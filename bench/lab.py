"""Where benchmarks take place: storage, servers, people who may come in, and the cores that keep them apart."""

import argparse
import base64
import os
import resource
import secrets
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench.machine import cores
from bench.peers import ejabberd, floor, mixee, node, stock
from bench.peers.ejabberd import Ejabberd, NoEjabberd
from bench.peers.floor import Floor, NoCompiler
from bench.peers.node import NoNode
from bench.peers.peer import Guest, Peer
from bench.programs import Program
from crypto.ids import new_id
from crypto.tokens import Claims, SigningKey, sign
from storage.embedded import Embedded
from storage.mongo import Mongo
from storage.redis import connect

PEERS = ("node", "stock", "floor", "ejabberd")
P = TypeVar("P", bound=Peer)
MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""Bytes that must be free in memory before data is kept there."""
HOLDING_SECONDS = 600.0
"""How long thousands may take to connect."""


@dataclass(frozen=True, slots=True)
class Options:
    """How much is measured. `without` names servers that are left out; `storage` is MongoDB and Redis that run."""

    seconds: float = 1.5
    rounds: int = 3
    quick: bool = False
    write: bool = False
    without: frozenset[str] = frozenset()
    storage: tuple[str, str] | None = None
    connections: int = 10_000
    """Idle ones, to each server."""
    note: str = ""
    """What else is to be said of the run."""
    data: Path | None = None
    """Where our own MongoDB keeps its data; None: in memory if there is room."""

    @property
    def settle(self) -> float:
        """Seconds to let clients hear their greetings before anything is measured."""
        return 0.1 if self.quick else 1.0

    def sized(self, usual: int, tiny: int) -> int:
        """A size: `usual`, or `tiny` in a quick run."""
        return tiny if self.quick else usual


def parse(arguments: Sequence[str] | None, description: str) -> Options:
    """The options of a command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seconds", type=float, help="how long each single measurement takes (1.5)")
    parser.add_argument("--rounds", type=int, help="how often each is repeated, the servers in turn (3)")
    parser.add_argument("--quick", action="store_true", help="tiny numbers: whether it runs, not how fast")
    parser.add_argument("--write", action="store_true", help="put the outcome into bench/RESULTS.md")
    parser.add_argument("--without", nargs="*", default=[], choices=PEERS, help="leave servers out")
    parser.add_argument("--connections", type=int, default=10_000, help="idle ones, to each server (10000)")
    parser.add_argument("--note", default="", help="what else is to be said of the run, for bench/RESULTS.md")
    parser.add_argument("--mongodb", help="URL of a replica set to use; without one it is started, and Redis too")
    parser.add_argument("--redis", help="URL of a Redis to use")
    parser.add_argument(
        "--data", type=Path, help="folder for the data of our own MongoDB (in memory, if there is room)"
    )
    given = parser.parse_args(arguments)
    if (given.mongodb is None) != (given.redis is None):
        parser.error("--mongodb and --redis go together")
    return Options(
        seconds=given.seconds or (0.2 if given.quick else 1.5),
        rounds=given.rounds or (1 if given.quick else 3),
        quick=given.quick,
        write=given.write,
        without=frozenset(given.without),
        storage=(given.mongodb, given.redis) if given.mongodb else None,
        data=given.data,
        connections=given.connections,
        note=given.note,
    )


class Lab:
    """Use it as a context: at its end nothing is left running.

    The process that enters it becomes the generator and stays on the last core, with MongoDB and Redis; servers get
    the first one.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.missing: list[str] = []
        """Why servers are not measured that should be."""
        self.servers, self.generator = cores()
        self._key = SigningKey.named_by_itself(secrets.token_bytes(32))
        self._stack = AsyncExitStack()
        self._running: list[Program] = []
        self._shared: dict[str, Peer] = {}
        """Servers that a quick run uses for every benchmark, since starting them takes most of its time."""
        self.database = f"mixee_bench_{secrets.token_hex(4)}"
        self._affinity = os.sched_getaffinity(0)
        self._guests: list[Guest] = []
        self._holders = 0
        self.storage_pids: list[int] = []
        """MongoDB's and Redis's processes, when they are our own."""
        self.on_disk = True
        self.storage = ("", "")

    async def __aenter__(self) -> "Lab":
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        os.sched_setaffinity(0, {self.generator})
        try:
            parent = self.options.data or _in_memory()
            self.on_disk = parent != MEMORY
            folder = tempfile.TemporaryDirectory(prefix="mixee-bench-", dir=parent)
            self.folder = Path(self._stack.enter_context(folder))
            self.storage = self.options.storage or await self._start_storage()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()
        for peer in self._shared.values():
            peer.stop()
        if self.options.storage:
            await self._leave_no_trace()
        await self._stack.aclose()
        os.sched_setaffinity(0, self._affinity)

    async def mixee(self, *, workers: int = 1, name: str = mixee.NAME) -> Peer:
        """A Mixee server; all of one lab share a database."""

        async def start() -> Peer:
            return await mixee.start(
                self.folder,
                on=self.servers[:workers],
                storage=self.storage,
                database=self.database,
                seed=base64.b64encode(self._key.seed).decode(),
                workers=workers,
                name=name,
            )

        return await self._server(f"{name} {workers}", start)

    async def stock(self) -> Peer | None:
        """Stock python-socketio, unless it is left out."""
        if "stock" in self.options.without:
            return None
        return await self._server(stock.NAME, lambda: stock.start(self.folder, on=self.servers[:1], key=self._public()))

    async def node(self, *, durable: bool = False) -> Peer | None:
        """Socket.IO on Node, unless it is left out or cannot be had."""
        if "node" in self.options.without:
            return None
        try:
            peer = await node.start(
                self.folder, on=self.servers[:1], key=self._public(), storage=self.storage if durable else None
            )
        except NoNode as error:
            self.missing.append(str(error))
            return None
        return self._kept(peer)

    async def floor(self, *, members: int, small: int, frame: int) -> Floor | None:
        """The C program, unless it is left out or cannot be built."""
        if "floor" in self.options.without:
            return None
        try:
            peer = await floor.start(self.folder, on=self.servers[:1], members=members, small=small, frame=frame)
        except NoCompiler as error:
            self.missing.append(str(error))
            return None
        return self._kept(peer)

    async def ejabberd(self) -> Ejabberd | None:
        """ejabberd, unless it is left out or not installed."""
        if "ejabberd" in self.options.without:
            return None
        try:
            return self._kept(await ejabberd.start(self.folder, on=self.servers[:1]))
        except NoEjabberd as error:
            self.missing.append(str(error))
            return None

    async def guests(self, through: Peer, count: int) -> list[Guest]:
        """So many people with accounts; those of before are among them."""
        if len(self._guests) < count:
            self._guests += await mixee.register(through, count - len(self._guests))
        return self._guests[:count]

    def strangers(self, count: int) -> list[Guest]:
        """So many people with valid tokens, each with an id of his own, for whom nothing is kept."""
        now = datetime.now(UTC)
        return [
            Guest(
                who := new_id(),
                sign(
                    Claims(
                        sub=who,
                        email=f"{who}@example.com",
                        role="user",
                        scope=("chat:read", "chat:write", "presence:read", "presence:write", "user:read"),
                        iat=now,
                        exp=now + timedelta(days=1),
                        aud="mixee",
                        iss="mixee",
                        sid=new_id(),
                        did=new_id(),
                        jti=new_id(),
                    ),
                    self._key,
                ),
            )
            for _ in range(count)
        ]

    async def hold(self, peer: Peer, count: int) -> None:
        """Let so many strangers connect to a server and stay, in a process of their own on the generator's core."""
        self._holders += 1
        auths = self.folder / f"auths-{self._holders}"
        auths.write_bytes(b"\n".join(peer.auth(one) for one in self.strangers(count)))
        command = [sys.executable, "-m", "bench.holder", str(peer.port), str(auths)]
        holder = Program.start(
            f"holder-{self._holders}", command, folder=self.folder, on=[self.generator], more={"PYTHONUNBUFFERED": "1"}
        )
        self._running.append(holder)
        await holder.ready(lambda: holder.said().endswith("in\n"), seconds=HOLDING_SECONDS)

    def clear(self) -> None:
        """End every server and holder, those that came last first. Storage, guests and what is shared stay."""
        while self._running:
            self._running.pop().stop()

    def end(self, peer: Peer) -> None:
        """End a server before the benchmark ends, unless it is shared."""
        if peer not in self._shared.values():
            peer.stop()

    async def _server(self, name: str, start: Callable[[], Awaitable[Peer]]) -> Peer:
        if not self.options.quick:
            return self._kept(await start())
        if name not in self._shared:
            self._shared[name] = await start()
        return self._shared[name]

    def _kept(self, peer: P) -> P:
        self._running += peer.programs
        return peer

    def _public(self) -> str:
        return self._key.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    async def _leave_no_trace(self) -> None:
        """Empty a storage that is not ours."""
        mongo, redis = Mongo(self.storage[0], self.database), connect(self.storage[1])
        try:
            await mongo.drop()
            async for key in redis.scan_iter(match=f"mixee:{self.database}:*", count=1000):
                await redis.delete(key)
        finally:
            await mongo.close()
            await redis.aclose()

    async def _start_storage(self) -> tuple[str, str]:
        embedded = await Embedded.start(self.folder / "storage", progress=lambda _: None)
        self._stack.push_async_callback(embedded.stop)
        self.storage_pids = list(embedded.pids().values())
        return str(embedded.mongodb_url), str(embedded.redis_url)


def _in_memory() -> Path | None:
    """The folder that is kept in memory, if it has room: a disk's fsync would hide what servers cost."""
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM else None
