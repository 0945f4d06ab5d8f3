"""How far members have received and read, and who may know it."""

import asyncio
from collections.abc import Callable

from handlers.chat.events import ConversationRead, ConversationUnread, ReceiptUpdate
from handlers.chat.models.conversations import OneConversation, Unread
from handlers.chat.models.messages import Receipts as Shown
from handlers.chat.models.reading import Reading, Watermarks
from handlers.chat.models.records import MemberRecord
from handlers.chat.service.access import Access, Enter
from handlers.chat.service.badges import Badges
from handlers.chat.service.checks import refuse
from handlers.chat.service.desk import place
from handlers.chat.service.history import History
from handlers.chat.service.notes import Notes
from handlers.chat.service.people import People
from handlers.chat.service.unread import Unreads
from handlers.chat.service.views import MOST_SHARED, Views, recipients, with_receipts
from handlers.chat.service.wire import message_of
from handlers.chat.store import Mark, MemberStore, TimerStore
from server.actors import Actor
from server.clock import Clock
from server.errors import Forbidden, NotFound
from server.events import Passing, Publisher, Users
from storage.log import Log


class Receipts:
    """Moves watermarks, and shows them."""

    def __init__(
        self,
        *,
        access: Enter,
        log: Log,
        members: MemberStore,
        timers: TimerStore,
        notes: Notes,
        people: People,
        unreads: Unreads,
        badges: Badges,
        history: History,
        views: Views,
        publish: Publisher,
        clock: Clock,
        used: Callable[[Actor], None],
    ) -> None:
        self._access = access
        self._used = used
        self._log = log
        self._members = members
        self._timers = timers
        self._notes = notes
        self._people = people
        self._unreads = unreads
        self._badges = badges
        self._history = history
        self._views = views
        self._publish = publish
        self._clock = clock

    async def mark(self, actor: Actor, wanted: Reading, *, read: bool) -> Unread:
        """Move a watermark forward, within what the member may see. Raises NotFound, Invalid."""
        access = await self._access(wanted.conversation_id, actor)
        if read:
            self._used(actor)
        head = await self._log.head(access.conversation_id)
        upto = max(min(self._upto(wanted, access), head), access.join_seq)
        shown = await self._shown(access)
        await self._notes.settle_in(access.conversation_id)
        mark = Mark(access.conversation_id, actor.user_id, upto if read else 0, upto, shown=shown, opened=read)
        if read and access.state.record.read_timers:
            await self._timers.begin([mark], at=self._clock.now())
        moved = await self._members.advance(mark, at=self._clock.now())
        if moved is None:
            raise NotFound("There is no such conversation.")
        before, after = moved
        unread = await self._unread(after, head, whole=read)
        if after.read_seq > before.read_seq or after.marked_unread is not before.marked_unread:
            await self._publish(ConversationRead(unread, to=Users([actor.user_id])))
        await self._tell(access, before, after)
        return unread

    async def mark_unread(self, actor: Actor, wanted: OneConversation) -> Unread:
        """Mark a conversation as unread until it is read: a flag, the watermarks stay. Raises NotFound."""
        access = await self._access(wanted.conversation_id, actor)
        await self._notes.settle_in(access.conversation_id)
        head = await self._log.head(access.conversation_id)
        member = await self._members.mark_unread(access.conversation_id, actor.user_id, head=head)
        if member is None:
            raise NotFound("There is no such conversation.")
        unread = await self._unread(member, head)
        await self._publish(ConversationUnread(unread, to=Users([actor.user_id])))
        return unread

    async def of_message(self, actor: Actor, message_id: str) -> Shown:
        """How far one's own message has come. Raises NotFound, Forbidden."""
        access, entry = await self._history.message(actor, message_id)
        if entry.sender != actor.user_id:
            raise Forbidden("Only the sender of a message sees how far it has come.")
        await self._notes.settle_in(access.conversation_id)
        members = await self._views.marks(access.conversation_id, actor.user_id)
        message = with_receipts(message_of(entry, actor.user_id), entry, members)
        named = len(access.state.members) <= MOST_SHARED
        return Shown(
            message_id=message.id,
            member_count=len(recipients(entry.seq, entry.sender, members)),
            delivered_count=len(message.delivered_to),
            read_count=len(message.read_by),
            delivered_to=message.delivered_to if named else [],
            read_by=message.read_by if named else [],
        )

    async def shows(self, actor: Actor, conversation_id: str) -> bool:
        """Whether the others may know how far somebody has received and read. Raises NotFound."""
        return await self._shown(await self._access(conversation_id, actor))

    async def _shown(self, access: Access) -> bool:
        peer = access.state.peer(access.user_id)
        blocked = peer is not None and (await self._people.block(access.user_id, peer)).stands
        asking = access.state.request_to is not None  # a stranger does not learn that he was read
        return not blocked and not asking and not await self._people.private([access.user_id])

    def _upto(self, wanted: Reading, access: Access) -> int:
        if (wanted.message_id is None) == (wanted.up_to_seq is None):
            refuse("messageId", "give either messageId or upToSeq")
        if wanted.message_id is not None:
            return place(wanted.message_id, access.conversation_id)
        return wanted.up_to_seq or 0

    async def _unread(self, member: MemberRecord, head: int, *, whole: bool = True) -> Unread:
        """The numbers of one conversation; `whole`: with the badge, for which all the others are counted, too."""

        async def total() -> int | None:
            return (await self._badges.of(member.user_id)).number if whole else None

        counts, number = await asyncio.gather(self._unreads.of(member.user_id, [member]), total())
        count = counts[member.conversation_id]
        return Unread(
            conversation_id=member.conversation_id,
            unread=count.unread,
            mentions=count.mentions,
            seq=head,
            read_seq=member.read_seq,
            delivered_seq=member.delivered_seq,
            marked_unread=member.marked_unread,
            total=number,
        )

    async def _tell(self, access: Access, before: MemberRecord, after: MemberRecord) -> None:
        """Let the others know, in conversations that are small enough for everybody to care."""
        shown = (after.shown_read_seq, after.shown_delivered_seq)
        if shown == (before.shown_read_seq, before.shown_delivered_seq) or len(access.state.members) > MOST_SHARED:
            return
        payload = Watermarks(
            conversation_id=access.conversation_id,
            user_id=access.user_id,
            read_seq=after.shown_read_seq,
            delivered_seq=after.shown_delivered_seq,
        )
        others = access.state.others(access.user_id)
        private = await self._people.private(others)
        await self._publish(ReceiptUpdate(payload, to=Passing([one for one in others if one not in private])))
