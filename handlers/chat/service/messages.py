"""Saying something."""

from collections.abc import Callable, Sequence
from functools import partial

from prometheus_client import Counter

from handlers.chat.body import LIMITED, Body, body_of
from handlers.chat.events import MessageNew
from handlers.chat.models.messages import Message, NewMessage
from handlers.chat.service.access import Access, Enter
from handlers.chat.service.attachments import Attachments
from handlers.chat.service.checks import check_new, must_be_open, refuse
from handlers.chat.service.desk import Desk, hidden_from, place, unseen_by
from handlers.chat.service.lives import life_of
from handlers.chat.service.notes import Notes
from handlers.chat.service.people import People
from handlers.chat.service.requests import Requests
from handlers.chat.service.rights import Floor, rights_for
from handlers.chat.service.screening import Screening, said_in
from handlers.chat.service.state import State, States
from handlers.chat.service.summons import Summons
from handlers.chat.service.threads import Threads, replying
from handlers.chat.service.wire import message_of
from handlers.chat.store import Mark
from server.actors import Actor
from server.clock import Clock
from server.errors import Gone, Invalid
from server.routes import Pending
from storage.log import Appended, Draft, Entry, Guard, Log

ONCE_SECONDS = 14 * 86_400
"""How long something that is shown once waits for its readers."""

MESSAGES_SENT = Counter("messages_sent", "Total number of messages sent")


