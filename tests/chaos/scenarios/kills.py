"""F1: server processes are ended with SIGKILL, at chosen points of the log and at random."""

import time
from dataclasses import dataclass

from tests.chaos.harness import Place, perform
from tests.chaos.hooked import POINTS, SIGNALS
from tests.chaos.plan import Plan
from tests.chaos.scenarios.outcome import Outcome, outcome_of
from tests.chaos.stage import LEAST_DEAD, LONGEST_DEAD, Stage

NAME = "F1 kill -9 of server processes"
POINT_SECONDS = 30.0
"""How long an armed process may live on: until the next message reaches the point."""
PROGRAM = ("-m", "tests.chaos.hooked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kills:
    """How often at each point, and how often at random."""

    point: int = 25
    anywhere: int = 25
    plan: Plan


FULL = Kills(plan=Plan(messages=160_000, nodes=3, program=PROGRAM))
SHORT = Kills(
    point=1,
    anywhere=1,
    plan=Plan(messages=1_500, users=12, conversations=6, rate=400.0, window=16, cuts=0.03, program=PROGRAM),
)


async def play(options: Kills, place: Place) -> Outcome:
    """Do it."""
    began = time.monotonic()
    points = [point for point in POINTS for _ in range(options.point)] + ["anywhere"] * options.anywhere

    async def script(stage: Stage) -> None:
        stage.chance.shuffle(points)
        for number, point in enumerate(points):
            await stage.turn(number, len(points))
            node = stage.chance.choice(stage.cluster.nodes)
            if point == "anywhere":
                await stage.kill(node, point)
                continue
            stage.fault(point, node.name)
            if not await stage.cluster.dies_by(node, SIGNALS[point], POINT_SECONDS):
                stage.broken.append(f"{node.name} did not reach {point} within {POINT_SECONDS:.0f} s")
                await node.kill()
            await stage.pause(LEAST_DEAD, LONGEST_DEAD)
            await stage.cluster.start(node)

    report, stage = await perform(options.plan, place, script)
    return outcome_of(NAME, report, stage, time.monotonic() - began)
