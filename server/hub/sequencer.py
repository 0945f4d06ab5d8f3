"""Order within a conversation: each entry reaches this process's clients once and in the order of the log.

Two processes may publish entries 5 and 6 of one conversation at the same moment, and Redis may bring 6 first, or lose
5. The sequencer remembers the last entry it let through for each conversation it has seen. What is next goes through at
once; what comes twice is dropped; what comes too early waits `hold` seconds for the missing ones, and then these are
read from the log.

What was read goes to the connections that are older than the entry (`late`): the others have read for themselves.

A process hears of a conversation while somebody of it is connected here, so it may come back to one after many entries.
A hole of more than `MAX_HOLE` is not read: the conversation begins anew. A loss at the end of a conversation shows in
no hole; `check` compares with the log's last entry.

A conversation that this process has not seen yet begins with what comes first, after the same wait for anything older.
An entry just before it may have been lost (its process died before it told anybody), so the log's last `TAIL` entries
are read too, as far as they were appended since this process listens.
After `forget` the same holds, with the difference that what was let through before is known and never comes again.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from server.hub.frames import Frame
from storage.tasks import end

log = logging.getLogger("mixee.hub")

Fill = Callable[[str, int, int], Awaitable[Sequence[Frame]]]
"""Reads entries `first` to `last` (both included) of a conversation from the log, as frames."""


Heads = Callable[[Sequence[str]], Awaitable[Mapping[str, int]]]
"""Reads the last entry's `seq` of each conversation, in few questions."""


async def _unknown(conversations: Sequence[str]) -> Mapping[str, int]:
    raise LookupError(f"nobody said where the heads of {len(conversations)} conversations are read")


async def _nowhere(conversation: str, first: int, last: int) -> Sequence[Frame]:
    raise LookupError(f"nobody said where entries {first} to {last} of {conversation} are read")


TAIL = 20
"""Entries before the first one seen that are looked at; if all are new, the clients are told to `sync` as well."""

SLACK_SECONDS = 10.0
"""An entry bears the time at which it was about to be written. It may be committed so much later, by another clock."""

MAX_HOLE = 200
"""Entries that are read for one hole."""
ACTIVE_SECONDS = 600.0
"""A conversation that somebody here was told of in this time is one that is compared with the log."""
MAX_CHECKED = 5_000
"""Conversations of one comparison, the most recent ones."""

MAX_HELD = 1_000
"""Frames of one conversation that wait for a missing one; beyond it the clients are told to `sync`."""


@dataclass(slots=True)
class _Conversation:
    """`last`: the youngest entry let through; -1 while it is not known where to begin. `floor`: as before `forget`.

    `told`: when somebody here was told an entry, by the time of the loop.
    """

    last: int
    floor: int = 0
    held: dict[int, Frame] = field(default_factory=dict)
    timer: asyncio.TimerHandle | None = None
    filling: bool = False
    told: float = float("-inf")


