"""A cluster with groups of people, one of whom talks in each: the ground on which flocks are tested."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import aiohttp

from tests.chaos.cluster import Cluster, running
from tests.chaos.harness import REQUEST_SECONDS, Place
from tests.chaos.history import History, Record
from tests.chaos.people import Account, People
from tests.chaos.plan import Plan

REGISTER_AT_ONCE = 8
POLL_SECONDS = 0.1


@dataclass(slots=True)
class Group:
    """One conversation, its talker, and what was acknowledged of what was said, in order."""

    id: str
    talker: Account
    members: list[Account]
    acked: dict[str, int] = field(default_factory=dict)
    """Places in the log, by the ids of messages."""

    @property
    def head(self) -> int:
        """The youngest place that was acknowledged."""
        return max(self.acked.values(), default=0)


class Town:
    """The cluster, its people, and what they say."""

    def __init__(self, cluster: Cluster, people: People, http: aiohttp.ClientSession) -> None:
        self.cluster = cluster
        self.people = people
        self.http = http
        self.groups: list[Group] = []

    @property
    def acked(self) -> int:
        """Messages that were acknowledged."""
        return sum(len(group.acked) for group in self.groups)

    async def register(self, prefix: str, count: int) -> list[Account]:
        """New accounts."""
        found: list[Account] = []
        for start in range(0, count, REGISTER_AT_ONCE):
            names = [f"{prefix}{number:05d}" for number in range(start, min(start + REGISTER_AT_ONCE, count))]
            found += await asyncio.gather(*(self.people.register(name) for name in names))
        return found

    async def settle(self, groups: int, members: int) -> None:
        """Make groups, each with a talker beside its members."""
        for number in range(groups):
            talker, *others = await self.register(f"town{number:02d}x", members + 1)
            conversation = await self.people.group(talker, f"Group {number}", others)
            self.groups.append(Group(conversation, talker, others))

    def birds(self, devices: int) -> list[tuple[str, str]]:
        """Token and conversation of every device, with so many devices for each member."""
        accounts = [(one.token, group.id) for group in self.groups for one in group.members]
        return [one for _ in range(devices) for one in accounts]

    @asynccontextmanager
    async def talking(self, every: float, size: int = 0) -> AsyncIterator[None]:
        """In each group something is said each so many seconds, `size` characters long, until the block ends."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for group in self.groups:
                tasks.create_task(self._talk(group, every, size, stop))
            try:
                yield
            finally:
                stop.set()

    async def _talk(self, group: Group, every: float, size: int, stop: asyncio.Event) -> None:
        while not stop.is_set():
            said = f"said-{len(group.acked) + 1:06d}"
            content = f"{time.monotonic():.4f} {'x' * size}."
            group.acked[said] = await self.people.say(group.talker, group.id, said, content)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every)

    async def found(self) -> Counter[str]:
        """Read every log to the end; what does not agree with what was acknowledged, by the checker's names."""
        found: Counter[str] = Counter()
        for group in self.groups:
            places: dict[str, list[int]] = {}
            async for entry in self.people.log(group.talker, group.id):
                if entry.said is not None:
                    places.setdefault(entry.said.id, []).append(entry.seq)
            found["lost-write"] += sum(group.acked[said] not in places.get(said, ()) for said in group.acked)
            found["duplicate"] += sum(len(seqs) - 1 for seqs in places.values())
            seqs = list(group.acked.values())
            found["nonmonotonic-send"] += sum(later <= before for before, later in pairwise(seqs))
        return +found


@asynccontextmanager
async def town(place: Place, nodes: int, *, settings: Mapping[str, str] | None = None) -> AsyncIterator[Town]:
    """A cluster without people, until the block ends."""
    plan = Plan()
    timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
    ignored: list[Record] = []
    async with (
        aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as http,
        running(
            place.folder,
            plan.program,
            nodes,
            http=http,
            history=History(ignored.append, time.monotonic),
            storage=place.storage,
            database=place.database,
            settings=settings,
        ) as cluster,
    ):
        yield Town(cluster, People(http, cluster.urls, plan.chance("people")), http)