class Messages:
    """Takes messages in, in the order in which their sender's device sent them."""

    def __init__(
        self,
        *,
        access: Enter,
        desk: Desk,
        log: Log,
        states: States,
        people: People,
        notes: Notes,
        floor: Floor,
        summons: Summons,
        requests: Requests,
        attachments: Attachments,
        clock: Clock,
        used: Callable[[Actor], None],
        screening: Screening,
        stops_typing: Callable[[Actor, str], None],
        threads: Threads,
    ) -> None:
        self._access = access
        self._desk = desk
        self._log = log
        self._states = states
        self._people = people
        self._notes = notes
        self._floor = floor
        self._summons = summons
        self._requests = requests
        self._attachments = attachments
        self._clock = clock
        self._used = used
        self._screening = screening
        self._stops_typing = stops_typing
        self._threads = threads

    async def send(
        self, actor: Actor, message: NewMessage, *, op: str | None = None, forwards: int = 0
    ) -> Pending[Message]:
        """Say something. What is pending is the message, once it is safe and told.

        Raises Invalid, NotFound (not a member), Forbidden (the sender blocks the other), Restricted, Screened, Held,
        SlowDown, CalledAlready, RequestPending and CannotReach (he is a stranger, and not accepted), Overloaded and
        Unavailable, and of uploads NoMedia, NotReady and WrongKind; the result raises also Gone (sent before, and
        disappeared). With `op`, which stands for the `clientMessageId`, it is the server that sends in the name of
        somebody who may not be here. `forwards` counts its hops so far.
        """
        check_new(message)
        access = await self._access(message.conversation_id, actor, guarded=True)
        must_be_open(access.state.record)
        if op is None:
            self._used(actor)
            self._stops_typing(actor, message.conversation_id)
        access = await self._requests.admit(actor, access, message)
        await self._summons.check(actor, access, message.mentioned_user_ids)
        await self._desk.must_be_members(access, message.mentioned_user_ids)
        state, answers = access.state, None
        if message.reply_to_message_id is not None:
            answers = await self._must_see(access, message.reply_to_message_id)
        root = await self._threads.root(access, message.thread_root_id) if message.thread_root_id else None
        media = await self._attachments.of(actor, message, forwarded=forwards > 0) if message.given else ()
        hidden, needs, turn = await self._hidden(access), rights_for(message), op or message.client_message_id
        said, limited = partial(said_in, actor, message, media=media, op=op), False
        if state.record.screening:
            access = await self._floor.enter(actor, access, needs)  # who may not speak here is told so first
            limited, state = await self._screening.passes(said, access.state)
            hidden = LIMITED if limited else hidden
        also = partial(self._screening.again, said, state, limited=limited)
        guard = await self._floor.take(actor, access, needs, op=turn, also=also)
        called = [] if limited else await self._summons.take(actor, access, message, op=turn)
        body = self._body(message, media, state, hidden=hidden, called=called, answers=answers)
        if message.mention_everyone:
            guard = self._summons.guarded(actor, access, guard)
        if forwards:
            body["forwards"] = forwards
        asked = await self._requests.take(actor, access, turn)
        try:
            return self.submit(actor, state, body, expires_in=_wish(message), guard=guard, op=turn, root=root)
        except BaseException:
            await self._requests.give_back(actor, access, asked)
            raise

    async def approved(self, actor: Actor, message: NewMessage, *, op: str) -> Pending[Message]:
        """Say, in the name of its author, what an admin has approved of: no rule and no restriction of the group holds.

        Who is mentioned in it and is no longer a member, and what it answers and is no longer there, is left out.
        Raises as `send`.
        """
        access = await self._access(message.conversation_id, actor)
        root = await self._root_still_there(access, message.thread_root_id)
        there = [one for one in message.mentioned_user_ids if one in access.state.members]
        answered = message.reply_to_message_id
        answers = await self._seen(access, answered) if answered is not None else None
        changes: dict[str, object] = {
            "mentioned_user_ids": there,
            "reply_to_message_id": answered if answers else None,
            "thread_root_id": message.thread_root_id if root else None,
        }
        said = message.model_copy(update=changes)
        media = await self._attachments.of(actor, said) if said.given else ()
        called = await self._summons.take(actor, access, said, op=op)
        body = self._body(said, media, access.state, hidden=(), called=called, answers=answers)
        guard = self._desk.guard(access)
        return self.submit(actor, access.state, body, expires_in=_wish(said), guard=guard, op=op, root=root)

    def _body(
        self,
        message: NewMessage,
        media: Sequence[Body],
        state: State,
        *,
        hidden: Sequence[str],
        called: Sequence[str],
        answers: str | None,
    ) -> Body:
        return body_of(
            message,
            media,
            hidden_from=hidden,
            searchable=not state.record.is_encrypted,
            at=self._clock.now(),
            called=called,
            answers=answers,
        )

    def submit(
        self,
        actor: Actor,
        state: State,
        body: Body,
        *,
        expires_in: int | None,
        guard: Guard,
        op: str | None,
        root: Entry | None = None,
    ) -> Pending[Message]:
        """Append what somebody says, and tell it; what is pending is the message. Raises as `send`."""
        draft = Draft(
            conversation=state.id,
            kind="message",
            sender=actor.user_id,
            device=actor.device_id,
            op=op,
            body=body,
            # By the timer that holds when it is written: somebody may just have set another one elsewhere.
            life=lambda at: life_of(self._states.latest(state).record, expires_in, at),
            countable="hiddenFrom" not in body,
            guard=guard,
            known=state.seq,
            effects=None if root is None else replying(root, actor.user_id, body, state.members, at=self._clock.now()),
        )

        async def tell(appended: Appended) -> tuple[Message, MessageNew]:
            entry = appended.entry
            if entry.kind != "message" or entry.over:
                raise Gone("The message was sent before, and has disappeared since.")
            said = message_of(entry, None)
            event = MessageNew(said, to=self._desk.audience(state, entry))
            self._note(state, entry)
            if appended.duplicate:
                return message_of(entry, actor.user_id).model_copy(update={"duplicate": True}), event
            MESSAGES_SENT.inc()
            return said if entry.own_expires_at is None else message_of(entry, actor.user_id), event

        return self._desk.submit(draft, tell)

    async def _root_still_there(self, access: Access, wanted: str | None) -> Entry | None:
        try:
            return await self._threads.root(access, wanted) if wanted is not None else None
        except (Gone, Invalid):
            return None

    async def check_mentions(self, actor: Actor, access: Access, message: NewMessage) -> None:
        """Raises Invalid when somebody names more people than he may."""
        await self._summons.check(actor, access, message.mentioned_user_ids)

    def _note(self, state: State, entry: Entry) -> None:
        """Who says something has read up to there. It is noted for a repetition too: the first time may have failed."""
        conversation, sender, seq = entry.conversation, entry.sender, entry.seq
        begins = self._states.latest(state).record.read_timers
        if hidden_from(entry):
            mark = Mark(conversation, sender, seq, seq, shown=False, said_at=entry.at, begins=begins)
        else:
            self._notes.said(conversation, seq, entry.at)
            mark = Mark(conversation, sender, seq, seq, begins=begins)
        self._notes.read(mark)

    async def _hidden(self, access: Access) -> Sequence[str]:
        """The other one of a direct conversation, if he blocks the sender: he must not see what is said."""
        peer = access.state.peer(access.user_id)
        if peer is None or not await self._people.open_block(access.user_id, peer):
            return ()
        return (peer,)

    async def _must_see(self, access: Access, message_id: str) -> str:
        """Who said the message that is replied to. Raises Invalid."""
        sender = await self._seen(access, message_id)
        if sender is None:
            refuse("replyToMessageId", "there is no such message in this conversation")
        return sender

    async def _seen(self, access: Access, message_id: str) -> str | None:
        """Who said a message; None when there is none that this member sees."""
        seq = place(message_id, access.conversation_id)
        entry = await self._log.get(access.conversation_id, seq) if seq >= access.join_seq else None
        if entry is None or entry.kind != "message" or access.user_id in unseen_by(entry):
            return None
        return entry.sender


def _wish(message: NewMessage) -> int | None:
    """Seconds that a message shall live by its own wish; what is shown once does not wait for ever."""
    return min(message.expires_in or ONCE_SECONDS, ONCE_SECONDS) if message.view_once else message.expires_in
