"""Connections come and are aborted, half of them in the middle of the handshake, and nothing of them stays."""

import asyncio
import time
from dataclasses import dataclass

import aiohttp

from tests.chaos import vitals
from tests.chaos.flock import Flock, flock
from tests.chaos.harness import Place
from tests.chaos.scenarios.outcome import Outcome
from tests.chaos.storms import Storm
from tests.chaos.town import Town, town
from tests.chaos.vitals import MIB, Vitals

NAME = "connect and abort"
BACK_SECONDS = 60.0
"""How long the server may take to be as it was."""
SAMPLE_SECONDS = 0.5
MORE_FILES = 8
MORE_TASKS = 8
MOST_POOLED = 200
"""Connections to storage that the pools may have, at the very most."""
MEMORY = 1.10
"""Resident memory at the end, as a multiple of the beginning, or `LEAST_MEMORY` more if that is more."""
LEAST_MEMORY = 32 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Aborts:
    """How many cycles, before which as many others warm the server up."""

    cycles: int = 100_000
    warm_up: int = 5_000
    at_once: int = 50
    people: int = 20


FULL = Aborts()
SHORT = Aborts(cycles=1_000, warm_up=100, at_once=20, people=16)


async def play(options: Aborts, place: Place) -> Outcome:
    """Do it against one process."""
    began = time.monotonic()
    outcome = Outcome(scenario=NAME, seconds=0.0)
    settings = {"MIXEE_PRESENCE_GRACE_SECONDS": "1"}
    async with town(place, 1, settings=settings) as here, flock() as birds:
        tokens = [one.token for one in await here.register("storm", options.people)]
        idle = await _quiet(here, None)
        await _storm(here, birds, options, options.warm_up, tokens)
        before = await _quiet(here, idle)
        ends = await _storm(here, birds, options, options.cycles, tokens)
        after = await _quiet(here, before)
        outcome.faults.update({f"abort: {where}": count for where, count in ends.items()})
    most = max(before.rss * MEMORY, before.rss + LEAST_MEMORY)
    outcome.figures |= {
        "cycles": f"{sum(ends.values()):,}",
        "before": before.text(),
        "after": after.text(),
    }
    if ends.get("not reached", 0) > options.cycles // 100:
        outcome.broken.append(f"{ends['not reached']} connections did not come as far as they should")
    if after.connections > before.connections:
        outcome.broken.append(f"{after.connections - before.connections} connections stayed")
    if after.files > before.files + MORE_FILES:
        outcome.broken.append(f"{after.files - before.files} descriptors stayed")
    if after.pooled > MOST_POOLED:
        outcome.broken.append(f"{after.pooled} connections to storage")
    if after.tasks > before.tasks + MORE_TASKS:
        outcome.broken.append(f"{after.tasks - before.tasks} tasks stayed")
    if after.rss > most:
        outcome.broken.append(f"memory stayed at {after.rss / MIB:.0f} MiB, it was {before.rss / MIB:.0f} MiB")
    outcome.seconds = time.monotonic() - began
    return outcome


async def _storm(here: Town, birds: Flock, options: Aborts, count: int, tokens: list[str]) -> dict[str, int]:
    return await birds.abort(Storm(count, options.at_once, here.cluster.nodes[0].front, tokens))


async def _quiet(here: Town, baseline: Vitals | None) -> Vitals:
    """The process when it has come to rest: not above the baseline any more, or as it is when patience ends."""
    ends = time.monotonic() + BACK_SECONDS
    while True:
        try:
            now = await vitals.take(here.cluster.nodes[0], here.http)
        except (aiohttp.ClientError, TimeoutError):
            await asyncio.sleep(SAMPLE_SECONDS)
            continue
        rested = baseline is None or (
            now.connections <= baseline.connections
            and now.files <= baseline.files + MORE_FILES
            and now.tasks <= baseline.tasks + MORE_TASKS
        )
        if rested or time.monotonic() > ends:
            return now
        await asyncio.sleep(SAMPLE_SECONDS)
