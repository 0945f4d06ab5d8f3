"""How friends come to know: settling a person, and telling one person anew about another."""

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping

from handlers.presence.events import PresenceSnapshot, PresenceUpdated
from handlers.presence.models import Live, PresencePlace, Presences, UserPresence
from handlers.presence.settings import PresenceSettings
from handlers.presence.status import digest, neutral, presence_of
from handlers.presence.store import LiveStore, RecordStore, Unreachable
from handlers.social.service import Social
from handlers.users.service import Users as People
from server.clock import Clock
from server.events import Passing, Publisher, Users

log = logging.getLogger("mixee.presence")

ATTEMPTS = 5
"""How often a person is looked at again who keeps changing while being settled."""
AT_ONCE = 16
"""People who are settled at the same time by one process."""
PLACES_AT_ONCE = 1_000
MAX_SNAPSHOT = 1_000
"""Friends in one snapshot."""


def milliseconds(seconds: float) -> int:
    """Seconds in whole milliseconds."""
    return round(seconds * 1000)


class Teller:
    """Reads presences with the eyes of somebody, and tells what is new."""

    def __init__(
        self,
        *,
        live: LiveStore,
        records: RecordStore,
        social: Social,
        users: People,
        clock: Clock,
        publish: Publisher,
        settings: PresenceSettings,
    ) -> None:
        self._live = live
        self._records = records
        self._social = social
        self._users = users
        self._clock = clock
        self._publish = publish
        self._quiet = milliseconds(settings.quiet_seconds)
        self._grace = milliseconds(settings.grace_seconds)

    def now_ms(self) -> int:
        """The time, in milliseconds since 1970."""
        return milliseconds(self._clock.now().timestamp())

    async def own(self, user_id: str) -> UserPresence:
        """A person's presence as that person sees it."""
        return (await self._read([user_id], await self._places([user_id]), own=True))[user_id]

    async def of(self, viewer: str, ids: Collection[str]) -> dict[str, UserPresence]:
        """The presence of people as the viewer may know it; nothing but `offline` for whom the viewer may not see."""
        others = sorted(set(ids) - {viewer})
        visible = await self._social.online_viewers(viewer, among=others) if others else []
        places = await self._places(await self._social.places_open_to(viewer, visible))
        seen = {one: neutral(one) for one in others} | await self._read(visible, places, own=False)
        if viewer in ids:
            seen[viewer] = await self.own(viewer)
        return seen

    async def snapshot(self, viewer: str) -> Presences:
        """The friends who are not offline, as far as the viewer may see them."""
        friends = await self._social.friend_ids(viewer)
        try:
            present = (await self._live.here(friends))[:MAX_SNAPSHOT]
        except Unreachable:
            present = friends[:MAX_SNAPSHOT]
        seen = await self.of(viewer, present) if present else {}
        return Presences(presences=[seen[one] for one in sorted(seen) if seen[one].status != "offline"])

    async def settle(self, user_id: str) -> None:
        """Tell friends a person's presence if it is news to them and the time has come. Raises Unreachable."""
        for _ in range(ATTEMPTS):
            now = self._clock.now()
            live = (await self._live.look([user_id], now=self.now_ms()))[user_id]
            record = (await self._records.of([user_id]))[user_id]
            view = presence_of(user_id, live, record, now, own=False)
            if view.status == "unknown":
                return
            verdict = await self._live.settle(
                user_id,
                mark=live.mark,
                news=digest(view),
                now=self.now_ms(),
                quiet=self._quiet,
                grace=self._grace,
                after_loss=record.choice != "invisible",
            )
            if verdict == "tell":
                await self._broadcast(view)
            if verdict != "changed":
                return

    async def settle_all(self, people: Iterable[str]) -> None:
        """Settle several people, a few at a time. One who cannot be settled stays due."""
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(user_id: str) -> None:
            async with turns:
                try:
                    await self.settle(user_id)
                except Exception:
                    log.exception("the presence of %s could not be settled", user_id)

        await asyncio.gather(*(one(user_id) for user_id in people))

    async def tell_owner(self, view: UserPresence) -> None:
        """Tell a person's own devices."""
        await self._publish(PresenceUpdated(view, to=Users([view.user_id])))

    async def tell_each_other(self, one: str, other: str) -> None:
        """Tell two people anew what each may know of the other now."""
        for viewer, subject in ((one, other), (other, one)):
            view = (await self.of(viewer, [subject]))[subject]
            await self._publish(PresenceUpdated(view, to=Passing([viewer])))

    async def shows_or_hides(self, user_id: str, *, hidden: bool) -> None:
        """Tell everybody whom it concerns that a person shows the online status again, or no longer."""
        friends = await self._live.here(await self._social.friend_ids(user_id))
        if hidden:
            await self._tell(neutral(user_id), friends)
        else:
            await self._broadcast((await self._read([user_id], {}, own=False))[user_id])
        # It works both ways: who hides sees nobody, who shows sees again.
        await self._publish(PresenceSnapshot(await self.snapshot(user_id), to=Users([user_id])))

    async def _broadcast(self, view: UserPresence) -> None:
        """Tell the friends who are here and may know; the place only to those who may know that too."""
        user_id = view.user_id
        friends = await self._live.here(await self._social.friend_ids(user_id))
        viewers = set(await self._social.online_viewers(user_id, among=friends))
        place = (await self._places([user_id])).get(user_id) if viewers else None
        trusted = await self._social.place_viewers(user_id, viewers) if place else set()
        await self._tell(view.model_copy(update={"location": place}), trusted)
        await self._tell(view, viewers - trusted)

    async def _tell(self, view: UserPresence, viewers: Collection[str]) -> None:
        if viewers:
            await self._publish(PresenceUpdated(view, to=Passing(viewers)))

    async def _places(self, ids: Iterable[str]) -> dict[str, PresencePlace]:
        people = sorted(ids)
        found: dict[str, PresencePlace] = {}
        for start in range(0, len(people), PLACES_AT_ONCE):
            areas = await self._users.areas_of(people[start : start + PLACES_AT_ONCE])
            found |= {one: PresencePlace(city=area.city, country=area.country) for one, area in areas.items()}
        return found

    async def _read(
        self, ids: Collection[str], places: Mapping[str, PresencePlace], *, own: bool
    ) -> dict[str, UserPresence]:
        wanted = list(ids)
        if not wanted:
            return {}
        now = self._clock.now()
        records = await self._records.of(wanted)
        try:
            live = await self._live.look(wanted, now=self.now_ms())
        except Unreachable:
            live = dict.fromkeys(wanted, Live(sure=False))
        return {one: presence_of(one, live[one], records[one], now, own=own, place=places.get(one)) for one in wanted}
