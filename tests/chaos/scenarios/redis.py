"""F2: Redis is killed, stands still, forgets everything, and cuts its subscribers off."""

import time
from dataclasses import dataclass

from storage.embedded import Embedded
from tests.chaos.harness import Place, perform
from tests.chaos.plan import Plan
from tests.chaos.redis_server import OwnRedis, own_redis
from tests.chaos.scenarios.outcome import Outcome, outcome_of
from tests.chaos.stage import Stage

NAME = "F2 Redis"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisFaults:
    """How often each, and how long Redis stands still at most."""

    kills: int = 30
    freezes: int = 20
    flushes: int = 10
    cuts: int = 50
    overflows: int = 10
    longest: float = 30.0
    dead: tuple[float, float] = (0.1, 3.0)
    plan: Plan


FULL = RedisFaults(plan=Plan(messages=160_000, nodes=3, rest=60.0))
SHORT = RedisFaults(
    kills=3,
    freezes=3,
    flushes=3,
    cuts=3,
    overflows=3,
    longest=1.5,
    dead=(0.1, 0.5),
    plan=Plan(messages=1_500, users=12, conversations=6, rate=300.0, window=16),
)


class _Script:
    def __init__(self, options: RedisFaults, redis: OwnRedis) -> None:
        self._options = options
        self._redis = redis

    async def play(self, stage: Stage) -> None:
        """One fault after the other, in random order; after each the cluster comes back."""
        options = self._options
        works = {
            "redis kill": (options.kills, self._kill),
            "redis freeze": (options.freezes, self._freeze),
            "redis flush": (options.flushes, self._flush),
            "redis cut of subscribers": (options.cuts, self._cut),
            "redis overflow of subscribers": (options.overflows, self._overflow),
        }
        order = [name for name, (count, _) in works.items() for _ in range(count)]
        stage.chance.shuffle(order)
        for number, name in enumerate(order):
            await stage.turn(number, len(order))
            stage.fault(name, "redis")
            await works[name][1](stage)
            await stage.recovers(name)

    async def _kill(self, stage: Stage) -> None:
        await self._redis.kill()
        await stage.pause(*self._options.dead)
        await self._redis.start()

    async def _freeze(self, stage: Stage) -> None:
        self._redis.freeze()
        try:
            await stage.pause(1.0, self._options.longest)
        finally:
            self._redis.thaw()

    async def _flush(self, _: Stage) -> None:
        await self._redis.empty()

    async def _cut(self, stage: Stage) -> None:
        if await self._redis.cut_subscribers() < 1:
            stage.broken.append("there was no subscriber to cut off")

    async def _overflow(self, stage: Stage) -> None:
        if await self._redis.overflow() < 1:
            stage.broken.append("there was no subscriber to overflow")


async def play(options: RedisFaults, place: Place) -> Outcome:
    """Do it, with a Redis of its own."""
    began = time.monotonic()
    async with own_redis(place.folder) as redis:
        mongodb, embedded = place.storage[0] if place.storage else "", None
        if not mongodb:
            embedded = await Embedded.start(place.folder / "storage", redis=False)
            mongodb = str(embedded.mongodb_url)
        try:
            here = Place(folder=place.folder, storage=(mongodb, redis.url), database=place.database)
            report, stage = await perform(options.plan, here, _Script(options, redis).play)
        finally:
            if embedded is not None:
                await embedded.stop()
    return outcome_of(NAME, report, stage, time.monotonic() - began)
