"""The presence service: what commands and other slices ask of it."""

from collections.abc import Collection, Sequence
from datetime import datetime

from handlers.presence.events import PresenceSnapshot
from handlers.presence.models import (
    CustomStatus,
    ListPresence,
    PresencePage,
    Presences,
    StatusChange,
    UserPresence,
)
from handlers.presence.service.errors import AlreadyOver
from handlers.presence.service.heart import Heart
from handlers.presence.service.telling import Teller
from handlers.presence.settings import PresenceSettings
from handlers.presence.store import LiveStore, RecordStore, Unreachable
from handlers.social.service import Social
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
            live=live, records=records, social=social, users=users, clock=clock, publish=publish, settings=settings
        )
        self._heart = Heart(
            live=live,
            records=records,
            teller=self._teller,
            users=users,
            clock=clock,
            node=node,
            settings=settings,
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
        await self._heart.left(connection)

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
        try:
            if body.status in {"online", "away"}:
                await self._live.set_state(me, actor.device_id, body.status, now=self._teller.now_ms())
        except Unreachable:
            self._heart.owe(me)
        return await self._changed(me)

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

    async def privacy_changed(self, user_id: str) -> None:
        """A person's privacy settings have changed."""
        privacy = (await self._users.privacy_of([user_id])).get(user_id)
        hidden = privacy is not None and not privacy.show_online_status
        if await self._records.hide(user_id, hidden=hidden):
            await self._teller.shows_or_hides(user_id, hidden=hidden)

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
