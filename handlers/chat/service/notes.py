"""Hints that are written a little later and together: what a sender has read by sending, and when something was said.

Neither is the truth (that is the log), so a crash may lose the last second of them: then a list is in an older order,
and a sender has read less. A process sees its own notes: it writes them down before it answers by them (`settle`).
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from datetime import datetime

from handlers.chat.store import ConversationStore, Mark, MemberStore, TimerStore
from server.clock import Clock

log = logging.getLogger("mixee.chat")

PAUSE = 1.0
"""Seconds between two writes."""
MAX_NOTES = 50_000
"""Notes that wait at most; what comes beyond is dropped."""


class Notes:
    """Gathers notes and writes them down once a second."""

    def __init__(
        self, conversations: ConversationStore, members: MemberStore, timers: TimerStore, clock: Clock
    ) -> None:
        self._conversations = conversations
        self._members = members
        self._timers = timers
        self._clock = clock
        self._said: dict[str, tuple[int, datetime]] = {}
        self._marks: dict[str, dict[tuple[str, bool], Mark]] = {}
        self._count = 0
        self._fresh = asyncio.Event()
        self._writing = asyncio.Lock()
        self.heard: Callable[[Collection[tuple[str, str]]], None] | None = None
        """Is told who (conversation, user) has read by saying something, when that is written down."""

    def said(self, conversation_id: str, seq: int, at: datetime) -> None:
        """A message was said."""
        known = self._said.get(conversation_id)
        if (known is None or known[0] < seq) and len(self._said) < MAX_NOTES:
            self._said[conversation_id] = (seq, at)
            self._fresh.set()

    def read(self, mark: Mark) -> None:
        """Somebody has read up to a place, by saying something there."""
        if self._count >= MAX_NOTES:
            return
        marks = self._marks.setdefault(mark.conversation_id, {})
        key = (mark.user_id, mark.shown)
        known = marks.get(key)
        if known is None or known.read < mark.read:
            self._count += known is None
            marks[key] = mark
            self._fresh.set()

    async def settle_in(self, conversation_id: str) -> None:
        """Write everything down now, if something of this conversation is to be written."""
        if conversation_id in self._marks or conversation_id in self._said or self._writing.locked():
            await self.settle()

    async def settle(self) -> None:
        """Write everything down now."""
        async with self._writing:
            said, self._said = self._said, {}
            marks = [mark for some in self._marks.values() for mark in some.values()]
            self._marks, self._count = {}, 0
            self._fresh.clear()
            try:
                await self._conversations.note_messages(said)
                # Before it counts as read: a message that was read and never disappears would be worse.
                await self._timers.begin([mark for mark in marks if mark.begins], at=self._clock.now())
                await self._members.advance_many(marks, at=self._clock.now())
                if marks and self.heard is not None:
                    self.heard({(mark.conversation_id, mark.user_id) for mark in marks})
            except BaseException:
                for conversation_id, (seq, at) in said.items():
                    self.said(conversation_id, seq, at)
                for mark in marks:
                    self.read(mark)
                raise

    async def run(self) -> None:
        """Write down what has gathered, until cancelled."""
        while True:
            await self._fresh.wait()
            await self.try_to_settle()
            await asyncio.sleep(PAUSE)

    async def try_to_settle(self) -> None:
        """Write everything down now, or let it be: it is kept for the next time."""
        try:
            await self.settle()
        except Exception:
            log.exception("notes could not be written down")
