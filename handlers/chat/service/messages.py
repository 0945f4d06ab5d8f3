"""Saying something."""

from collections.abc import Callable
from datetime import datetime, timedelta

from prometheus_client import Counter

from handlers.chat.body import body_of
from handlers.chat.events import MessageNew
from handlers.chat.models.messages import Message, NewMessage
from handlers.chat.service.access import Access, Enter
from handlers.chat.service.attachments import Attachments
from handlers.chat.service.checks import check_new, refuse
from handlers.chat.service.desk import Desk, hidden_from, place, unseen_by
from handlers.chat.service.notes import Notes
from handlers.chat.service.people import People
from handlers.chat.service.rights import Floor, rights_for
from handlers.chat.service.summons import Summons
from handlers.chat.service.wire import message_of
from handlers.chat.store import Mark
from server.actors import Actor
from server.clock import Clock
from server.errors import Gone
from server.routes import Pending
from storage.log import Appended, Draft, Entry, Log

MESSAGES_SENT = Counter("messages_sent", "Total number of messages sent")


class Messages:
    """Takes messages in, in the order in which their sender's device sent them."""

    def __init__(
        self,
        *,
        access: Enter,
        desk: Desk,
        log: Log,
        people: People,
        notes: Notes,
        floor: Floor,
        summons: Summons,
        attachments: Attachments,
        clock: Clock,
        used: Callable[[Actor], None],
    ) -> None:
        self._access = access
        self._desk = desk
        self._log = log
        self._people = people
        self._notes = notes
        self._floor = floor
        self._summons = summons
        self._attachments = attachments
        self._clock = clock
        self._used = used

    async def send(
        self, actor: Actor, message: NewMessage, *, op: str | None = None, forwards: int = 0
    ) -> Pending[Message]:
        """Say something. What is pending is the message, once it is safe and told.

        Raises Invalid, NotFound (not a member), Forbidden (the sender blocks the other), Restricted, SlowDown,
        CalledAlready, Overloaded and Unavailable, and of uploads NoMedia, NotReady and WrongKind; the result raises
        also Gone (sent before, and disappeared). With `op`, which stands for the `clientMessageId`, it is the server
        that sends in the name of somebody who may not be here. `forwards` counts its hops so far.
        """
        check_new(message)
        access = await self._access(message.conversation_id, actor, guarded=True)
        if op is None:
            self._used(actor)
        await self._summons.check(actor, access, message.mentioned_user_ids)
        await self._desk.must_be_members(access, message.mentioned_user_ids)
        state, answers = access.state, None
        if message.reply_to_message_id is not None:
            answers = await self._must_see(access, message.reply_to_message_id)
        hidden = await self._hidden(access)
        media = await self._attachments.of(actor, message, forwarded=forwards > 0) if message.given else ()
        turn = op or message.client_message_id
        guard = await self._floor.take(actor, access, rights_for(message), op=turn)
        called = await self._summons.take(actor, access, message, op=turn)
        body = body_of(
            message,
            media,
            hidden_from=hidden,
            searchable=not state.record.is_encrypted,
            at=self._clock.now(),
            called=called,
            answers=answers,
        )
        draft = Draft(
            conversation=state.id,
            kind="message",
            sender=actor.user_id,
            device=actor.device_id,
            op=turn,
            body={**body, "forwards": forwards} if forwards else body,
            expires_at=self._expiry(access, message.expires_in),
            countable=hidden is None,
            guard=self._summons.guarded(actor, access, guard) if message.mention_everyone else guard,
            known=state.seq,
        )

        async def tell(appended: Appended) -> tuple[Message, MessageNew]:
            entry = appended.entry
            if entry.kind != "message":
                raise Gone("The message was sent before, and has disappeared since.")
            said = message_of(entry, None)
            event = MessageNew(said, to=self._desk.audience(state, entry))
            self._note(entry)
            if appended.duplicate:
                return message_of(entry, actor.user_id).model_copy(update={"duplicate": True}), event
            MESSAGES_SENT.inc()
            return said, event

        return self._desk.submit(draft, tell)

    async def check_mentions(self, actor: Actor, access: Access, message: NewMessage) -> None:
        """Raises Invalid when somebody names more people than he may."""
        await self._summons.check(actor, access, message.mentioned_user_ids)

    def _note(self, entry: Entry) -> None:
        """Who says something has read up to there. It is noted for a repetition too: the first time may have failed."""
        conversation, sender, seq = entry.conversation, entry.sender, entry.seq
        if hidden_from(entry):
            self._notes.read(Mark(conversation, sender, seq, seq, shown=False, said_at=entry.at))
        else:
            self._notes.said(conversation, seq, entry.at)
            self._notes.read(Mark(conversation, sender, seq, seq))

    async def _hidden(self, access: Access) -> str | None:
        """The other one of a direct conversation, if he blocks the sender: he must not see what is said."""
        peer = access.state.peer(access.user_id)
        if peer is None or not await self._people.open_block(access.user_id, peer):
            return None
        return peer

    async def _must_see(self, access: Access, message_id: str) -> str:
        """Who said the message that is replied to. Raises Invalid."""
        seq = place(message_id, access.conversation_id)
        entry = await self._log.get(access.conversation_id, seq) if seq >= access.join_seq else None
        if entry is None or entry.kind != "message" or access.user_id in unseen_by(entry):
            refuse("replyToMessageId", "there is no such message in this conversation")
        return entry.sender

    def _expiry(self, access: Access, expires_in: int | None) -> datetime | None:
        """When the message disappears: by its own wish or by the conversation's retention, whichever is first."""
        spans = [timedelta(days=days)] if (days := access.state.record.message_retention) else []
        if expires_in is not None:
            spans.append(timedelta(seconds=expires_in))
        return self._clock.now() + min(spans) if spans else None
