"""Timers of conversations, and what becomes of messages whose time is over.

An expired message is in no answer from the moment on (the log shows an empty `noop` in its place). A job then deletes
what is still stored of it, within a minute, by an entry of the log that everybody hears of who could see it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from handlers.chat.body import Body, Unchanged, faded, gone_for
from handlers.chat.events import MessageDeleted, MessageHidden, MessageNew
from handlers.chat.models.conversations import MyConversation
from handlers.chat.models.timers import PRESETS, ChangedTimer
from handlers.chat.service.access import Access, Enter
from handlers.chat.service.bulletins import Bulletins
from handlers.chat.service.checks import refuse
from handlers.chat.service.deletions import hidden_event
from handlers.chat.service.desk import Desk, unseen_by
from handlers.chat.service.listing import Listing
from handlers.chat.service.notes import Notes
from handlers.chat.service.people import People
from handlers.chat.service.state import State, States
from handlers.chat.service.wire import expired_of, message_of
from handlers.chat.settings import ChatSettings
from handlers.chat.store import ConversationStore, Effect, auditing, scrubbing
from handlers.chat.store.pins import unpinning
from handlers.chat.store.stars import unstarring
from handlers.chat.store.threads import dropping
from handlers.chat.store.timers import TimerStore, told_over
from server.actors import Actor
from server.clock import Clock
from server.errors import Forbidden, MixeeError
from storage.log import Appended, Draft, Entry

log = logging.getLogger("mixee.chat")

AT_ONCE = 50
"""Messages that are swept together: they share a transaction, for which what is being said waits."""
ROUNDS = 100
"""Times that one run looks for more."""


class Timers:
    """Sets timers, and sweeps away what has expired."""

    def __init__(
        self,
        *,
        access: Enter,
        desk: Desk,
        states: States,
        bulletins: Bulletins,
        conversations: ConversationStore,
        people: People,
        listing: Listing,
        notes: Notes,
        store: TimerStore,
        clock: Clock,
        settings: ChatSettings,
    ) -> None:
        self._access = access
        self._desk = desk
        self._states = states
        self._bulletins = bulletins
        self._conversations = conversations
        self._people = people
        self._listing = listing
        self._notes = notes
        self._store = store
        self._clock = clock
        self._rules = settings

    async def set(self, actor: Actor, wanted: ChangedTimer) -> MyConversation:
        """Set the timer for what is sent from now on. Raises NotFound, Forbidden, Invalid."""
        access = await self._access(wanted.conversation_id, actor)
        record = access.state.record
        self._check(access.state, actor.user_id, wanted)
        if not wanted.seconds:
            wanted = wanted.model_copy(update={"mode": "after_send"})
        if (record.timer, record.timer_mode) != (wanted.seconds, wanted.mode):
            peer = access.state.peer(actor.user_id)
            hidden = peer if peer is not None and await self._people.open_block(actor.user_id, peer) else None
            # Both at once, so that nothing that is said here comes between them.
            setting = self._desk.submit(self._setting(actor, access, wanted), self._bulletins.tell)
            note = self._desk.submit(self._note(actor, access, wanted, hidden), self._tell_note(access.state))
            await asyncio.gather(setting, note)
        return await self._listing.one(actor, wanted.conversation_id)

    def _check(self, state: State, user_id: str, wanted: ChangedTimer) -> None:
        group, rules = state.record.type != "direct", self._rules
        if group and not state.manages(user_id):
            raise Forbidden("Only the group's admins can do this.")
        if group and wanted.mode == "after_read":
            refuse("mode", "is for direct conversations: in a group the time runs from the sending")
        if wanted.seconds not in {0, *PRESETS} and not rules.min_timer <= wanted.seconds <= rules.max_timer:
            refuse("seconds", f"must be 0, one of {PRESETS}, or {rules.min_timer} to {rules.max_timer}")

    def _setting(self, actor: Actor, access: Access, wanted: ChangedTimer) -> Draft:
        record, now = access.state.record, self._clock.now()
        body: dict[str, Any] = {"action": "settings", "fields": ["timer"]}
        values: dict[str, Any] = {"timer": wanted.seconds, "timer_mode": wanted.mode}
        if wanted.mode == "after_read":
            values["read_timers"] = True

        def effects(seq: int) -> list[Effect]:
            changing = self._conversations.changing(record.id, values, seq=seq, at=now)
            if record.type == "direct":
                return [changing]
            return [changing, auditing(record.id, body, seq=seq, by=actor.user_id, at=now)]

        return Draft(
            conversation=record.id,
            kind="settings",
            sender=actor.user_id,
            device=actor.device_id,
            body=dict(body),
            effects=effects,
            guard=self._desk.guard(access, lambda state: self._check(state, actor.user_id, wanted)),
            known=access.state.seq,
        )

    def _note(self, actor: Actor, access: Access, wanted: ChangedTimer, hidden_from: str | None) -> Draft:
        """The system message. It stays, and counts for nobody as unread."""
        system = {"action": "timer", "seconds": wanted.seconds, "mode": wanted.mode}
        body: Body = {"type": "system", "content": _words(wanted), "system": system}
        return Draft(
            conversation=access.conversation_id,
            kind="message",
            sender=actor.user_id,
            device=actor.device_id,
            body=body | ({"hiddenFrom": [hidden_from]} if hidden_from else {}),
            guard=self._desk.guard(access, lambda state: self._check(state, actor.user_id, wanted)),
            known=access.state.seq,
        )

    def _tell_note(self, state: State) -> Callable[[Appended], Awaitable[tuple[None, MessageNew]]]:
        async def tell(appended: Appended) -> tuple[None, MessageNew]:
            entry = appended.entry
            self._notes.said(entry.conversation, entry.seq, entry.at)
            return None, MessageNew(message_of(entry, None), to=self._desk.audience(state, entry))

        return tell

    async def sweep(self) -> int:
        """Delete what is stored of messages whose time is over; how many. Twice at once does no harm."""
        count = 0
        for _ in range(ROUNDS):
            now = self._clock.now()
            over = await self._store.over(now, AT_ONCE)
            await self._all(over, self._end_for_sender)
            expired = await self._store.expired(now, AT_ONCE)
            await self._store.strip([one for one in expired if "deletedAt" in one.body])
            await self._all([one for one in expired if "deletedAt" not in one.body], self._end)
            count += len(over) + len(expired)
            if max(len(over), len(expired)) < AT_ONCE:
                break
        return count

    async def _all(self, messages: list[Entry], end: Callable[[Entry], Awaitable[None]]) -> None:
        outcomes = await asyncio.gather(*map(end, messages), return_exceptions=True)
        for message, outcome in zip(messages, outcomes, strict=True):
            if isinstance(outcome, MixeeError):
                log.warning("an expired message is kept a little longer (%s): %s", message.seq, outcome)
            elif isinstance(outcome, BaseException) and not isinstance(outcome, Unchanged):
                raise outcome

    async def _end(self, message: Entry) -> None:
        """Delete a message that is over for everybody."""
        conversation_id, seq, now = message.conversation, message.seq, self._clock.now()

        def change(entry: Entry, _: int) -> Body:
            if "type" not in entry.body or entry.expires_at is None or entry.expires_at > now:
                raise Unchanged
            return faded(entry.body, at=entry.expires_at)

        def effects(own: int) -> list[Effect]:
            return [
                scrubbing(conversation_id, seq, own),
                unpinning(conversation_id, seq),
                unstarring(conversation_id, seq),
                dropping(conversation_id, seq),
                told_over(conversation_id, seq, whole=True),
            ]

        async def tell(appended: Appended) -> tuple[None, MessageDeleted | None]:
            state = await self._states.current(conversation_id)
            return None, None if state is None else expired_event(state, appended.entry)

        draft = Draft(
            conversation=conversation_id,
            kind="delete",
            sender="",
            target=seq,
            change=change,
            even_expired=True,
            uncount=True,
            effects=effects,
        )
        await self._desk.submit(draft, tell)

    async def _end_for_sender(self, message: Entry) -> None:
        """Delete a message for its sender, for whom it is over."""
        conversation_id, seq, sender = message.conversation, message.seq, message.sender

        def change(entry: Entry, _: int) -> Body:
            if sender in entry.body.get("goneFor", ()):
                return entry.body
            return gone_for({name: value for name, value in entry.body.items() if name != "veil"}, sender)

        async def tell(appended: Appended) -> tuple[None, MessageHidden | None]:
            state = await self._states.current(conversation_id)
            return None, None if state is None else hidden_event(state, appended.entry)

        draft = Draft(
            conversation=conversation_id,
            kind="hide",
            sender=sender,
            target=seq,
            change=change,
            even_expired=True,
            effects=lambda _: [
                told_over(conversation_id, seq, whole=False),
                unstarring(conversation_id, seq, sender),
            ],
        )
        await self._desk.submit(draft, tell)


def expired_event(state: State, entry: Entry) -> MessageDeleted:
    """The event of an entry by which an expired message was deleted: for everybody who could see it."""
    audience = state.audience(entry.target or 0, unseen_by(entry))
    return MessageDeleted(expired_of(entry), to=state.told(entry.seq, audience))


def _words(wanted: ChangedTimer) -> str:
    """What the system message says to a client that has no words of its own."""
    if not wanted.seconds:
        return "Messages do not disappear any more."
    since = "was read" if wanted.mode == "after_read" else "was sent"
    return f"A message disappears {_span(wanted.seconds)} after it {since}."


def _span(seconds: int) -> str:
    units = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
    unit, name = next(one for one in units if seconds % one[0] == 0)
    number = seconds // unit
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
