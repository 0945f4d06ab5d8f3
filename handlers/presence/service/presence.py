"""The presence service: what commands and other slices ask of it."""

from collections.abc import Collection, Sequence
from datetime import datetime

from handlers.presence.events import PresenceSnapshot
from handlers.presence.models import (
    AppState,
    CustomStatus,
    ListPresence,
    OnlineCount,
    PresencePage,
    Presences,
    StatusChange,
    UserPresence,
    Watching,
)
from handlers.presence.service.counting import Counter
from handlers.presence.service.errors import AlreadyOver
from handlers.presence.service.heart import Heart
from handlers.presence.service.telling import Teller
from handlers.presence.service.watching import Watchers
from handlers.presence.settings import PresenceSettings
from handlers.presence.store import LiveStore, RecordStore, Unreachable, WatchStore
from handlers.social.service import Social
from handlers.users.privacy import PresenceAudience
from handlers.users.service import Users
from server.actors import Actor
from server.clock import Clock
from server.events import Publisher
from server.events import Users as ToUsers
from server.hub.connections import Connection

EXPIRED_AT_ONCE = 500


class Presence:
    """Who is here, and who may know."""

    def __init__(
        self,
        *,
        live: LiveStore,
        watches: WatchStore,
        records: RecordStore,
        social: Social,
        users: Users,
        clock: Clock,
        publish: Publisher,
        node: str,
        settings: PresenceSettings,
    ) -> None:
        self._live = live
        self._records = records
        self._social = social
        self._users = users
        self._clock = clock
        self._teller = Teller(
            live=live,
            watches=watches,
            records=records,
            social=social,
            users=users,
            clock=clock,
            publish=publish,
            settings=settings,
        )
        self._heart = Heart(
            live=live,
            watches=watches,
            records=records,
            teller=self._teller,
            users=users,
            clock=clock,
            node=node,
            settings=settings,
        )
        self._watchers = Watchers(store=watches, teller=self._teller, devices=self._heart.devices)
        self._heart.also(self._watchers.tick)
        self._counter = Counter(
            live=live,
            watches=watches,
            records=records,
            users=users,
            teller=self._teller,
            publish=publish,
            seconds=settings.count_seconds,
        )

    # --- the life of the process and of its connections -------------------------------------------------------------

    async def start(self) -> None:
        """Join the other processes."""
        await self._heart.start()

    async def stop(self) -> None:
        """Leave the other processes."""
        await self._heart.stop()

    async def tick(self) -> None:
        """Do what is due by the clock. It happens by itself; a test that turned the clock calls it."""
        await self._heart.tick()

    async def connected(self, connection: Connection) -> None:
        """A device came."""
        await self._heart.came(connection)

    async def disconnected(self, connection: Connection) -> None:
        """A device left."""
        try:
            await self._heart.left(connection)
        finally:
            await self._watchers.left(connection.user_id, connection.actor.device_id)

    async def greets(self, actor: Actor) -> Sequence[PresenceSnapshot]:
        """What a new connection is told: which friends are here."""
        return [PresenceSnapshot(await self._teller.snapshot(actor.user_id), to=ToUsers([actor.user_id]))]

    # --- questions --------------------------------------------------------------------------------------------------

    async def of(self, viewer: str, ids: Collection[str]) -> dict[str, UserPresence]:
        """The presence of each of these people as the viewer may know it.

        Whom the viewer may not see (no friend, blocked, hidden, or the viewer hides) looks like one who is offline.
        """
        return await self._teller.of(viewer, ids)

    async def several(self, viewer: str, ids: Sequence[str]) -> Presences:
        """The presence of people in the order in which they were asked for."""
        seen = await self._teller.of(viewer, ids)
        return Presences(presences=[seen[one] for one in dict.fromkeys(ids)])

    async def friends(self, me: str, body: ListPresence) -> PresencePage:
        """A page of my friends' presence, ordered by id."""
        friends = sorted(await self._social.friend_ids(me))
        rest = [one for one in friends if body.cursor is None or one > body.cursor]
        page = rest[: body.limit]
        seen = await self._teller.of(me, page)
        return PresencePage(
            presences=[seen[one] for one in page], next_cursor=page[-1] if len(rest) > len(page) else None
        )

    async def snapshot(self, actor: Actor) -> Presences:
        """The friends, and those whom the device watches, who are not offline."""
        return await self._teller.snapshot(actor.user_id, also=self._watchers.of(actor))

    async def online_count(self, conversation_id: str, members: Collection[str]) -> OnlineCount | None:
        """How many members of a large group are here; None while that cannot be known.

        For the chat: call it for groups of more than 100 when somebody opens, reads or writes there, as often as that
        happens. It counts at most once in 30 seconds for the whole cluster, and then tells the members who are here.
        """
        return await self._counter.online(conversation_id, members)

    async def count(self, conversation_id: str, members: Collection[str]) -> int | None:
        """`online_count` as a number."""
        found = await self.online_count(conversation_id, members)
        return found.online_count if found else None

    async def connected_devices(self, ids: Sequence[str]) -> dict[str, set[str]] | None:
        """The devices of these people that are connected to any process; None while that cannot be known.

        For slices that must reach devices: it tells nobody's presence and must not be shown to anyone.
        """
        try:
            found = await self._live.look(ids, now=self._teller.now_ms())
        except Unreachable:
            return None
        if not all(live.sure for live in found.values()):
            return None
        return {one: {device.device_id for device in live.devices} for one, live in found.items()}

    # --- changes ----------------------------------------------------------------------------------------------------

    async def set_status(self, actor: Actor, body: StatusChange) -> UserPresence:
        """Set my status, and the line about me when one is given. Raises AlreadyOver."""
        if body.custom_status is not None:
            self._must_last(body.custom_status)
        me, before = actor.user_id, (await self._records.of([actor.user_id]))[actor.user_id]
        choice = body.status if body.status in {"busy", "invisible"} else None
        leaves = choice == "invisible" and before.choice != "invisible"
        if choice != before.choice:
            await self._records.choose(me, choice, seen=await self._now_if_here(me) if leaves else None)
        if "custom_status" in body.model_fields_set:
            await self._records.say(me, body.custom_status)
        if body.status in {"online", "away"}:
            await self._heart.set_state(me, actor.device_id, body.status)
        else:
            self._heart.used(me, actor.device_id)
        return await self._changed(me)

    async def app_changed(self, actor: Actor, state: AppState) -> UserPresence:
        """The app on the device comes to the foreground or goes."""
        await self._heart.app_changed(actor.user_id, actor.device_id, state)
        return await self._teller.own(actor.user_id)

    async def watch(self, actor: Actor, ids: Sequence[str]) -> Watching:
        """Hear news of these people on this device, as far as I may. Raises TooManyWatched."""
        self._heart.used(actor.user_id, actor.device_id)
        return await self._watchers.watch(actor, ids)

    async def unwatch(self, actor: Actor, ids: Sequence[str] | None) -> Watching:
        """Hear news of these people on this device no longer (of nobody any more, without `ids`)."""
        self._heart.used(actor.user_id, actor.device_id)
        return Watching(presences=[], watched=[], total=await self._watchers.unwatch(actor, ids))

    def used(self, actor: Actor) -> None:
        """A person uses a device. Other slices say so, as often as it happens: it waits for nothing."""
        self._heart.used(actor.user_id, actor.device_id)

    async def set_custom(self, me: str, custom: CustomStatus | None) -> UserPresence:
        """Set the line about me, or clear it. Raises AlreadyOver."""
        if custom is not None:
            self._must_last(custom)
        await self._records.say(me, custom)
        return await self._changed(me)

    async def expire_custom(self) -> int:
        """Remove lines whose time is over, and tell; how many."""
        count = 0
        while people := await self._records.expire(self._clock.now(), limit=EXPIRED_AT_ONCE):
            for user_id in people:
                await self._changed(user_id)
            count += len(people)
        return count

    # --- what other slices tell -------------------------------------------------------------------------------------

    async def ties_changed(self, one: str, other: str) -> None:
        """What two people may know of each other has changed."""
        await self._teller.tell_each_other(one, other)

    async def permit_changed(self, user_id: str, friend_id: str, changed: Collection[str]) -> None:
        """A person lets a friend do something else than before, or counts him among others."""
        if "canSeeOnlineStatus" in changed or ("close" in changed and await self._level(user_id) == "close"):
            await self._teller.tell_each_other(user_id, friend_id)

    async def block_changed(self, one: str, other: str) -> None:
        """A block between two people stands, or no longer. Friends hear that their friendship is over."""
        await self._teller.recheck([one, other])

    async def audience_changed(self, before: PresenceAudience) -> None:
        """A person lets others see when he is online than before."""
        await self._teller.audience_changed(before)

    async def forget(self, user_id: str) -> None:
        """A person's account was erased."""
        await self._records.forget(user_id)

    # ----------------------------------------------------------------------------------------------------------------

    async def _changed(self, me: str) -> UserPresence:
        """What is stored of a person changed: tell it."""
        try:
            if await self._live.touch(me):
                await self._teller.settle(me)
        except Unreachable:
            self._heart.owe(me)
        view = await self._teller.own(me)
        await self._teller.tell_owner(view)
        return view

    async def _level(self, user_id: str) -> str | None:
        audience = await self._users.presence_audience(user_id)
        return audience.level if audience else None

    async def _now_if_here(self, me: str) -> datetime | None:
        """To become invisible is to be seen for the last time, if one was to be seen."""
        try:
            live = (await self._live.look([me], now=self._teller.now_ms()))[me]
        except Unreachable:
            return None
        return self._clock.now() if live.devices else None

    def _must_last(self, custom: CustomStatus) -> None:
        if custom.expires_at is not None and custom.expires_at <= self._clock.now():
            raise AlreadyOver(
                "expiresAt must lie in the future.", details=[{"field": "expiresAt", "message": "is in the past"}]
            )
