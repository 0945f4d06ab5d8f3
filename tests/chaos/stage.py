"""What a script of faults has in its hands while the load goes on: the cluster, the progress, and a place for notes."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import aiohttp

from tests.chaos.cluster import Cluster, Node
from tests.chaos.crowd import Crowd
from tests.chaos.history import History
from tests.chaos.plan import Plan

READY_AGAIN_SECONDS = 60.0
"""How long after a fault every process may take to be ready again, on a machine that may be busy."""
POLL_SECONDS = 0.1
LEAST_DEAD, LONGEST_DEAD = 0.2, 1.5
"""Seconds that a killed process stays away, at least and at most."""


class Stage:
    """One run, as its script sees it."""

    def __init__(
        self, plan: Plan, cluster: Cluster, crowd: Crowd, history: History, http: aiohttp.ClientSession
    ) -> None:
        self.plan = plan
        self.cluster = cluster
        self.crowd = crowd
        self.chance: random.Random = plan.chance("faults")
        self.broken: list[str] = []
        """Bounds that were not held, each as a sentence."""
        self.figures: dict[str, str] = {}
        """What was measured."""
        self.faults = 0
        self._history = history
        self._http = http

    def fault(self, what: str, where: str) -> None:
        """A fault is put in now."""
        self.faults += 1
        self._history.fault(what, where)

    async def turn(self, number: int, count: int) -> None:
        """Wait until it is time for fault `number` of `count`, by the share of the messages that are acknowledged."""
        share = self.plan.messages / (count + 1)
        wanted = min(share * (number + self.chance.uniform(0.6, 1.0)), self.plan.messages * 0.99)
        while self.crowd.acked < wanted:
            self.cluster.check()
            await asyncio.sleep(POLL_SECONDS)

    async def pause(self, least: float, most: float) -> float:
        """Let a random time pass; how long it was."""
        seconds = self.chance.uniform(least, most)
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            self.cluster.check()
            await asyncio.sleep(min(left, 1.0))
        return seconds

    async def kill(self, node: Node, what: str = "kill") -> None:
        """Kill a process and start it again."""
        self.fault(what, node.name)
        await self.cluster.kill(node)
        await self.pause(LEAST_DEAD, LONGEST_DEAD)
        await self.cluster.start(node)

    async def recovers(self, after: str) -> None:
        """Wait until every process says that it is ready; note it when that takes too long."""
        began = time.monotonic()
        for node in self.cluster.nodes:
            while not await self._ready(node):
                self.cluster.check()
                if time.monotonic() - began > READY_AGAIN_SECONDS:
                    self.broken.append(f"{node.name} was not ready {READY_AGAIN_SECONDS:.0f} s after {after}")
                    return
                await asyncio.sleep(POLL_SECONDS)

    async def _ready(self, node: Node) -> bool:
        try:
            async with self._http.get(f"{node.url}/readyz") as response:
                return response.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False


Script = Callable[[Stage], Awaitable[None]]
"""The faults of a run, one after the other, and whatever is measured beside them."""


async def random_kills(stage: Stage) -> None:
    """As many kills as the plan wants, of one process after the other."""
    for number in range(stage.plan.kills):
        await stage.turn(number, stage.plan.kills)
        await stage.kill(stage.chance.choice(stage.cluster.nodes))
