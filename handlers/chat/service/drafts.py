"""Drafts: kept for their author alone, and told to his other devices."""

from handlers.chat.cursors import read_cursor, write_cursor
from handlers.chat.events import DraftChanged
from handlers.chat.models.drafts import DraftNews, DraftPage, ListedDrafts, MessageDraft, SavedDraft
from handlers.chat.service.access import Enter
from handlers.chat.service.checks import refuse
from handlers.chat.service.desk import place
from handlers.chat.service.errors import DraftLimit
from handlers.chat.settings import ChatSettings
from handlers.chat.store import MemberStore
from handlers.chat.store.drafts import DraftStore
from server.actors import Actor
from server.clock import Clock
from server.errors import Forbidden
from server.events import Publisher, Users


class Drafts:
    """Keeps drafts."""

    def __init__(
        self,
        *,
        access: Enter,
        members: MemberStore,
        store: DraftStore,
        publish: Publisher,
        clock: Clock,
        settings: ChatSettings,
    ) -> None:
        self._access = access
        self._members = members
        self._store = store
        self._publish = publish
        self._clock = clock
        self._most = settings.max_drafts

    async def save(self, actor: Actor, wanted: SavedDraft) -> MessageDraft:
        """Keep what somebody has written so far; the last device wins. Raises NotFound, Forbidden, DraftLimit."""
        access = await self._access(wanted.conversation_id, actor)
        if access.state.record.is_encrypted:
            raise Forbidden("In an encrypted conversation drafts stay on the device.")
        if wanted.reply_to_message_id is not None:
            place(wanted.reply_to_message_id, wanted.conversation_id)
        draft = MessageDraft(**wanted.model_dump(), updated_at=self._clock.now())
        if not await self._store.put(actor.user_id, draft, most=self._most):
            raise DraftLimit(f"You can have {self._most} drafts: send or drop one first.")
        await self._tell(actor, wanted.conversation_id, draft)
        return draft

    async def drop(self, actor: Actor, conversation_id: str) -> None:
        """Take a draft away: it was sent, or is not wanted any more. Raises NotFound (not a member)."""
        await self._access(conversation_id, actor)
        if await self._store.drop(actor.user_id, conversation_id):
            await self._tell(actor, conversation_id, None)

    async def page(self, actor: Actor, wanted: ListedDrafts) -> DraftPage:
        """Some drafts, those of conversations that the person is in."""
        try:
            after = read_cursor(wanted.cursor) if wanted.cursor else None
        except ValueError:
            refuse("cursor", "is not one of ours")
        rows = await self._store.page(actor.user_id, after=after, limit=wanted.limit + 1)
        page = rows[: wanted.limit]
        mine = await self._members.of_user_among(actor.user_id, [draft.conversation_id for _, draft in page])
        last = page[-1] if len(rows) > len(page) else None
        return DraftPage(
            drafts=[draft for _, draft in page if draft.conversation_id in mine],
            next_cursor=write_cursor(last[1].updated_at, last[0]) if last else None,
        )

    async def _tell(self, actor: Actor, conversation_id: str, draft: MessageDraft | None) -> None:
        news = DraftNews(conversation_id=conversation_id, device_id=actor.device_id, draft=draft)
        await self._publish(DraftChanged(news, to=Users([actor.user_id])))
