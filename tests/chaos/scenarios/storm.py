"""F7: a process with thousands of clients dies, and all of them come back to the others."""

import time
from collections import Counter
from dataclasses import dataclass

from tests.chaos.flock import Flock, State, flock
from tests.chaos.harness import Place
from tests.chaos.scenarios.outcome import Outcome
from tests.chaos.town import Town, town

NAME = "F7 return after a process's death"
RESUMED_SECONDS = 30.0
PATIENCE_SECONDS = 300.0
CAUGHT_UP_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """How many clients (groups x members x devices), and how often their process dies."""

    nodes: int = 3
    groups: int = 5
    members: int = 100
    devices: int = 10
    deaths: int = 10
    every: float = 1.0
    """Seconds between two messages in each group."""


FULL = Return()
SHORT = Return(nodes=2, groups=2, members=15, devices=10, deaths=1, every=0.5)


async def play(options: Return, place: Place) -> Outcome:
    """Do it: each time all clients are on one process, which dies."""
    began = time.monotonic()
    outcome = Outcome(scenario=NAME, seconds=0.0)
    async with town(place, options.nodes) as here, flock() as birds:
        await here.settle(options.groups, options.members)
        everybody = here.birds(options.devices)
        await birds.fly([here.cluster.nodes[0].front], everybody)
        sessions, slowest = await _all_here(birds, len(everybody), 0), 0.0
        for number in range(options.deaths):
            if number:
                await birds.gather([here.cluster.nodes[number % options.nodes].front])
                sessions = await _all_here(birds, len(everybody), sessions)
            async with here.talking(options.every):
                seconds = await _die(here, birds, number % options.nodes, len(everybody), sessions)
            outcome.faults["kill with all clients"] += 1
            slowest = max(slowest, seconds)
            if seconds > RESUMED_SECONDS:
                outcome.broken.append(f"after death {number + 1} all had resumed only after {seconds:.1f} s")
            sessions = (await birds.state()).sessions
            await here.cluster.start(here.cluster.nodes[number % options.nodes])
        head = min(group.head for group in here.groups)
        if not await birds.until(lambda state: state.least >= head, CAUGHT_UP_SECONDS):
            outcome.broken.append("not every client has every message")
        outcome.found = Counter(await here.found())
        outcome.acked, outcome.deliveries = here.acked, (await birds.state()).heard
    outcome.figures["clients"] = f"{len(everybody):,}"
    outcome.figures["all resumed within"] = f"{slowest:.1f} s (at most {RESUMED_SECONDS:.0f} s)"
    outcome.seconds = time.monotonic() - began
    return outcome


async def _all_here(birds: Flock, count: int, sessions: int) -> int:
    """Wait until everybody has a new session; how many sessions there were then. Raises TimeoutError."""

    def here(state: State) -> bool:
        return state.sessions >= sessions + count and state.resumed == count

    state = await birds.until(here, PATIENCE_SECONDS)
    if state is None:
        raise TimeoutError(f"the clients had not resumed after {PATIENCE_SECONDS:.0f} s")
    return state.sessions


async def _die(here: Town, birds: Flock, which: int, count: int, sessions: int) -> float:
    """Kill one process; seconds until all of its clients have resumed at the others."""
    dying = here.cluster.nodes[which]
    await birds.nodes([node.front for node in here.cluster.nodes if node is not dying])
    began = time.monotonic()
    await here.cluster.kill(dying)
    await _all_here(birds, count, sessions)
    return time.monotonic() - began
