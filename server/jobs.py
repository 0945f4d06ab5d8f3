"""What runs by the clock: declared by a slice, run by one process of the cluster at a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from server.clock import Clock
from storage.leases import Leases

log = logging.getLogger("mixee.jobs")


@dataclass(frozen=True, slots=True)
class Job:
    """A task of a slice: `run(service)` every `every`, somewhere in the cluster. Running twice must do no harm."""

    name: str
    every: timedelta
    run: Callable[[Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Bound:
    """A job and the service that it works for."""

    job: Job
    service: Any


class JobRunner:
    """Runs each job in the process that holds the job's lease."""

    def __init__(self, jobs: Sequence[Bound], leases: Leases, clock: Clock) -> None:
        self._jobs = jobs
        self._leases = leases
        self._clock = clock

    async def run_one(self, bound: Bound) -> bool:
        """Run a job once, if its lease is free. A job that raises is logged and runs again at its next time."""
        span = bound.job.every + timedelta(seconds=30)
        if not await self._leases.take(f"job:{bound.job.name}", now=self._clock.now(), span=span):
            return False
        try:
            await bound.job.run(bound.service)
        except Exception:
            log.exception("job %s failed", bound.job.name)
        return True

    async def run(self) -> None:
        """Run every job at its interval, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for bound in self._jobs:
                group.create_task(self._repeat(bound), name=f"job {bound.job.name}")

    async def _repeat(self, bound: Bound) -> None:
        while True:
            try:
                await self.run_one(bound)
            except Exception:
                log.exception("job %s could not take its lease", bound.job.name)
            await asyncio.sleep(bound.job.every.total_seconds())
