"""F4: the links of server processes to Redis, MongoDB and clients are reset, go dark, are slow, starve and split."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.harness import Place, perform
from tests.chaos.links import KINDS, Kind, Links
from tests.chaos.plan import Plan
from tests.chaos.proxy import Proxy, Weather
from tests.chaos.scenarios.outcome import Outcome, outcome_of
from tests.chaos.stage import Stage

NAME = "F4 TCP links"
RATE = 8_192
"""Bytes a second of a starved link."""
DELAY = (0.05, 0.5)
"""Seconds that a slow link adds to every chunk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFaults:
    """How often each, and how long those last that last."""

    resets: int = 50
    holes: int = 30
    delays: int = 20
    starves: int = 20
    splits: int = 20
    span: tuple[float, float] = (2.0, 10.0)
    kinds: tuple[Kind, ...] = KINDS
    """The links that faults befall, in turn."""
    plan: Plan


FULL = LinkFaults(plan=Plan(messages=160_000, nodes=3, rest=90.0))
SHORT = LinkFaults(
    resets=2,
    holes=2,
    delays=2,
    starves=2,
    splits=2,
    span=(0.5, 1.5),
    plan=Plan(messages=1_200, users=12, conversations=6, rate=300.0, window=16, rest=60.0),
)


class _Script:
    def __init__(self, options: LinkFaults, links: Links) -> None:
        self._options = options
        self._links = links

    async def play(self, stage: Stage) -> None:
        """One fault after the other, in random order, each in one link of one process."""
        options = self._options
        counts = {
            "reset": options.resets,
            "black hole": options.holes,
            "delay": options.delays,
            "starve": options.starves,
            "split": options.splits,
        }
        order = [
            (name, options.kinds[number % len(options.kinds)])
            for name, count in counts.items()
            for number in range(count)
        ]
        stage.chance.shuffle(order)
        for number, (name, kind) in enumerate(order):
            await stage.turn(number, len(order))
            which = stage.chance.randrange(len(self._links.of(kind)))
            stage.fault(f"link {name}", f"{kind} of node-{which}")
            await self._do(name, self._links.of(kind)[which], stage)
            await stage.recovers(f"link {name} to {kind}")

    async def _do(self, name: str, proxy: Proxy, stage: Stage) -> None:
        if name == "reset":
            proxy.reset()
            return
        weathers: dict[str, Callable[[], Weather]] = {
            "black hole": lambda: Weather(dark=True),
            "delay": lambda: Weather(delay=DELAY),
            "starve": lambda: Weather(rate=RATE),
            "split": lambda: Weather(split=True),
        }
        proxy.weather = weathers[name]()
        if name == "black hole":
            proxy.swallow()
        try:
            await stage.pause(*self._options.span)
        finally:
            proxy.clear()


async def play(options: LinkFaults, place: Place) -> Outcome:
    """Do it."""
    began = time.monotonic()
    links = Links()
    report, stage = await perform(options.plan, place, _Script(options, links).play, links=links)
    return outcome_of(NAME, report, stage, time.monotonic() - began)
