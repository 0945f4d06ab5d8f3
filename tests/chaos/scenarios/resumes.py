"""T-STORM: thousands of clients lose their connection within seconds, come back, and have to ask for nothing."""

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from pymongo import AsyncMongoClient

from tests.chaos.flock import flock
from tests.chaos.harness import Place
from tests.chaos.scenarios.outcome import Outcome
from tests.chaos.town import town

NAME = "T-STORM resumes"
ARRIVE_SECONDS = 300.0
BACK_SECONDS = 60.0
MOST_LATE = 2.0
MOST_QUESTIONS = 0.05
"""Questions to MongoDB for each client that comes back: the jobs that run meanwhile ask some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumes:
    """How many clients (groups x members x devices), and within how many seconds they all drop."""

    nodes: int = 2
    groups: int = 3
    members: int = 100
    devices: int = 10
    storms: int = 3
    span: float = 10.0
    most_late: float = MOST_LATE


FULL = Resumes()
SHORT = Resumes(groups=1, members=10, devices=10, storms=1, span=1.0, most_late=10.0)


async def play(options: Resumes, place: Place) -> Outcome:
    """Do it, after something was said in every group that nobody misses."""
    began = time.monotonic()
    outcome = Outcome(scenario=NAME, seconds=0.0)
    async with town(place, options.nodes) as here, flock() as birds:
        await here.settle(options.groups, options.members)
        everybody = here.birds(options.devices)
        count = len(everybody)
        await birds.fly(here.cluster.urls, everybody, recovering=True)
        state = await birds.until(lambda state: state.resumed == count, ARRIVE_SECONDS)
        if state is None:
            raise TimeoutError(f"the clients did not arrive within {ARRIVE_SECONDS:.0f} s")
        late, questions = 0.0, 0.0
        for _ in range(options.storms):
            async with here.talking(options.span):
                pass
            await birds.measure()
            before, sessions = await _questions(here.cluster.storage[0]), state.sessions
            await birds.scatter(options.span)
            outcome.faults["connection reset"] += count

            def back(one: Any, sessions: int = sessions) -> bool:
                return bool(one.sessions >= sessions + count and one.resumed == count)

            state = await birds.until(back, options.span + BACK_SECONDS)
            if state is None:
                raise TimeoutError("the clients did not come back")
            questions = max(questions, (await _questions(here.cluster.storage[0]) - before) / count)
            late = max(late, state.return_p99)
            if state.recovered < count:
                outcome.broken.append(f"{count - state.recovered} clients had to sync")
        head = min(group.head for group in here.groups)
        if not await birds.until(lambda state: state.least >= head, BACK_SECONDS):
            outcome.broken.append("not every client has every message")
        outcome.found = Counter(await here.found())
        outcome.acked, outcome.deliveries = here.acked, (await birds.state()).heard
    if late > options.most_late:
        outcome.broken.append(f"resuming took {late:.2f} s at the 99th percentile")
    if questions > MOST_QUESTIONS:
        outcome.broken.append(f"MongoDB was asked {questions:.2f} times for each client that came back")
    outcome.figures |= {
        "clients": f"{count:,} within {options.span:.0f} s",
        "resume p99": f"{late * 1000:.0f} ms (at most {options.most_late * 1000:.0f} ms)",
        "questions to MongoDB": f"{questions:.3f} a client (at most {MOST_QUESTIONS})",
    }
    outcome.seconds = time.monotonic() - began
    return outcome


async def _questions(url: str) -> int:
    """Questions that this MongoDB was asked so far: finds and aggregations, not its own and not writes."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(url)
    try:
        status = await client.admin.command("serverStatus")
    finally:
        await client.close()
    commands = status["metrics"]["commands"]
    return int(commands["find"]["total"]) + int(commands["aggregate"]["total"])
