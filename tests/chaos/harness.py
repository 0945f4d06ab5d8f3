"""One chaos run from start to end: servers, crowd, faults, rest, forced resume, final reading, report."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp

from tests.chaos.checker import check_file
from tests.chaos.cluster import DATABASE, Cluster, running
from tests.chaos.crowd import Crowd
from tests.chaos.findings import Report
from tests.chaos.history import History, HistoryFile
from tests.chaos.paper import versions
from tests.chaos.people import People
from tests.chaos.plan import Plan

START_SECONDS = 60.0
"""How long the clients may take to be there at the beginning."""
LEAST_DEAD, LONGEST_DEAD = 0.2, 1.5
"""Seconds that a killed process stays away, at least and at most."""
POLL_SECONDS = 0.05
REQUEST_SECONDS = 15.0


class Stuck(Exception):
    """The run does not get on."""


class Run:
    """The parts of a run, while it lasts."""

    def __init__(self, plan: Plan, cluster: Cluster, crowd: Crowd, history: History) -> None:
        self._plan = plan
        self._cluster = cluster
        self._crowd = crowd
        self._history = history
        self._kills = 0
        self._began = time.monotonic()

    async def play(self, people: People) -> None:
        """Load with faults, then rest, then a resume of everybody, then the final reading."""
        clients = self._crowd.clients
        async with _background(client.run() for client in clients):
            await self._until(lambda: self._crowd.online == len(clients), "everybody is online", strict=True)
            await self._load()
            await self._until(self._crowd.settled, "everybody has said everything")
            await self._until(self._crowd.caught_up, "everybody has everything")
            self._history.settled()
            sessions = {client: client.sessions for client in clients}
            for client in clients:
                client.cut()
            await self._until(
                lambda: all(client.sessions > sessions[client] for client in clients) and self._crowd.settled(),
                "everybody has resumed",
            )
            self._history.ended()
            await self._read(people)

    async def _load(self) -> None:
        faults = [self._crowd.lose_connections(), self._crowd.change_members(), self._show()]
        async with _background(faults), asyncio.TaskGroup() as group:
            group.create_task(self._crowd.talk())
            group.create_task(self._kill())

    async def _read(self, people: People) -> None:
        """Read every conversation to the end, in both ways that there are."""
        for room in self._crowd.rooms:
            async for entry in people.log(room.owner, room.id):
                self._history.final(room.id, entry.seq, entry.kind, entry.said)
            async for entry in people.messages(room.owner, room.id):
                self._history.final(room.id, entry.seq, entry.kind, entry.said)

    async def _kill(self) -> None:
        """End one process after the other, whenever another share of the messages is acknowledged."""
        chance = self._plan.chance("kills")
        share = self._plan.messages / (self._plan.kills + 1)
        while self._kills < self._plan.kills:
            wanted = min(share * (self._kills + chance.uniform(0.6, 1.0)), self._plan.messages * 0.99)
            while self._crowd.acked < wanted:
                self._cluster.check()
                await asyncio.sleep(POLL_SECONDS)
            node = chance.choice(self._cluster.nodes)
            self._kills += 1
            await self._cluster.kill(node)
            await asyncio.sleep(chance.uniform(LEAST_DEAD, LONGEST_DEAD))
            await self._cluster.start(node)

    async def _until(self, reached: Callable[[], bool], what: str, *, strict: bool = False) -> None:
        """Wait for it. Not reaching it is the checker's business, unless the run makes no sense without it."""
        patience = START_SECONDS if strict else self._plan.rest
        ends = time.monotonic() + patience
        while not reached():
            self._cluster.check()
            if time.monotonic() > ends:
                if strict:
                    raise Stuck(f"after {patience:.0f} s it is still not so that {what}")
                _say(f"\nafter {patience:.0f} s it is still not so that {what}\n")
                return
            await asyncio.sleep(POLL_SECONDS)

    async def _show(self) -> None:
        """One live line; where nobody watches, a line now and then."""
        before = 0
        start, end, pause = ("\r", "", 1.0) if sys.stderr.isatty() else ("", "\n", 10.0)
        while True:
            await asyncio.sleep(pause)
            acked = self._crowd.acked
            _say(
                f"{start}{time.monotonic() - self._began:5.0f} s  "
                f"acked {acked:,} of {self._plan.messages:,} ({(acked - before) / pause:,.0f}/s)  "
                f"kills {self._kills} of {self._plan.kills}  "
                f"online {self._crowd.online} of {len(self._crowd.clients)}  "
                f"on their way {self._crowd.pending} {end}"
            )
            before = acked


async def run(plan: Plan, folder: Path, *, storage: tuple[str, str] | None = None, database: str = DATABASE) -> Report:
    """Do a run with its files below `folder`, and check its history.

    `storage` are the URLs of MongoDB and Redis when they run already. Raises Stuck or NotReady when the run fails
    before it says anything about the server's promises.
    """
    file = folder / "history.jsonl"
    began = time.monotonic()
    timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as http:
        with HistoryFile(file) as sink:
            history = History(sink.write, lambda: time.monotonic() - began)
            async with running(
                folder, plan.program, plan.nodes, http=http, history=history, storage=storage, database=database
            ) as cluster:
                people = People(http, cluster.urls, plan.chance("people"))
                crowd = Crowd(plan, people, history)
                await crowd.gather(http, cluster.urls)
                one = Run(plan, cluster, crowd, history)
                await one.play(people)
                ran = await versions(*cluster.storage)
    report = check_file(file)
    report.ran = ran
    return report


@contextlib.asynccontextmanager
async def _background(work: Any) -> AsyncIterator[None]:
    """Let these run until the block ends. When one of them fails, the block fails."""
    coroutines: list[Coroutine[Any, Any, None]] = list(work)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in coroutines]
        yield
        for task in tasks:
            task.cancel()


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