class Sequencer:
    """Lets frames through to `deliver` in order; asks `fill` for what is missing; calls `lost` when that fails.

    `deliver` and `late` answer whether there was anybody to tell; `local` whether anybody in a frame's audience is
    connected here, `since` from when on this process listens.
    """

    def __init__(
        self,
        *,
        deliver: Callable[[Frame], bool],
        late: Callable[[Frame], bool],
        local: Callable[[Frame], bool],
        since: Callable[[], float],
        lost: Callable[[str, Sequence[str]], None],
        hold: float = 0.05,
        capacity: int = 100_000,
    ) -> None:
        self._deliver = deliver
        self._late = late
        self._local = local
        self._since = since
        self._lost = lost
        self._hold = hold
        self._capacity = capacity
        self._fill: Fill = _nowhere
        self._heads: Heads = _unknown
        self._conversations: OrderedDict[str, _Conversation] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self.repairs = 0

    def fills(self, fill: Fill, heads: Heads | None = None) -> None:
        """Say where missing entries are read, and where the last entry of each conversation."""
        self._fill = fill
        self._heads = heads or _unknown

    def push(self, frame: Frame) -> None:
        """Take a frame of a log, from this process or another one."""
        key = frame.conversation or ""
        conversation = self._conversations.get(key)
        if conversation is None:
            conversation = self._first(key, frame)
        self._conversations.move_to_end(key)
        last = max(conversation.last, conversation.floor)
        if frame.seq <= last or frame.seq in conversation.held:
            return
        if frame.seq == last + 1 and not (conversation.last < 0 and conversation.filling):
            self._through(conversation, frame)
            self._release(conversation)
            return
        conversation.held[frame.seq] = frame
        if len(conversation.held) > MAX_HELD:
            self._give_up(key, conversation)
        elif conversation.timer is None and not conversation.filling:
            self._wait(key, conversation)

    def active(self) -> list[str]:
        """The conversations that somebody here was told of lately, the last one first."""
        since = asyncio.get_running_loop().time() - ACTIVE_SECONDS
        found = (key for key, known in reversed(self._conversations.items()) if known.told >= since)
        return list(islice(found, MAX_CHECKED))

    async def check(self, conversations: Sequence[str], *, patience: float = 0.0) -> None:
        """Read what was appended to conversations without this process hearing of it.

        What is missing may be on its way: only what is still missing `patience` seconds later is read. Conversations
        that this process does not know yet begin with the first entry that it hears of.
        """
        known = [one for one in conversations if self._last(one) > 0]
        if not known or self._heads is _unknown:
            return
        try:
            heads = await self._heads(known)
        except Exception:
            log.exception("the last entries of %d conversations could not be read", len(known))
            return
        behind = {key: head for key, head in heads.items() if head > self._last(key)}
        if behind and patience:
            await asyncio.sleep(patience)
        for key, head in behind.items():
            conversation = self._conversations.get(key)
            if conversation is None or conversation.filling or conversation.last < 0 or head <= self._last(key):
                continue
            if conversation.timer:
                conversation.timer.cancel()
                conversation.timer = None
            conversation.filling = True
            whole = head - conversation.last <= MAX_HOLE
            self._spawn((self._repair if whole else self._skip)(key, conversation, head))

    def _last(self, key: str) -> int:
        conversation = self._conversations.get(key)
        return -1 if conversation is None else conversation.last

    def forget(self) -> None:
        """Start afresh (the clients were told to sync)."""
        for key, known in list(self._conversations.items()):
            if known.timer:
                known.timer.cancel()
            self._conversations[key] = _Conversation(last=-1, floor=max(known.last, known.floor), told=known.told)

    async def close(self) -> None:
        """Stop waiting for anything."""
        self.forget()
        await end(*self._tasks)

    def _first(self, key: str, frame: Frame) -> _Conversation:
        """A conversation that this process has not seen: nobody knows here what came before.

        Entry 1 starts a log. Any other may have been overtaken by a younger one, so a moment is given to the older.
        """
        conversation = _Conversation(last=0 if frame.seq == 1 else -1)
        self._conversations[key] = conversation
        while len(self._conversations) > self._capacity:
            _, oldest = self._conversations.popitem(last=False)
            if oldest.timer:
                oldest.timer.cancel()
        return conversation

    def _through(self, conversation: _Conversation, frame: Frame) -> None:
        conversation.last = frame.seq
        if self._deliver(frame):
            conversation.told = asyncio.get_running_loop().time()

    def _release(self, conversation: _Conversation) -> None:
        while (frame := conversation.held.pop(conversation.last + 1, None)) is not None:
            self._through(conversation, frame)
        if not conversation.held and conversation.timer:
            conversation.timer.cancel()
            conversation.timer = None

    def _wait(self, key: str, conversation: _Conversation) -> None:
        loop = asyncio.get_running_loop()
        conversation.timer = loop.call_later(self._hold, self._overdue, key, conversation)

    def _overdue(self, key: str, conversation: _Conversation) -> None:
        conversation.timer = None
        if self._conversations.get(key) is not conversation or not conversation.held:
            return
        first = min(conversation.held)
        if conversation.last < 0 and not self._local(conversation.held[first]):
            conversation.last = first - 1
            self._release(conversation)
            if conversation.held:
                self._wait(key, conversation)
            return
        if conversation.last >= 0 and first - 1 - conversation.last > MAX_HOLE:
            conversation.floor, conversation.last = conversation.last, -1
        conversation.filling = True
        self._spawn(
            self._begin(key, conversation, first)
            if conversation.last < 0
            else self._repair(key, conversation, first - 1)
        )

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name="hub repair")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _begin(self, key: str, conversation: _Conversation, first: int) -> None:
        """Start with entry `first`, after those just before it that nobody told this process's clients."""
        people = list(conversation.held[first].users)
        missed: list[Frame] = []
        try:
            start = max(conversation.floor + 1, first - TAIL)
            since = 0.0 if conversation.floor else self._since() - SLACK_SECONDS
            missed = [frame for frame in await self._fill(key, start, first - 1) if frame.at >= since]
            more = first - start == TAIL == len(missed) and start > conversation.floor + 1
        except Exception:
            log.exception("what came before entry %d of conversation %s could not be read", first, key)
            more = True
        conversation.filling = False
        if self._conversations.get(key) is not conversation or conversation.last >= 0:
            return  # forgotten, or given up, meanwhile
        first = min(conversation.held)  # an older one may have come meanwhile
        for number, frame in enumerate(missed):
            if frame.seq >= first:
                conversation.held.setdefault(frame.seq, frame)
            elif self._late(frame):
                conversation.told = asyncio.get_running_loop().time()
            elif number == 0:
                more = False  # nobody here is old enough to have missed what came before it
        if more:
            self._lost(key, people)
        conversation.last = first - 1
        self._release(conversation)
        if conversation.held:
            self._wait(key, conversation)

    async def _repair(self, key: str, conversation: _Conversation, upto: int) -> None:
        frames: Sequence[Frame] = ()
        try:
            frames = await self._fill(key, conversation.last + 1, upto)
            self.repairs += 1
        except Exception:
            log.exception("entries of conversation %s could not be read again", key)
        if self._conversations.get(key) is not conversation:
            return
        for frame in frames:
            if frame.seq == conversation.last + 1:
                conversation.last = frame.seq
                if self._late(frame):
                    conversation.told = asyncio.get_running_loop().time()
                self._release(conversation)
        conversation.filling = False
        if conversation.held and min(conversation.held) <= upto + 1:
            self._give_up(key, conversation)
        elif conversation.held:
            self._wait(key, conversation)

    async def _skip(self, key: str, conversation: _Conversation, head: int) -> None:
        """Go on after the entry `head`: what is missing before it is too much, and for the clients to sync."""
        people: Sequence[str] = ()
        try:
            people = [user for frame in await self._fill(key, head, head) for user in frame.users]
        except Exception:
            log.exception("entry %d of conversation %s could not be read", head, key)
        conversation.filling = False
        if self._conversations.get(key) is not conversation or conversation.last >= head:
            return
        conversation.last = head
        for seq in [one for one in conversation.held if one <= head]:
            del conversation.held[seq]
        self._lost(key, people)
        self._release(conversation)
        if conversation.held:
            self._wait(key, conversation)

    def _give_up(self, key: str, conversation: _Conversation) -> None:
        """Let go what is held: the clients see the hole, and are told to sync."""
        people = {user for frame in conversation.held.values() for user in frame.users}
        for seq in sorted(conversation.held):
            self._through(conversation, conversation.held.pop(seq))
        self._lost(key, sorted(people))
