"""F12: mixed load for a long time, with the checker behind it, and nothing of the server grows."""

import asyncio
import contextlib
import dataclasses
import time
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.chaos import vitals
from tests.chaos.harness import REQUEST_SECONDS, Place, perform
from tests.chaos.plan import Plan
from tests.chaos.scenarios.outcome import Outcome, outcome_of
from tests.chaos.stage import Stage
from tests.chaos.vitals import MIB, Trend, Vitals

NAME = "F12 soak"
SAMPLE_SECONDS = 5.0
SHARE = 0.10
"""By how much of its mean memory may grow from the first sample to the last."""
LEAST_GROWTH = 16 * MIB
"""Growth of memory below which it says nothing: an allocator's own ways."""
MORE_FILES = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """How long, how much of it warms up, and the load."""

    minutes: float = 30.0
    warm_up: float = 0.2
    """Share of the time before the first sample."""
    aside: float = 20.0
    """Requests a second beside messages: typing, reading, presence, history."""
    more_tasks: float = 20.0
    """Growth of tasks that may be chance: the shorter the run, the more."""
    plan: Plan


FULL = Soak(plan=Plan(messages=0, nodes=2, users=60, conversations=30, members=4, rate=350.0, rest=60.0))
SHORT = Soak(
    minutes=0.15,
    more_tasks=200.0,
    plan=Plan(messages=300, nodes=1, users=16, conversations=6, rate=60.0, window=4),
)


class _Watch:
    """Takes samples of every process, and keeps the people busy with other things than messages."""

    def __init__(self, options: Soak) -> None:
        self._options = options
        self.samples: dict[str, list[Vitals]] = {}

    async def play(self, stage: Stage) -> None:
        """Until the time is over."""
        span = self._options.minutes * 60
        aside = asyncio.create_task(self._aside(stage))
        try:
            await stage.pause(span * self._options.warm_up, span * self._options.warm_up)
            ends = time.monotonic() + span * (1 - self._options.warm_up)
            timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
            every = min(SAMPLE_SECONDS, span / 20)
            async with aiohttp.ClientSession(timeout=timeout) as http:
                while time.monotonic() < ends:
                    for node in stage.cluster.nodes:
                        self.samples.setdefault(node.name, []).append(await vitals.take(node, http))
                    await stage.pause(every, every)
        finally:
            aside.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await aside

    async def _aside(self, stage: Stage) -> None:
        chance = stage.plan.chance("aside")
        while True:
            await asyncio.sleep(1 / self._options.aside)
            courier = chance.choice(stage.crowd.clients).courier
            if not courier.conversations:
                continue
            room = chance.choice(courier.conversations)
            events: dict[str, dict[str, Any]] = {
                "message:typing": {"conversationId": room, "isTyping": chance.random() < 0.5},
                "message:read": {"conversationId": room, "upToSeq": max(1, courier.position(room))},
                "presence:update": {"status": chance.choice(("online", "away"))},
                "presence:friends": {},
                "messages:history": {"conversationId": room, "limit": 20},
            }
            event = chance.choice(list(events))
            courier.aside(event, events[event])


async def play(options: Soak, place: Place) -> Outcome:
    """Do it."""
    began = time.monotonic()
    watch = _Watch(options)
    plan = dataclasses.replace(options.plan, seconds=options.minutes * 60)
    report, stage = await perform(plan, place, watch.play)
    for name, samples in watch.samples.items():
        _judge(name, samples, stage, options.more_tasks)
    return outcome_of(NAME, report, stage, time.monotonic() - began)


def _judge(name: str, samples: list[Vitals], stage: Stage, more_tasks: float) -> None:
    times = [one.at for one in samples]
    memory = vitals.trend(times, [one.rss for one in samples])
    files = vitals.trend(times, [one.files for one in samples])
    tasks = vitals.trend(times, [one.tasks for one in samples])
    stage.figures[f"{name}: memory"] = _words(memory, MIB, "MiB", len(samples))
    stage.figures[f"{name}: descriptors"] = _words(files, 1, "", len(samples))
    stage.figures[f"{name}: tasks"] = _words(tasks, 1, "", len(samples))
    if memory.growth > max(memory.mean * SHARE, LEAST_GROWTH):
        stage.broken.append(f"{name}: memory grew by {memory.growth / MIB:.1f} MiB")
    if files.growth > MORE_FILES:
        stage.broken.append(f"{name}: descriptors grew by {files.growth:.1f}")
    if tasks.growth > more_tasks:
        stage.broken.append(f"{name}: tasks grew by {tasks.growth:.1f}")


def _words(one: Trend, unit: int, name: str, count: int) -> str:
    return (
        (
            f"mean {one.mean / unit:.1f} {name}, slope {one.slope / unit:+.3f} {name} a minute, "
            f"{one.growth / unit:+.1f} {name} over {count} samples"
        )
        .replace("  ", " ")
        .replace(" ,", ",")
    )
