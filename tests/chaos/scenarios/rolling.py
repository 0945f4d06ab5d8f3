"""F6: every process of a cluster is stopped in order and started anew, one after the other, under load."""

import time
from dataclasses import dataclass

from tests.chaos.harness import Place, perform
from tests.chaos.plan import Plan
from tests.chaos.scenarios.outcome import Outcome, outcome_of
from tests.chaos.stage import Stage

NAME = "F6 rolling restarts"
RECONNECT_SECONDS = 10.0
"""In this time 99 of 100 clients are back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolling:
    """How many rolling restarts, each of every process, and how long a process may drain."""

    restarts: int = 20
    drain: float = 5.0
    plan: Plan


FULL = Rolling(plan=Plan(messages=120_000, nodes=3, cuts=0.0))
SHORT = Rolling(
    restarts=2, drain=0.5, plan=Plan(messages=1_000, nodes=2, users=12, conversations=6, rate=200.0, cuts=0.0)
)


async def play(options: Rolling, place: Place) -> Outcome:
    """Do it."""
    began = time.monotonic()

    async def script(stage: Stage) -> None:
        for number in range(options.restarts):
            await stage.turn(number, options.restarts)
            stage.fault("rolling restart", "every process")
            for node in stage.cluster.nodes:
                if not await stage.cluster.stop(node):
                    stage.broken.append(f"{node.name} did not end in order")
                await stage.cluster.start(node)

    settings = {"MIXEE_DRAIN_SECONDS": str(options.drain)}
    report, stage = await perform(options.plan, place, script, settings=settings)
    p99 = report.away.quantile(0.99)
    stage.figures["reconnect p99"] = f"{p99:.1f} s (at most {RECONNECT_SECONDS:.0f} s)"
    if p99 > RECONNECT_SECONDS:
        stage.broken.append(f"99 of 100 clients were back after {p99:.1f} s only")
    return outcome_of(NAME, report, stage, time.monotonic() - began)
