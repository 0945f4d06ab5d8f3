"""F8: some clients stop reading in the middle of group traffic, and neither the server nor the others suffer."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass

import aiohttp

from tests.chaos import vitals
from tests.chaos.flock import Flock, flock
from tests.chaos.harness import Place
from tests.chaos.scenarios.outcome import Outcome
from tests.chaos.town import Town, town
from tests.chaos.vitals import MIB

NAME = "F8 stalled readers"
GONE_SECONDS = 45.0
MOST_GROWTH = 64 * MIB
SLOWER = 2.0
"""How many times as late the others may be."""
ARRIVE_SECONDS = 300.0
CAUGHT_UP_SECONDS = 60.0
SAMPLE_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Stalls:
    """How many clients (members x devices), how many stall, how long is measured."""

    members: int = 400
    devices: int = 5
    stalled: int = 200
    every: float = 0.5
    size: int = 2_000
    """Characters of a message."""
    span: float = 60.0
    """Seconds for which is measured, each time."""
    least_late: float = 0.1
    """Seconds below which a delay says nothing: the machine's own."""
    ping: tuple[float, float] = (25.0, 20.0)


FULL = Stalls()
SHORT = Stalls(members=12, devices=5, stalled=10, every=0.05, span=3.0, least_late=2.0, ping=(3.0, 3.0))


async def play(options: Stalls, place: Place) -> Outcome:
    """Do it, with all clients on one process."""
    began = time.monotonic()
    outcome = Outcome(scenario=NAME, seconds=0.0)
    settings = {"MIXEE_PING_INTERVAL": str(options.ping[0]), "MIXEE_PING_TIMEOUT": str(options.ping[1])}
    async with town(place, 1, settings=settings) as here, flock() as birds:
        await here.settle(1, options.members)
        everybody = here.birds(options.devices)
        await birds.fly(here.cluster.urls, everybody, small=options.stalled)
        if not await birds.until(lambda state: state.resumed == len(everybody), ARRIVE_SECONDS):
            raise TimeoutError(f"the clients did not arrive within {ARRIVE_SECONDS:.0f} s")
        async with here.talking(options.every, options.size):
            await asyncio.sleep(options.span / 2)  # the server has made all its buffers by then
            await birds.measure()
            await asyncio.sleep(options.span)
            calm = await birds.state()
            before = await vitals.take(here.cluster.nodes[0], here.http)
            await birds.stall(options.stalled)
            await birds.measure()
            outcome.faults["stalled reader"] = options.stalled
            gone, most = await _watch(here, len(everybody) - options.stalled, options.span)
            trouble = await birds.state()
        await _judge_others(here, birds, outcome)
        outcome.deliveries = calm.heard + trouble.heard
    limit = max(SLOWER * calm.p99, options.least_late)
    outcome.figures |= {
        "clients": f"{len(everybody):,}",
        "memory": f"+{(most - before.rss) / MIB:.1f} MiB (at most {MOST_GROWTH / MIB:.0f} MiB)",
        "healthy p99": f"{trouble.p99 * 1000:.0f} ms, {calm.p99 * 1000:.0f} ms before (at most {limit * 1000:.0f} ms)",
        "stalled gone": f"after {gone:.1f} s (at most {GONE_SECONDS:.0f} s)",
    }
    if most - before.rss > MOST_GROWTH:
        outcome.broken.append(f"memory grew by {(most - before.rss) / MIB:.1f} MiB")
    if trouble.p99 > limit:
        outcome.broken.append(f"others waited {trouble.p99:.3f} s where they had waited {calm.p99:.3f} s")
    if gone > GONE_SECONDS:
        outcome.broken.append(f"stalled readers were still there after {gone:.0f} s")
    outcome.seconds = time.monotonic() - began
    return outcome


async def _watch(here: Town, left: int, span: float) -> tuple[float, int]:
    """Watch the server: seconds until only so many clients are left, and the most memory that it had."""
    began, most, gone = time.monotonic(), 0, 0.0
    while not gone or time.monotonic() - began < span:
        try:
            now = await vitals.take(here.cluster.nodes[0], here.http)
        except (aiohttp.ClientError, TimeoutError):
            continue  # a busy server; how long it takes is what is measured
        most = max(most, now.rss)
        if not gone and (now.connections <= left or now.at - began > 2 * GONE_SECONDS):
            gone = now.at - began
        await asyncio.sleep(SAMPLE_SECONDS)
    return gone, most


async def _judge_others(here: Town, birds: Flock, outcome: Outcome) -> None:
    """Everybody who reads has everything, and the log holds what was acknowledged."""
    head = here.groups[0].head
    if not await birds.until(lambda state: state.least >= head, CAUGHT_UP_SECONDS):
        outcome.broken.append("not every healthy client has every message")
    outcome.found = Counter(await here.found())
    outcome.acked = here.acked
