"""One chaos run from start to end: servers, crowd, faults, rest, forced resume, final reading, report."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.chaos.checker import check_file
from tests.chaos.cluster import DATABASE, running
from tests.chaos.crowd import Crowd
from tests.chaos.findings import Report
from tests.chaos.history import History, HistoryFile
from tests.chaos.links import Links
from tests.chaos.paper import versions
from tests.chaos.people import People
from tests.chaos.plan import Plan
from tests.chaos.stage import Script, Stage, random_kills

START_SECONDS = 60.0
"""How long the clients may take to be there at the beginning."""
STUCK_SECONDS = 240.0
"""How long nothing at all may be acknowledged under load: longer than any fault lasts."""
POLL_SECONDS = 0.05
REQUEST_SECONDS = 15.0


class Stuck(Exception):
    """The run does not get on."""


class Run:
    """The parts of a run, while it lasts."""

    def __init__(self, stage: Stage, script: Script, history: History) -> None:
        self._stage = stage
        self._plan = stage.plan
        self._cluster = stage.cluster
        self._crowd = stage.crowd
        self._script = script
        self._history = history
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
        faults = [
            self._crowd.lose_connections(),
            self._crowd.change_members(),
            self._show(),
            advancing(lambda: self._crowd.acked, STUCK_SECONDS),
        ]
        async with _background(faults), asyncio.TaskGroup() as group:
            script = group.create_task(self._play_script())
            group.create_task(self._crowd.talk(lambda: not script.done()))

    async def _play_script(self) -> None:
        await self._script(self._stage)

    async def _read(self, people: People) -> None:
        """Read every conversation to the end, in both ways that there are."""
        for room in self._crowd.rooms:
            async for entry in people.log(room.owner, room.id):
                self._history.final(room.id, entry.seq, entry.kind, entry.said)
            async for entry in people.messages(room.owner, room.id):
                self._history.final(room.id, entry.seq, entry.kind, entry.said)

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
                f"faults {self._stage.faults}  "
                f"online {self._crowd.online} of {len(self._crowd.clients)}  "
                f"on their way {self._crowd.pending} {end}"
            )
            before = acked


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a run happens."""

    folder: Path
    """For histories, logs and data."""
    storage: tuple[str, str] | None = None
    """The URLs of MongoDB and Redis, when they run already."""
    database: str = DATABASE


async def perform(
    plan: Plan,
    place: Place,
    script: Script,
    *,
    settings: Mapping[str, str] | None = None,
    links: Links | None = None,
) -> tuple[Report, Stage]:
    """Do a run, check its history, and hand over what the script noted.

    Raises Stuck or NotReady when the run fails before it says anything about the server's promises.
    """
    file = place.folder / "history.jsonl"
    began = time.monotonic()
    timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as http:
        with HistoryFile(file) as sink:
            history = History(sink.write, lambda: time.monotonic() - began)
            async with running(
                place.folder,
                plan.program,
                plan.nodes,
                http=http,
                history=history,
                storage=place.storage,
                database=place.database,
                settings=settings,
                links=links,
            ) as cluster:
                people = People(http, cluster.urls, plan.chance("people"))
                crowd = Crowd(plan, people, history)
                await crowd.gather(http, cluster.urls)
                stage = Stage(plan, cluster, crowd, history, http)
                await Run(stage, script, history).play(people)
                ran = await versions(*cluster.storage)
    report = await asyncio.to_thread(check_file, file)
    report.ran = ran
    return report, stage


async def run(plan: Plan, folder: Path, *, storage: tuple[str, str] | None = None, database: str = DATABASE) -> Report:
    """A run whose faults are random kills of server processes. Raises Stuck or NotReady."""
    report, _ = await perform(plan, Place(folder=folder, storage=storage, database=database), random_kills)
    return report


async def advancing(count: Callable[[], int], patience: float) -> None:
    """Watch that a count grows, until cancelled. Raises Stuck when it has not for `patience` seconds."""
    before, since = count(), time.monotonic()
    while True:
        await asyncio.sleep(min(1.0, patience / 4))
        now = time.monotonic()
        if count() != before:
            before, since = count(), now
        elif now - since > patience:
            raise Stuck(f"nothing was acknowledged for {patience:.0f} s; it stands at {before:,}")


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
