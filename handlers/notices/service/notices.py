"""The list of what happened to somebody, and how he wants to be told."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from handlers.notices import wording
from handlers.notices.events import NoticeNew, NoticePreferences, NoticePushed, NoticeRead
from handlers.notices.hours import mail_at, quiet_until
from handlers.notices.models import (
    Happening,
    Kept,
    Kind,
    ListNotices,
    Notice,
    NoticeNews,
    NoticePage,
    NoticePush,
    NoticesRead,
    NoticesUnread,
    NoticeWishes,
    NoticeWishesChange,
    Pushable,
    ReadAll,
)
from handlers.notices.service.errors import NoSuchNotice
from handlers.notices.service.letters import DigestPost
from handlers.notices.settings import NoticesSettings
from handlers.notices.store import MailStore, NoticeStore, PreferenceStore
from handlers.social.service import Social
from handlers.users.service import Transact, Users
from server.clock import Clock
from server.events import Nobody, Publisher
from server.events import Users as ToUsers

URGENT: frozenset[Kind] = frozenset({"sign_in"})
"""Kinds that are pushed and mailed at once, at any hour."""


class Notices:
    """Everybody's notices."""

    def __init__(
        self,
        *,
        store: NoticeStore,
        preferences: PreferenceStore,
        mail: MailStore,
        post: DigestPost,
        users: Users,
        social: Social,
        clock: Clock,
        publish: Publisher,
        transact: Transact,
        settings: NoticesSettings,
    ) -> None:
        self._store = store
        self._preferences = preferences
        self._mail = mail
        self.post = post
        self._users = users
        self._social = social
        self._clock = clock
        self._publish = publish
        self._transact = transact
        self._settings = settings

    # What happened

    async def tell(self, one: Happening) -> None:
        """Something happened to somebody: note it and tell it by the ways that he wants. Repeatable without harm."""
        if one.user_id not in await self._users.existing([one.user_id]):
            return
        # An event may be heard late, and one of the two may have blocked the other meanwhile.
        if one.actor is None or not await self._social.blocked_among(one.user_id, [one.actor]):
            await self._transact(partial(self._tell, one))

    async def _tell(self, one: Happening) -> None:
        now, wishes = self._clock.now(), await self._preferences.of(one.user_id)
        ways = wishes.channels(one.kind)
        if not (ways.in_app or ways.push or ways.email):
            return
        since = now - timedelta(hours=self._settings.join_hours)
        added = await self._store.add(one, in_app=ways.in_app, mail=ways.email, now=now, since=since)
        if added is None:
            return
        kept, is_new = added
        if is_new:
            await self._store.trim(one.user_id, most=self._settings.kept)
        urgent = one.kind in URGENT
        if ways.email:
            await self._mail.plan(one.user_id, now if urgent else mail_at(wishes, now))
        quiet = quiet_until(wishes, now) is not None and not urgent
        await self._spread(kept, in_app=ways.in_app, push=ways.push and not quiet, quiet=quiet)

    async def _spread(self, kept: Kept, *, in_app: bool, push: bool, quiet: bool) -> None:
        (notice,) = await self._views([kept])
        unread = await self._unread(kept.user_id)
        if in_app:
            news = NoticeNews(notice=notice, unread=unread, silent=quiet)
            await self._publish(NoticeNew(news, to=ToUsers([kept.user_id])))
        if push:
            await self._publish(
                NoticePushed(NoticePush(user_id=kept.user_id, notice=notice, unread=unread), to=Nobody())
            )

    async def part(self, one: str, other: str) -> None:
        """The two shall see nothing of each other any more."""
        for actor, user_id in ((one, other), (other, one)):
            await self._tell_gone(await self._store.without(actor, user_id))

    async def forget(self, user_id: str) -> None:
        """Forget everything about an erased person."""
        await self._store.forget(user_id)
        await self._preferences.forget(user_id)
        await self._mail.forget(user_id)
        while touched := await self._store.without(user_id):
            await self._tell_gone(touched)

    async def to_push(self, user_id: str, notice_id: str) -> Pushable | None:
        """What a person's devices may be told of a notice as things stand now; None when it is read or gone."""
        found = await self._store.get(user_id, notice_id)
        if found is None or found[0].read:
            return None
        (kept, in_app), wishes = found, await self._preferences.of(user_id)
        quiet_hours = kept.kind not in URGENT and quiet_until(wishes, self._clock.now()) is not None
        cards = await self._users.cards(kept.actors) if kept.actors else {}
        return Pushable(
            title=wording.title(kept),
            text=wording.line(kept, cards),
            unread=await self._unread(user_id),
            in_app=in_app,
            quiet=quiet_hours or not wishes.channels(kept.kind).push,
        )

    async def expire(self) -> None:
        """Drop notices that are older than they are kept."""
        await self._store.expire(self._clock.now() - timedelta(days=self._settings.kept_days))

    # For the person

    async def listed(self, me: str, body: ListNotices) -> NoticePage:
        """A page of my notices, the latest first."""
        found = await self._store.listed(me, unread=body.unread, before=body.cursor, limit=body.limit + 1)
        page = found[: body.limit]
        return NoticePage(
            notices=await self._views(page),
            unread=await self._unread(me),
            next_cursor=page[-1].position if len(found) > body.limit else None,
        )

    async def read(self, me: str, notice_id: str) -> NoticesUnread:
        """I have read a notice. Raises NoSuchNotice."""
        was_unread = await self._store.read(me, notice_id)
        if was_unread is None:
            raise NoSuchNotice
        unread = await self._unread(me)
        if was_unread:
            await self._tell_read(me, NoticesRead(notice_ids=[notice_id], up_to=None, unread=unread))
        return NoticesUnread(unread=unread)

    async def read_all(self, me: str, body: ReadAll) -> NoticesUnread:
        """I have read everything up to a position, or everything."""
        count = await self._store.read_all(me, up_to=body.up_to)
        unread = await self._unread(me)
        if count:
            await self._tell_read(me, NoticesRead(notice_ids=None, up_to=body.up_to, unread=unread))
        return NoticesUnread(unread=unread)

    async def preferences(self, me: str) -> NoticeWishes:
        """How I want to be told."""
        return await self._preferences.of(me)

    async def change_preferences(self, me: str, body: NoticeWishesChange) -> NoticeWishes:
        """Change how I want to be told."""
        values: dict[str, Any] = {
            f"kinds.{kind}.{way}": wanted
            for kind, ways in body.model_dump(by_alias=True, exclude_none=True).get("kinds", {}).items()
            for way, wanted in ways.items()
        }
        chosen = body.model_dump(by_alias=True, exclude={"kinds"}, exclude_none=True)
        if "quiet_hours" in body.model_fields_set and body.quiet_hours is None:
            chosen["quietHours"] = None
        values |= chosen
        if not values:
            return await self._preferences.of(me)
        wishes = await self._preferences.change(me, values)
        await self._publish(NoticePreferences(wishes, to=ToUsers([me])))
        return wishes

    async def _unread(self, user_id: str) -> int:
        return await self._store.unread(user_id, upto=self._settings.kept + 1)

    async def _tell_read(self, user_id: str, payload: NoticesRead) -> None:
        await self._publish(NoticeRead(payload, to=ToUsers([user_id])))

    async def _tell_gone(self, touched: set[str]) -> None:
        for user_id in touched:
            gone = NoticesRead(notice_ids=[], up_to=None, unread=await self._unread(user_id))
            await self._tell_read(user_id, gone)

    async def _views(self, notices: Sequence[Kept]) -> list[Notice]:
        actors = {actor for one in notices for actor in one.actors}
        cards = await self._users.cards(actors) if actors else {}
        return [
            Notice(
                id=one.id,
                position=one.position,
                kind=one.kind,
                count=one.count,
                actors=[cards[actor] for actor in one.actors if actor in cards],
                subject=one.subject,
                is_read=one.read,
                created_at=one.created_at,
                updated_at=one.updated_at,
            )
            for one in notices
        ]
