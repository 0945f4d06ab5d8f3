"""Order within a conversation: each entry reaches this process's clients once and in the order of the log.

Two processes may publish entries 5 and 6 of one conversation at the same moment, and Redis may bring 6 first, or lose
5. The sequencer remembers the last entry it let through for each conversation it has seen. What is next goes through at
once; what comes twice is dropped; what comes too early waits `hold` seconds for the missing ones, and then these are
read from the log.

A conversation that this process has not seen yet begins with what comes first, after the same wait for anything older.
An entry just before it may have been lost (its process died before it told anybody), so the log's last `TAIL` entries
are read too; those appended since this process listens go to the connections that are older than they are (`late`).
After `forget` the same holds, with the difference that what was let through before is known and never comes again.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from server.hub.frames import Frame
from storage.tasks import end

log = logging.getLogger("mixee.hub")

Fill = Callable[[str, int, int], Awaitable[Sequence[Frame]]]
"""Reads entries `first` to `last` (both included) of a conversation from the log, as frames."""


async def _nowhere(conversation: str, first: int, last: int) -> Sequence[Frame]:
    raise LookupError(f"nobody said where entries {first} to {last} of {conversation} are read")


TAIL = 20
"""Entries before the first one seen that are looked at; if all are new, the clients are told to `sync` as well."""

SLACK_SECONDS = 10.0
"""An entry bears the time at which it was about to be written. It may be committed so much later, by another clock."""

MAX_HELD = 1_000
"""Frames of one conversation that wait for a missing one; beyond it the clients are told to `sync`."""


@dataclass(slots=True)
class _Conversation:
    """`last`: the youngest entry let through; -1 while it is not known where to begin. `floor`: as before `forget`."""

    last: int
    floor: int = 0
    held: dict[int, Frame] = field(default_factory=dict)
    timer: asyncio.TimerHandle | None = None
    filling: bool = False


class Sequencer:
    """Lets frames through to `deliver` in order; asks `fill` for what is missing; calls `lost` when that fails.

    `local` tells whether anybody in a frame's audience is connected here, `since` from when on this process listens.
    """

    def __init__(
        self,
        *,
        deliver: Callable[[Frame], None],
        late: Callable[[Frame], None],
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
        self._conversations: OrderedDict[str, _Conversation] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self.repairs = 0

    def fills(self, fill: Fill) -> None:
        """Say where missing entries are read."""
        self._fill = fill

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

    def forget(self) -> None:
        """Start afresh (the clients were told to sync)."""
        for key, known in list(self._conversations.items()):
            if known.timer:
                known.timer.cancel()
            self._conversations[key] = _Conversation(last=-1, floor=max(known.last, known.floor))

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
        self._deliver(frame)

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
        conversation.filling = True
        work = (
            self._begin(key, conversation, first)
            if conversation.last < 0
            else self._repair(key, conversation, first - 1)
        )
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
            more = first - start == TAIL == len(missed)
        except Exception:
            log.exception("what came before entry %d of conversation %s could not be read", first, key)
            more = True
        conversation.filling = False
        if self._conversations.get(key) is not conversation or conversation.last >= 0:
            return  # forgotten, or given up, meanwhile
        first = min(conversation.held)  # an older one may have come meanwhile
        for frame in missed:
            if frame.seq < first:
                self._late(frame)
            else:
                conversation.held.setdefault(frame.seq, frame)
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
                self._through(conversation, frame)
                self._release(conversation)
        conversation.filling = False
        if conversation.held and min(conversation.held) <= upto + 1:
            self._give_up(key, conversation)
        elif conversation.held:
            self._wait(key, conversation)

    def _give_up(self, key: str, conversation: _Conversation) -> None:
        """Let go what is held: the clients see the hole, and are told to sync."""
        people = {user for frame in conversation.held.values() for user in frame.users}
        for seq in sorted(conversation.held):
            self._through(conversation, conversation.held.pop(seq))
        self._lost(key, sorted(people))
