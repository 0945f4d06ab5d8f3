"""T-UNREAD: whatever five people do on three devices each, everybody always knows the same about what is unread.

After every pause the server's numbers, a recount of the log, what each connected device has counted by itself, and the
badge that a sleeping device was told last must be equal.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Coroutine
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from handlers.chat.models.conversations import ChangedConversation, NewParticipants, OneConversation, OneParticipant
from handlers.chat.models.messages import ChangedMessage, OneMessage, OneReaction
from handlers.chat.models.reading import Reading
from handlers.chat.models.timers import ChangedTimer
from handlers.social.models import NewBlock
from server.errors import MixeeError
from tests.properties.device import Refused
from tests.properties.place import PEOPLE, Place

SHORT, LONG, JUMP = 60, 200, 110
"""Seconds that messages last, and that a jump of the clock takes: nothing expires but by a jump."""
AWAKE = 2
RECENT = 6

PERSON = st.integers(0, PEOPLE - 1)
DEVICE = st.integers(0, AWAKE - 1)
WHERE = st.integers(0, 3)
BACK = st.integers(0, RECENT - 1)
LASTING = st.sampled_from((None, None, None, SHORT, LONG))

_numbers = itertools.count(1)


class Unread(RuleBasedStateMachine):
    """One story. `place` and `loop` are set by whoever runs it."""

    place: ClassVar[Place]
    loop: ClassVar[asyncio.AbstractEventLoop]

    def __init__(self) -> None:
        super().__init__()
        self.begun = False
        self.stirred = False
        """Whether anything has happened since everything was counted."""
        self.said: dict[int, list[tuple[int, int]]] = {}
        """Places and senders of what was said, by conversation."""

    def run(self, doing: Coroutine[Any, Any, Any]) -> None:
        """Let it happen; what the server refuses is no matter."""
        self.loop.run_until_complete(self._run(doing))

    async def _run(self, doing: Awaitable[Any]) -> None:
        if not self.begun:
            self.begun = True
            await self.place.begin()
        self.stirred = True
        with contextlib.suppress(MixeeError, Refused):
            await doing

    @rule(who=PERSON, device=DEVICE, where=WHERE, lasting=LASTING, naming=st.none() | PERSON)
    def say(self, who: int, device: int, where: int, lasting: int | None, naming: int | None) -> None:
        """Somebody says something, perhaps to somebody, perhaps for a while."""
        self.run(self._say(who, device, where, lasting=lasting, naming=naming))

    @rule(several=st.lists(st.tuples(PERSON, DEVICE, WHERE), min_size=2, max_size=6), waking=st.none() | PERSON)
    def say_at_once(self, several: list[tuple[int, int, int]], waking: int | None) -> None:
        """Several people say something at the same moment, while a device perhaps comes back."""

        async def all_of_it() -> None:
            doing = [self._quietly(self._say(who, device, where)) for who, device, where in several]
            if waking is not None:
                doing.append(self._quietly(self.place.wake(waking, AWAKE - 1)))
            await asyncio.gather(*doing)

        self.run(all_of_it())

    @rule(who=PERSON, device=DEVICE, where=WHERE, back=BACK, read=st.booleans())
    def mark(self, who: int, device: int, where: int, back: int, read: bool) -> None:
        """Somebody reads, or his device receives, up to one of the last entries."""
        self.run(self._mark(who, device, where, back, read=read))

    @rule(who=PERSON, where=WHERE)
    def mark_unread(self, who: int, where: int) -> None:
        """Somebody marks a conversation as unread by hand."""

        async def mark() -> None:
            conversation = self.place.conversations[where]
            wanted = OneConversation(conversation_id=conversation)
            answer = await self.place.chat(who % 2).receipts.mark_unread(self.place.actor(who), wanted)
            self.place.deeds.marked[self.place.people[who], conversation] = answer.seq

        self.run(mark())

    @rule(who=PERSON, where=WHERE, back=BACK, for_all=st.booleans())
    def take_away(self, who: int, where: int, back: int, for_all: bool) -> None:
        """Somebody deletes a message, for all or for himself."""

        async def take() -> None:
            actor, wanted = self.place.actor(who), self._message(where, back)
            if wanted is not None and for_all:
                await (await self.place.chat(who % 2).changes.delete(actor, OneMessage(message_id=wanted)))
            elif wanted is not None:
                await self.place.chat(who % 2).deletions.hide(actor, OneMessage(message_id=wanted))

        self.run(take())

    @rule(who=PERSON, where=WHERE, back=BACK, edit=st.booleans())
    def change(self, who: int, where: int, back: int, edit: bool) -> None:
        """Somebody edits a message or reacts to it, which nobody has to read."""

        async def change() -> None:
            actor, wanted, chat = self.place.actor(who), self._message(where, back), self.place.chat(who % 2)
            if wanted is not None and edit:
                changed = ChangedMessage(message_id=wanted, content=f"edited {next(_numbers)}")
                await (await chat.changes.edit(actor, changed))
            elif wanted is not None:
                await (await chat.changes.react(actor, OneReaction(message_id=wanted, emoji="👍"), on=True))

        self.run(change())

    @rule(who=PERSON, other=PERSON)
    def block(self, who: int, other: int) -> None:
        """Somebody blocks another, or no longer does."""

        async def block() -> None:
            blocks, deeds = self.place.pair[who % 2].service("social").blocks, self.place.deeds
            one, two = self.place.people[who], self.place.people[other]
            if (one, two) in deeds.blocks:
                await blocks.unblock(one, two)
                deeds.blocks.discard((one, two))
            else:
                await blocks.block(one, NewBlock(user_id=two))
                deeds.blocks.add((one, two))

        self.run(block())

    @rule(who=PERSON, where=WHERE, on=st.booleans(), lasting=LASTING)
    def mute(self, who: int, where: int, on: bool, lasting: int | None) -> None:
        """Somebody mutes a conversation, perhaps for a while, or no longer does."""

        async def mute() -> None:
            conversation, muted = self.place.conversations[where], self.place.deeds.muted
            until = self.place.clock.now() + timedelta(seconds=lasting) if on and lasting else None
            wanted = ChangedConversation(conversation_id=conversation, muted=on, muted_until=until)
            await self.place.chat(who % 2).conversations.change(self.place.actor(who), wanted)
            key = self.place.people[who], conversation
            muted.pop(key, None)
            if on:
                muted[key] = until

        self.run(mute())

    @rule(who=PERSON, where=WHERE, on=st.booleans(), keep=st.booleans())
    def archive(self, who: int, where: int, on: bool, keep: bool) -> None:
        """Somebody archives a conversation, for good or up to the next message, or takes it out again."""

        async def archive() -> None:
            conversation, archived = self.place.conversations[where], self.place.deeds.archived
            wanted = ChangedConversation(
                conversation_id=conversation, is_archived=on, keep_archived=keep if on else None
            )
            place = await self.place.head(conversation)
            await self.place.chat(who % 2).conversations.change(self.place.actor(who), wanted)
            key = self.place.people[who], conversation
            archived.pop(key, None)
            if on:
                archived[key] = None if keep else place

        self.run(archive())

    @rule(who=PERSON, where=WHERE, seconds=st.sampled_from((0, SHORT, LONG)), after_read=st.booleans())
    def set_timer(self, who: int, where: int, seconds: int, after_read: bool) -> None:
        """What is said from now on disappears after a while, by itself or once it was read; or it stays."""

        async def set_it() -> None:
            wanted = ChangedTimer(
                conversation_id=self.place.conversations[where],
                seconds=seconds,
                mode="after_read" if after_read else "after_send",
            )
            await self.place.chat(who % 2).timers.set(self.place.actor(who), wanted)

        self.run(set_it())

    @rule(who=PERSON, where=st.integers(0, 1))
    def come_or_go(self, who: int, where: int) -> None:
        """Somebody leaves a group, or is brought into it again."""

        async def come_or_go() -> None:
            conversation, owner = self.place.conversations[where], self.place.members[where][0]
            chat, person = self.place.chat(who % 2), self.place.people[who]
            if who == owner or who not in self.place.members[where]:
                return
            target = OneParticipant(conversation_id=conversation, user_id=person)
            try:
                await chat.participants.remove(self.place.actor(who), target)
            except MixeeError:
                again = NewParticipants(conversation_id=conversation, user_ids=[person])
                await chat.participants.add(self.place.actor(owner), again)
            for kept in (self.place.deeds.muted, self.place.deeds.archived, self.place.deeds.marked):
                kept.pop((person, conversation), None)

        self.run(come_or_go())

    @rule(who=PERSON, device=DEVICE)
    def come_back_or_hang_up(self, who: int, device: int) -> None:
        """A device loses its connection, or comes back and catches up."""

        async def change() -> None:
            one = self.place.devices[who, device]
            await (one.sleep() if one.awake else self.place.wake(who, device))

        self.run(change())

    @precondition(lambda self: self.begun)
    @rule()
    def time_passes(self) -> None:
        """What was said for a while is over."""
        self.stirred = True
        self.place.clock.advance(seconds=JUMP)

    @precondition(lambda self: self.stirred)
    @rule()
    def pause(self) -> None:
        """Everybody rests, and everything is counted."""
        self.stirred = False
        self.loop.run_until_complete(self.place.check())

    def teardown(self) -> None:
        """The last pause."""
        if not self.begun:
            return
        try:
            self.pause()
        finally:
            self.loop.run_until_complete(self.place.end())

    async def _quietly(self, doing: Awaitable[Any]) -> None:
        with contextlib.suppress(MixeeError, Refused):
            await doing

    async def _say(self, who: int, device: int, where: int, **more: Any) -> None:
        one = self.place.devices[who, device]
        if not one.awake:
            return
        wanted: dict[str, Any] = {
            "conversationId": self.place.conversations[where],
            "clientMessageId": f"story-{next(_numbers)}",
            "type": "text",
            "content": "Hello",
        }
        if more.get("lasting") is not None:
            wanted["expiresIn"] = more["lasting"]
        if more.get("naming") is not None:
            wanted["mentionedUserIds"] = [self.place.people[more["naming"]]]
        answer = await one.ask("message:send", wanted)
        self.said.setdefault(where, []).append((answer["seq"], who))

    async def _mark(self, who: int, device: int, where: int, back: int, *, read: bool) -> None:
        conversation, person = self.place.conversations[where], self.place.people[who]
        upto = max([seq for seq, _ in self.said.get(where, [(1, 0)])]) - back
        if upto < 1:
            return
        chat = self.place.chat((who + device) % 2)
        wanted = Reading(conversation_id=conversation, up_to_seq=upto)
        answer = await chat.receipts.mark(self.place.actor(who, device), wanted, read=read)
        if read:
            assert answer.read_seq >= upto
            key = person, conversation
            self.place.deeds.read[key] = max(self.place.deeds.read.get(key, 0), upto)
            self.place.deeds.marked.pop(key, None)

    def _message(self, where: int, back: int) -> str | None:
        said = self.said.get(where, [])
        return f"{self.place.conversations[where]}:{said[-1 - back][0]}" if back < len(said) else None


def stories(number: int, *, count: int = 1, steps: int = 40) -> None:
    """Play what Hypothesis makes of one seed; the first of its stories is always the shortest there is, so it is extra.

    Raises AssertionError with the shortest story that shows what is wrong.
    """
    chosen = settings(
        max_examples=count + 1,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    run_state_machine_as_test(seed(number)(Unread), settings=chosen)
