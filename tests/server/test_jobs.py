"""A job runs in one process of the cluster at a time."""

from datetime import timedelta

from server.jobs import Bound, Job, JobRunner
from storage.leases import Leases
from storage.mongo import Mongo
from tests.harness.clock import TurnableClock


class Counter:
    """What the job works for."""

    def __init__(self) -> None:
        self.runs = 0

    async def run(self) -> None:
        self.runs += 1

    async def fail(self) -> None:
        self.runs += 1
        raise ValueError("a bug")


async def test_a_job_runs_where_its_lease_is_and_moves_when_the_holder_is_gone(
    mongo: Mongo, clock: TurnableClock
) -> None:
    job = Job("count", timedelta(minutes=1), Counter.run)
    here, there = Counter(), Counter()
    one = JobRunner([], Leases(mongo, "one"), clock)
    two = JobRunner([], Leases(mongo, "two"), clock)

    ran = [
        await one.run_one(Bound(job, here)),
        await two.run_one(Bound(job, there)),
        await one.run_one(Bound(job, here)),
    ]
    clock.advance(seconds=91)
    ran.append(await two.run_one(Bound(job, there)))

    assert ran == [True, False, True, True]
    assert (here.runs, there.runs) == (2, 1)


async def test_a_job_that_fails_does_not_stop_the_runner(mongo: Mongo, clock: TurnableClock) -> None:
    job = Job("count", timedelta(minutes=1), Counter.fail)
    counter = Counter()
    runner = JobRunner([], Leases(mongo, "one"), clock)

    ran = [await runner.run_one(Bound(job, counter)) for _ in range(2)]

    assert (ran, counter.runs) == ([True, True], 2)


async def test_a_lease_that_is_given_back_is_free_at_once(mongo: Mongo, clock: TurnableClock) -> None:
    one, two = Leases(mongo, "one"), Leases(mongo, "two")
    hour = timedelta(hours=1)
    await one.take("x", now=clock.now(), span=hour)

    await two.give_back("x")
    still_held = await two.take("x", now=clock.now(), span=hour)
    await one.give_back("x")

    assert still_held is False
    assert await two.take("x", now=clock.now(), span=hour) is True
