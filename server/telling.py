"""How what happened is told: after the commit, to the sockets by the hub, and to the slices that hear it.

A durable event is in the outbox from the moment of the commit; the process that wrote it hands it to the hearers at
once, and if that process dies or a hearer fails, another takes it up (`Relay.run`), until every hearer had it.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from server.clock import Clock
from server.events import Event, Nobody
from server.hub.hub import Hub
from server.slices import Hears, Slice
from storage.mongo import current_unit
from storage.outbox import Letter, Outbox

log = logging.getLogger("mixee.events")

HOLD = timedelta(seconds=30)
"""How long one process may work on a letter before another takes it."""
LONGEST_WAIT = 300.0
"""Seconds between the last attempts at a letter whose hearer keeps failing."""


class Relay:
    """Publishes events, and hands them to the slices that hear them."""

    def __init__(self, hub: Hub, outbox: Outbox, clock: Clock, slices: Sequence[Slice[Any]]) -> None:
        self._hub = hub
        self._outbox = outbox
        self._clock = clock
        self._hears: dict[str, list[tuple[str, Hears]]] = {}
        self._at_once: dict[str, list[tuple[str, Hears]]] = {}
        for one in slices:
            for heard in one.hears:
                table = self._at_once if heard.at_once else self._hears
                table.setdefault(heard.event.name, []).append((one.name, heard))
        self._services: Mapping[str, Any] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def serve(self, services: Mapping[str, Any]) -> None:
        """Say whose services hear, by the names of their slices."""
        self._services = services

    async def publish(self, event: Event[Any]) -> None:
        """Tell an event: now, or when the running unit of work is committed."""
        hears = self._hears.get(event.name, [])
        if event.durable and hears:
            payload = event.payload.model_dump(mode="json", by_alias=True)
            await self._outbox.add(Letter(event.id, event.name, payload, self._clock.now(), 0))
        unit = current_unit()
        if unit is None:
            await self._tell(event, hears)
        else:
            unit.after_commit(lambda: self._tell(event, hears))

    async def _tell(self, event: Event[Any], hears: Iterable[tuple[str, Hears]]) -> None:
        await self._hub.emit(event)
        for name, heard in self._at_once.get(event.name, ()):
            try:
                heard.react(self._services[name], event)
            except Exception:
                log.exception("event %s was not heard by %s", event.name, name)
        if not hears:
            return
        task = asyncio.get_running_loop().create_task(self._hand_over(event), name=f"event {event.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hand_over(self, event: Event[Any]) -> None:
        try:
            if not event.durable:
                await self._let_hear(event)
                return
            letter = await self._outbox.take(now=self._clock.now(), span=HOLD, id=event.id)
            if letter is not None:
                await self._deliver(letter)
        except Exception:
            log.exception("event %s was not heard by everyone", event.name)

    async def _let_hear(self, event: Event[Any]) -> None:
        for name, heard in self._hears.get(event.name, []):
            reaction = heard.react(self._services[name], event)
            if reaction is not None:
                await reaction

    async def _deliver(self, letter: Letter) -> None:
        hears = self._hears.get(letter.name)
        if hears:
            kind = hears[0][1].event
            event = kind(kind.payload_type.model_validate(letter.payload, strict=False), to=Nobody(), id=letter.id)
            try:
                await self._let_hear(event)
            except Exception:
                wait = min(LONGEST_WAIT, 2.0**letter.attempts)
                log.exception("event %s (%s) was not heard, again in %.0f s", letter.name, letter.id, wait)
                await self._outbox.delay(letter, until=self._clock.now() + timedelta(seconds=wait))
                return
        await self._outbox.done(letter)

    async def sweep(self) -> int:
        """Hand over every letter that is due; how many there were."""
        count = 0
        while (letter := await self._outbox.take(now=self._clock.now(), span=HOLD)) is not None:
            await self._deliver(letter)
            count += 1
        return count

    async def run(self, every: float = 1.0) -> None:
        """Take up what other processes left, until cancelled."""
        while True:
            try:
                await self.sweep()
            except Exception:
                log.exception("the outbox could not be read")
            await asyncio.sleep(every)

    async def settle(self) -> None:
        """Wait until everything told so far was handed over (for tests and for a clean stop)."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
