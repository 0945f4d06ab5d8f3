"""T-STORM: thousands of clients lose their connection within seconds, come back, and have to ask for nothing."""

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from pymongo import AsyncMongoClient

from tests.chaos.flock import Flock, flock
from tests.chaos.harness import Place
from tests.chaos.scenarios.outcome import Outcome
from tests.chaos.town import Town, town

NAME = "T-STORM resumes"
ARRIVE_SECONDS = 300.0
BACK_SECONDS = 60.0
MOST_LATE = 2.0
RESUMING = ("log", "conversations", "members", "users", "sessions")
"""Collections from which a client would have to be told what it missed. Who is here is another matter (`presence`)."""


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
    most_questions: float = 0.05
    """Questions to MongoDB for each client that comes back: jobs and those who tell of presence ask some meanwhile."""


FULL = Resumes()
SHORT = Resumes(groups=1, members=10, devices=10, storms=1, span=1.0, most_late=10.0, most_questions=0.2)


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
            await _all_hear(here, birds)
            await birds.measure()
            before, sessions = await _questions(here.cluster.storage[0], place.database), state.sessions
            await birds.scatter(options.span)
            outcome.faults["connection reset"] += count

            def back(one: Any, sessions: int = sessions) -> bool:
                return bool(one.sessions >= sessions + count and one.resumed == count)

            state = await birds.until(back, options.span + BACK_SECONDS)
            if state is None:
                raise TimeoutError("the clients did not come back")
            questions = max(questions, (await _questions(here.cluster.storage[0], place.database) - before) / count)
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
    if questions > options.most_questions:
        outcome.broken.append(f"MongoDB was asked {questions:.2f} times for each client that came back")
    outcome.figures |= {
        "clients": f"{count:,} within {options.span:.0f} s",
        "resume p99": f"{late * 1000:.0f} ms (at most {options.most_late * 1000:.0f} ms)",
        "questions to MongoDB": f"{questions:.3f} a client (at most {options.most_questions})",
    }
    outcome.seconds = time.monotonic() - began
    return outcome


async def _all_hear(here: Town, birds: Flock) -> None:
    """Something is said in every group, and everybody has it: from there on a client can be resumed."""
    async with here.talking(1.0):
        await birds.until(lambda _: all(group.acked for group in here.groups), BACK_SECONDS)
    head = min(group.head for group in here.groups)
    if not await birds.until(lambda state: state.least >= head, BACK_SECONDS):
        raise TimeoutError("not every client heard what was said")


async def _questions(url: str, database: str) -> int:
    """How often this MongoDB was asked for messages, conversations, members, accounts and sign-ins so far."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(url)
    try:
        totals = (await client.admin.command("top"))["totals"]
    finally:
        await client.close()
    found = [totals.get(f"{database}.{name}", {}) for name in RESUMING]
    return sum(one[kind]["count"] for one in found if one for kind in ("queries", "getmore", "commands"))
