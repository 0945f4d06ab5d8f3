"""How friends come to know: settling a person, and telling one person anew about another."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from handlers.presence.events import PresenceBatch, PresenceSnapshot, PresenceUpdated
from handlers.presence.models import Live, PresencePlace, Presences, Record, UserPresence
from handlers.presence.settings import PresenceSettings
from handlers.presence.status import Rules, digest, milliseconds, neutral, presence_of, roughly
from handlers.presence.store import LiveStore, RecordStore, Unreachable, WatchStore
from handlers.social.service import Social
from handlers.users.privacy import PresenceAudience
from handlers.users.service import Users as People
from server.clock import Clock
from server.events import Passing, Publisher, Users
from server.together import Together

log = logging.getLogger("mixee.presence")

ATTEMPTS = 5
"""How often a person is looked at again who keeps changing while being settled."""
AT_ONCE = 16
"""People who are settled at the same time by one process."""
PLACES_AT_ONCE = 1_000
MAX_SNAPSHOT = 1_000
"""Friends in one snapshot."""


GONE = "offline"
"""What `digest` makes of everybody who is not here."""
Heard = dict[str, dict[str, str]]
"""Of a person: what each watcher who is no friend heard last, as a digest."""


def in_milliseconds(seconds: float) -> int:
    """Seconds in whole milliseconds."""
    return round(seconds * 1000)


class Teller:
    """Reads presences with the eyes of somebody, and tells what is new."""

    def __init__(
        self,
        *,
        live: LiveStore,
        watches: WatchStore,
        records: RecordStore,
        social: Social,
        users: People,
        clock: Clock,
        publish: Publisher,
        settings: PresenceSettings,
    ) -> None:
        self._look = Together(lambda ids: live.look(ids, now=self.now_ms()))
        self._record = Together(records.of)
        self._live = live
        self._watches = watches
        self._records = records
        self._social = social
        self._users = users
        self._clock = clock
        self._publish = publish
        self._settings = settings
        self._quiet = in_milliseconds(settings.quiet_seconds)
        self.rules = Rules(
            grace=in_milliseconds(settings.grace_seconds),
            idle=in_milliseconds(settings.idle_seconds),
            busy=in_milliseconds(settings.busy_seconds),
        )

    def now_ms(self) -> int:
        """The time, in milliseconds since 1970."""
        return milliseconds(self._clock.now())

    async def own(self, user_id: str) -> UserPresence:
        """A person's presence as that person sees it."""
        live, record = (await self._know([user_id]))[user_id]
        place = (await self._places([user_id])).get(user_id)
        return presence_of(user_id, live, record, self._clock.now(), self.rules, own=True, place=place)

    async def of(self, viewer: str, ids: Collection[str]) -> dict[str, UserPresence]:
        """The presence of people as the viewer may know it; of whom the viewer may not see, when roughly it was.

        Of one who blocks the viewer or is blocked, and of nobody at all, it was long ago.
        """
        others = sorted(set(ids) - {viewer})
        visible = set(await self._social.online_viewers(viewer, among=others)) if others else set()
        hidden = [one for one in others if one not in visible]
        blocked = await self._social.blocked_among(viewer, hidden) if hidden else set()
        places = await self._places(await self._social.places_open_to(viewer, visible))
        now, known = self._clock.now(), await self._know([one for one in others if one not in blocked])
        seen = {one: neutral(one) for one in others}
        for one, (live, record) in known.items():
            if one in visible:
                seen[one] = presence_of(one, live, record, now, self.rules, own=False, place=places.get(one))
            else:
                seen[one] = neutral(one, roughly(live, record, now))
        if viewer in ids:
            seen[viewer] = await self.own(viewer)
        return seen

    async def visible(self, viewer: str, ids: Collection[str]) -> list[str]:
        """Those of these people whom the viewer may see."""
        others = sorted(set(ids) - {viewer})
        return await self._social.online_viewers(viewer, among=others) if others else []

    async def strangers(self, viewer: str, ids: Collection[str]) -> set[str]:
        """Those of these people who are no friends of the viewer."""
        return set(ids) - await self._social.friends_among(viewer, ids) if ids else set()

    async def snapshot(self, viewer: str, also: Collection[str] = ()) -> Presences:
        """The friends (and others, if they are named) who are not offline, as far as the viewer may see them."""
        friends = await self._social.friend_ids(viewer)
        try:
            present = (await self._live.here(friends, or_just_gone=True))[:MAX_SNAPSHOT]
        except Unreachable:
            present = friends[:MAX_SNAPSHOT]
        wanted = {*present, *also}
        seen = await self.of(viewer, wanted) if wanted else {}
        return Presences(presences=[seen[one] for one in sorted(seen) if seen[one].status != "offline"])

    async def settle(self, user_id: str) -> None:
        """Tell others a person's presence if it is news to them and the time has come. Raises Unreachable."""
        for _ in range(ATTEMPTS):
            now = self._clock.now()
            live = await self._look(user_id)
            record = await self._record(user_id)
            view = presence_of(user_id, live, record, now, self.rules, own=False)
            if view.status == "unknown":
                return
            settled = await self._live.settle(
                user_id,
                mark=live.mark,
                news=digest(view),
                now=self.now_ms(),
                quiet=self._quiet,
                grace=self.rules.grace,
                after_loss=record.choice != "invisible",
                again=self.rules.changes_at(live, record, milliseconds(now)),
            )
            if settled.verdict == "tell":
                await self._broadcast(view, settled.interest)
            if settled.verdict != "changed":
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

    async def audience_changed(self, before: PresenceAudience) -> None:
        """Tell everybody whom it concerns that a person lets others see when he is online than `before`."""
        user_id = before.user_id
        live, record = (await self._know([user_id]))[user_id]
        now = self._clock.now()
        friends = await self._social.friend_ids(user_id)
        here = await self._live.here(friends)
        former = set(await self._social.online_viewers(user_id, among=here, under=before))
        viewers = set(await self._social.online_viewers(user_id, among=here))
        await self._tell(neutral(user_id, roughly(live, record, now)), former - viewers)
        if len(friends) <= self._settings.friends_told:
            view = presence_of(user_id, live, record, now, self.rules, own=False)
            for each, new in await self._views(view, viewers - former):
                await self._tell(each, new)
        if viewers - former or before.level == "everyone" or before.always or await self._known_to_strangers(user_id):
            await self._announce(user_id, await self._watches.interest(user_id))
        # It works both ways: who hides sees nobody, who shows sees again.
        await self._publish(PresenceSnapshot(await self.snapshot(user_id), to=Users([user_id])))

    async def recheck(self, people: Iterable[str]) -> None:
        """Let watchers of these people hear what they may know now, if others than friends may know anything."""
        for user_id in people:
            interest = await self._watches.interest(user_id)
            if interest and await self._known_to_strangers(user_id):
                await self._announce(user_id, interest)

    async def tell_watchers(self, watchers: Mapping[str, Collection[str]], heard: Heard) -> None:
        """Tell people in one batch each how those are whom they watch, as far as each may see them now.

        `watchers` has the watchers of every person of whom there is news. Friends hear of most people by default, and
        then not again here. Equal batches are told once.
        """
        now, known = self._clock.now(), await self._know(list(watchers))
        turns = asyncio.Semaphore(AT_ONCE)
        news: defaultdict[str, list[UserPresence]] = defaultdict(list)

        async def one(user_id: str) -> None:
            view = presence_of(user_id, *known[user_id], now, self.rules, own=False)
            if view.status != "unknown":
                async with turns:
                    await self._gather(view, set(watchers[user_id]), heard.setdefault(user_id, {}), news)

        await asyncio.gather(*(one(user_id) for user_id in sorted(watchers)))
        batches: defaultdict[tuple[tuple[str, str, bool], ...], list[str]] = defaultdict(list)
        for viewer, views in news.items():
            batches[tuple(sorted((each.user_id, each.status, each.location is not None) for each in views))].append(
                viewer
            )
        for viewers in batches.values():
            batch = Presences(presences=sorted(news[viewers[0]], key=lambda each: each.user_id))
            await self._publish(PresenceBatch(batch, to=Passing(viewers)))

    async def _gather(
        self, view: UserPresence, watchers: set[str], heard: dict[str, str], news: Mapping[str, list[UserPresence]]
    ) -> None:
        """Add a person's presence to the news of the watchers to whom it is news.

        Of others than friends this process knows what they heard last: they hear no equal state twice, and of one who
        hides they hear once that he is gone.
        """
        friends = set(await self._social.friend_ids(view.user_id))
        if len(friends) <= self._settings.friends_told:
            watchers -= friends
        unseen = watchers - friends
        for each, viewers in await self._views(view, watchers) if watchers else ():
            unseen -= viewers
            for viewer in viewers:
                if viewer in friends:
                    heard.pop(viewer, None)
                elif heard.get(viewer) == digest(view):
                    continue
                else:
                    heard[viewer] = digest(view)
                news[viewer].append(each)
        for viewer in unseen:
            if heard.pop(viewer, GONE) != GONE:
                news[viewer].append((await self.of(viewer, [view.user_id]))[view.user_id])

    async def _known_to_strangers(self, user_id: str) -> bool:
        return await self._social.shows_to_strangers(user_id)

    async def _broadcast(self, view: UserPresence, interest: Mapping[str, int]) -> None:
        """Tell the friends who are here and may know, and others who watch; with too many friends only who watches."""
        friends = await self._social.friend_ids(view.user_id)
        if len(friends) > self._settings.friends_told:
            await self._announce(view.user_id, interest)
            return
        for each, viewers in await self._views(view, await self._live.here(friends)):
            await self._tell(each, viewers)
        if interest and await self._known_to_strangers(view.user_id):
            await self._announce(view.user_id, interest)

    async def _announce(self, user_id: str, interest: Mapping[str, int]) -> None:
        """Let the nodes of the watchers tell them: soon, or with all other news of a minute when they are a crowd."""
        if not interest:
            return
        due = self.now_ms()
        if sum(interest.values()) > self._settings.crowd_watchers:
            every = max(1, in_milliseconds(self._settings.crowd_seconds))
            due = (due // every + 1) * every
        await self._watches.announce(user_id, list(interest), due=due)

    async def _views(self, view: UserPresence, among: Collection[str]) -> list[tuple[UserPresence, set[str]]]:
        """What those of these people are told who may know; the place only those who may know that too."""
        user_id = view.user_id
        viewers = set(await self._social.online_viewers(user_id, among=among))
        place = (await self._places([user_id])).get(user_id) if viewers else None
        trusted = await self._social.place_viewers(user_id, viewers) if place else set()
        return [(view.model_copy(update={"location": place}), trusted), (view, viewers - trusted)]

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

    async def _know(self, ids: Collection[str]) -> dict[str, tuple[Live, Record]]:
        """All that is known of people."""
        wanted = list(ids)
        if not wanted:
            return {}
        records = await self._records.of(wanted)
        try:
            live = await self._live.look(wanted, now=self.now_ms())
        except Unreachable:
            live = dict.fromkeys(wanted, Live(sure=False))
        return {one: (live[one], records[one]) for one in wanted}
