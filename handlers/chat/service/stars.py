"""Starring messages: for oneself alone, as long as one may see them."""

from collections.abc import Sequence

from handlers.chat.body import seen_by
from handlers.chat.cursors import read_cursor, write_cursor
from handlers.chat.events import MessageStarred
from handlers.chat.models.messages import OneMessage
from handlers.chat.models.stars import ListedStars, Star, StarPage, StarredMessage
from handlers.chat.models.values import split_message_id
from handlers.chat.service.access import Enter
from handlers.chat.service.checks import refuse
from handlers.chat.service.errors import StarLimit
from handlers.chat.service.history import History
from handlers.chat.service.views import Eyes
from handlers.chat.service.wire import message_of
from handlers.chat.settings import ChatSettings
from handlers.chat.store import MemberStore
from handlers.chat.store.stars import StarRecord, StarStore, star_key
from server.actors import Actor
from server.clock import Clock
from server.errors import Gone
from server.events import Publisher, Users
from storage.log import Entry, Log


class Stars:
    """Stars messages, and lists them."""

    def __init__(
        self,
        *,
        access: Enter,
        history: History,
        log: Log,
        members: MemberStore,
        store: StarStore,
        publish: Publisher,
        clock: Clock,
        settings: ChatSettings,
    ) -> None:
        self._access = access
        self._history = history
        self._log = log
        self._members = members
        self._store = store
        self._publish = publish
        self._clock = clock
        self._most = settings.max_stars

    async def star(self, actor: Actor, wanted: OneMessage) -> Star:
        """Star a message; one that is starred stays so. Raises NotFound, Gone, StarLimit."""
        _, entry = await self._history.message(actor, wanted.message_id)
        if "deletedAt" in seen_by(entry.body, actor.user_id):
            raise Gone("The message was deleted.")
        now = self._clock.now()
        since = await self._store.add(actor.user_id, entry.conversation, entry.seq, at=now, most=self._most)
        if since is None:
            raise StarLimit(f"You can star up to {self._most} messages: take some stars away first.")
        star = Star(message_id=wanted.message_id, conversation_id=entry.conversation, starred_at=since)
        await self._publish(MessageStarred(star, to=Users([actor.user_id])))
        return star

    async def unstar(self, actor: Actor, wanted: OneMessage) -> Star:
        """Take a star away. Raises NotFound (not a member)."""
        conversation_id, seq = split_message_id(wanted.message_id)
        await self._access(conversation_id, actor)
        await self._store.drop([star_key(actor.user_id, conversation_id, seq)])
        star = Star(message_id=wanted.message_id, conversation_id=conversation_id, starred_at=None)
        await self._publish(MessageStarred(star, to=Users([actor.user_id])))
        return star

    async def page(self, actor: Actor, wanted: ListedStars) -> StarPage:
        """Some starred messages. What the person may not see any more is not starred any more. Raises NotFound."""
        if wanted.conversation_id is not None:
            await self._access(wanted.conversation_id, actor)
        try:
            after = read_cursor(wanted.cursor) if wanted.cursor else None
        except ValueError:
            refuse("cursor", "is not one of ours")
        rows = await self._store.page(actor.user_id, wanted.conversation_id, after=after, limit=wanted.limit + 1)
        page = rows[: wanted.limit]
        found = await self._seen(actor.user_id, page)
        await self._store.drop([one.key for one in page if one.key not in found])
        return StarPage(
            stars=[
                StarredMessage(starred_at=one.at, message=message_of(found[one.key], actor.user_id))
                for one in page
                if one.key in found
            ],
            next_cursor=write_cursor(page[-1].at, page[-1].key) if len(rows) > len(page) else None,
        )

    async def _seen(self, user_id: str, stars: Sequence[StarRecord]) -> dict[str, Entry]:
        """The messages that the person may see still, by star."""
        mine = await self._members.of_user_among(user_id, {one.conversation_id for one in stars})
        entries = await self._log.get_places([(one.conversation_id, one.seq) for one in stars])
        found: dict[str, Entry] = {}
        for one in stars:
            member, entry = mine.get(one.conversation_id), entries.get((one.conversation_id, one.seq))
            if member is None or entry is None or entry.kind != "message":
                continue
            deleted = "deletedAt" in seen_by(entry.body, user_id)
            if Eyes(user_id, member.join_seq).may_see(entry) and not deleted:
                found[one.key] = entry
        return found
