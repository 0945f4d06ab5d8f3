"""The log itself: what callers hold. It admits drafts, spreads them over lanes, and answers questions."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextvars import Context
from datetime import datetime
from itertools import count

from pymongo.asynchronous.client_session import AsyncClientSession

from storage.log.commit import Committer
from storage.log.compose import check_texts, encode
from storage.log.entries import Appended, Draft
from storage.log.errors import Overloaded, Unavailable
from storage.log.heads import Heads
from storage.log.hooks import Hooks
from storage.log.lane import Lane
from storage.log.pending import Pending
from storage.log.reader import Reader
from storage.log.table import COLLECTION
from storage.mongo import Document, Mongo, current_unit
from storage.tasks import end

GUARD_KINDS = frozenset({"member", "settings"})

MAX_BATCH_BYTES = 1 << 20
"""Bodies in one batch (a larger body is a batch of its own)."""

MAX_PENDING_BYTES = 64 << 20
"""Bodies that may wait to be written, in all lanes."""

RETRY_AFTER_MS = 1_000
CLOSE_TIMEOUT = 10.0
"""Seconds that `close` gives the batches in flight."""

EMPTY = encode({})


class Log(Reader):
    """One per process, over one database. Several may write the same conversations.

    lanes: batches that may be in flight at once; a conversation is always in the same one. With more lanes a slow guard
    holds up fewer others, but the batches are smaller, and it is the batch that costs. max_pending: drafts that may
    wait in all; max_wait: seconds that the oldest of a lane may wait; beyond either `submit` raises Overloaded.
    heads: conversations whose last seq is remembered. attempt, patience: seconds that one attempt to write may take,
    and for which a draft is tried again.
    """

    def __init__(
        self,
        mongo: Mongo,
        *,
        clock: Callable[[], datetime],
        guard_kinds: frozenset[str] = GUARD_KINDS,
        lanes: int = 2,
        max_batch: int = 500,
        max_pending: int = 5000,
        max_wait: float = 2.0,
        heads: int = 100_000,
        hooks: Hooks | None = None,
        attempt: float = 5.0,
        patience: float = 15.0,
    ) -> None:
        super().__init__(mongo, clock=clock)
        self._collection = mongo.database[COLLECTION]
        self._heads = Heads(heads)
        self._max_pending = max_pending
        self._max_wait = max_wait
        self._pending = 0
        self._bytes = 0
        self._open = False
        self._node = secrets.token_bytes(8)
        self._made_up = count(1)
        self._tasks: list[asyncio.Task[None]] = []
        self._lanes: list[Lane] = []
        for _ in range(lanes):
            committer = Committer(
                mongo,
                self.insert,
                clock=clock,
                guard_kinds=guard_kinds,
                hooks=hooks or Hooks(),
                patience=patience,
                attempt=attempt,
            )
            lane = Lane(
                committer.settle,
                self._release,
                max_batch=max_batch,
                max_bytes=MAX_BATCH_BYTES,
                patience=patience,
                guard_kinds=guard_kinds,
            )
            self._lanes.append(lane)

    @property
    def pending(self) -> int:
        """How many drafts wait for their commit."""
        return self._pending

    async def start(self) -> None:
        """Begin to write. The collection must have its `indexes()`."""
        loop = asyncio.get_running_loop()
        # A context of their own: a lane must not join the unit of work of whoever happened to start the log.
        self._tasks = [
            loop.create_task(lane.run(), name=f"log lane {number}", context=Context())
            for number, lane in enumerate(self._lanes)
        ]
        self._open = True

    async def close(self) -> None:
        """Finish the batches in flight (at most 10 seconds) and refuse everything else with Unavailable."""
        self._open = False
        for lane in self._lanes:
            lane.close()
        if not self._tasks:
            return
        await asyncio.wait(self._tasks, timeout=CLOSE_TIMEOUT)
        await end(*self._tasks)

    def submit(self, draft: Draft) -> asyncio.Future[Appended]:
        """Take a draft in; the future has its entry once that is committed on a majority and journalled.

        The seqs of one conversation follow the order of these calls, and their futures are resolved in that order.
        Raises at once: Overloaded, Unavailable (closed), Refused (a body that cannot be stored), ValueError.
        The future raises Unavailable (outcome unknown), NotThere, Refused, or what the draft's own callbacks raised.
        Cancelling the future leaves the outcome open; others are not affected.
        """
        if not self._open:
            raise Unavailable("the log is not open; nothing was written")
        if current_unit() is not None:
            raise RuntimeError("an entry commits by itself: append outside the unit of work, or use `effects`")
        if (draft.change is None and draft.uncount) or (draft.change is not None and draft.target is None):
            raise ValueError("`change` needs a `target`, and `uncount` a `change`")

        conversation = self._heads.get(draft.conversation)
        loop = asyncio.get_running_loop()
        now = loop.time()
        lane = self._lanes[hash(draft.conversation) % len(self._lanes)]
        self._admit(lane, now)
        op = draft.op if draft.op is not None else self._node + next(self._made_up).to_bytes(8, "big")
        check_texts(draft.kind, draft.sender, draft.device, draft.op or "")
        body = encode(draft.body) if draft.change is None else EMPTY
        one = Pending(draft, conversation, loop.create_future(), op=op, body=body, submitted=now)

        conversation.waiting += 1
        self._pending += 1
        self._bytes += one.size
        lane.put(one)
        return one.future

    async def append(self, draft: Draft) -> Appended:
        """`submit`, and wait."""
        return await self.submit(draft)

    async def insert(self, documents: Sequence[Document], session: AsyncClientSession | None = None) -> None:
        """Write documents in order, on a majority and journalled (in the session's transaction if there is one).

        All writing of entries passes here. Fault tests override it.
        """
        await self._collection.insert_many(documents, ordered=True, session=session)

    def _admit(self, lane: Lane, now: float) -> None:
        oldest = lane.oldest()
        if (
            self._pending >= self._max_pending
            or self._bytes >= MAX_PENDING_BYTES
            or (oldest is not None and now - oldest > self._max_wait)
        ):
            raise Overloaded(RETRY_AFTER_MS)

    def _release(self, one: Pending) -> None:
        one.conversation.waiting -= 1
        self._pending -= 1
        self._bytes -= one.size
