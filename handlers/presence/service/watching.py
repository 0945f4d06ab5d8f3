"""Whom the devices of this process watch, and how their people come to hear news of them."""

import asyncio
import contextlib
from collections.abc import Collection, Iterable, Sequence
from itertools import islice

from handlers.presence.models import MAX_WATCHED, Watching
from handlers.presence.service.devices import Devices
from handlers.presence.service.errors import TooManyWatched
from handlers.presence.service.telling import Heard, Teller
from handlers.presence.status import digest
from handlers.presence.store import Unreachable, WatchStore
from server.actors import Actor

NEWS_AT_ONCE = 500
"""People of whom one tick tells."""
WRITTEN_AT_ONCE = 2_000
"""People whose number of watchers one tick says again after a loss."""
LOOKS = 10
"""How many ticks a device that watches may be missing: it may not have begun yet, or it has ended meanwhile."""

Screen = tuple[str, str]
"""A device of a person."""


class Watchers:
    """The table, and what Redis has to know of it: how many people here watch whom."""

    def __init__(self, *, store: WatchStore, teller: Teller, devices: Devices) -> None:
        self._store = store
        self._teller = teller
        self._devices = devices
        self._watched: dict[Screen, set[str]] = {}
        self._watching: dict[str, dict[str, int]] = {}
        """On how many devices here each watcher watches a person."""
        self._unwritten: set[str] = set()
        """People whose number of watchers Redis does not know yet."""
        self._missing: dict[Screen, int] = {}
        """Devices that watch and were not connected, and at how many looks."""
        self._heard: Heard = {}
        """What those heard last who watch somebody and are no friends."""
        self._writing = asyncio.Lock()

    def of(self, actor: Actor) -> set[str]:
        """Whom the device watches."""
        return set(self._watched.get((actor.user_id, actor.device_id), ()))

    async def watch(self, actor: Actor, ids: Sequence[str]) -> Watching:
        """Watch those of the people whom the person may see. Raises TooManyWatched, and then watches none of them."""
        screen = (actor.user_id, actor.device_id)
        visible = set(await self._teller.visible(actor.user_id, ids))
        before = self._watched.get(screen, set())
        if len(before | visible) > MAX_WATCHED:
            raise TooManyWatched(f"A device may watch {MAX_WATCHED} people: unwatch some first.")
        self._add(screen, visible - before)
        await self._write(visible)
        # What changes from here on is news; what changed before is in this answer.
        seen = await self._teller.of(actor.user_id, ids)
        for one in await self._teller.strangers(actor.user_id, visible):
            self._heard.setdefault(one, {}).setdefault(actor.user_id, digest(seen[one]))
        asked = list(dict.fromkeys(ids))
        return Watching(
            presences=[seen[one] for one in asked],
            watched=[one for one in asked if one in visible],
            total=len(self._watched.get(screen, ())),
        )

    async def unwatch(self, actor: Actor, ids: Collection[str] | None) -> int:
        """Watch these no longer, or nobody any more; how many the device still watches."""
        screen = (actor.user_id, actor.device_id)
        people = self.of(actor) if ids is None else ids
        self._remove(screen, people)
        await self._write(people)
        return len(self._watched.get(screen, ()))

    async def left(self, user_id: str, device_id: str) -> None:
        """A connection has ended: if it was the last of its device, the device watches nobody any more."""
        screen = (user_id, device_id)
        if screen in self._watched and not self._devices.has(user_id, device_id):
            await self._end(screen)

    async def tick(self, lost: bool) -> None:
        """Say again what Redis may have `lost`, and tell what is new. Raises Unreachable."""
        await self._look_for_missing()
        if lost:
            self._unwritten.update(self._watching)
        if self._unwritten:
            await self._must_write(list(islice(self._unwritten, WRITTEN_AT_ONCE)))
        if not self._watching:
            return
        people = await self._store.take_news(now=self._teller.now_ms(), limit=NEWS_AT_ONCE)
        if news := {one: list(self._watching[one]) for one in people if one in self._watching}:
            await self._teller.tell_watchers(news, self._heard)
            for one in news:
                self._forget_gone(one)

    async def _look_for_missing(self) -> None:
        for screen, looks in list(self._missing.items()):
            if screen not in self._watched or self._devices.has(*screen):
                del self._missing[screen]
            elif looks < LOOKS:
                self._missing[screen] = looks + 1
            else:
                del self._missing[screen]
                await self._end(screen)

    async def _end(self, screen: Screen) -> None:
        people = set(self._watched[screen])
        self._remove(screen, people)
        await self._write(people)

    def _add(self, screen: Screen, people: Iterable[str]) -> None:
        for one in people:
            self._watched.setdefault(screen, set()).add(one)
            watchers = self._watching.setdefault(one, {})
            watchers[screen[0]] = watchers.get(screen[0], 0) + 1
            self._unwritten.add(one)
        if screen in self._watched and not self._devices.has(*screen):
            self._missing[screen] = 0

    def _remove(self, screen: Screen, people: Iterable[str]) -> None:
        mine = self._watched.get(screen, set())
        for one in mine.intersection(people):
            mine.discard(one)
            watchers = self._watching[one]
            watchers[screen[0]] -= 1
            if not watchers[screen[0]]:
                del watchers[screen[0]]
            if not watchers:
                del self._watching[one]
            self._forget_gone(one)
            self._unwritten.add(one)
        if not mine:
            self._watched.pop(screen, None)

    def _forget_gone(self, user_id: str) -> None:
        """Keep what was heard of a person only for those who watch."""
        watchers, heard = self._watching.get(user_id, {}), self._heard.get(user_id, {})
        for viewer in heard.keys() - watchers.keys():
            del heard[viewer]
        if not heard:
            self._heard.pop(user_id, None)

    async def _write(self, people: Iterable[str]) -> None:
        with contextlib.suppress(Unreachable):
            await self._must_write(people)

    async def _must_write(self, people: Iterable[str]) -> None:
        """Tell Redis the numbers, one after the other so that a late one never overwrites a new one."""
        async with self._writing:
            counts = {one: len(self._watching.get(one, ())) for one in self._unwritten.intersection(people)}
            self._unwritten.difference_update(counts)
            try:
                await self._store.watch(counts)
            except BaseException:
                self._unwritten.update(counts)
                raise
