"""A lane: the drafts of some conversations in the order they were submitted, one batch in flight at a time."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence

from storage.log.errors import Unavailable
from storage.log.heads import Conversation
from storage.log.pending import Pending

log = logging.getLogger("mixee.log")

REST_SECONDS = 0.003
"""After a batch of several the next one gathers for so long: the cost is by the batch, and a busy server saves a sixth
of what a message costs it. One who speaks alone waits for nothing.
"""


class Lane:
    """Gathers the next batch while one is being written: the more comes in, the larger the batches.

    settle: brings a batch to an end. release: hears of every draft that is at its end.
    """

    def __init__(
        self,
        settle: Callable[[Sequence[Pending]], Awaitable[None]],
        release: Callable[[Pending], None],
        *,
        max_batch: int,
        max_bytes: int,
        patience: float,
        guard_kinds: Collection[str],
    ) -> None:
        self._settle = settle
        self._release = release
        self._max_batch = max_batch
        self._max_bytes = max_bytes
        self._patience = patience
        self._guard_kinds = frozenset(guard_kinds)
        self._queue: deque[Pending] = deque()
        self._flight: Sequence[Pending] = ()
        self._wake = asyncio.Event()
        self._closed = False

    def oldest(self) -> float | None:
        """When the draft that waits longest was submitted (the loop's time), None when none waits."""
        if self._flight:
            return self._flight[0].submitted
        return self._queue[0].submitted if self._queue else None

    def put(self, one: Pending) -> None:
        """Add a draft at the end."""
        self._queue.append(one)
        self._wake.set()

    def close(self) -> None:
        """Refuse what waits; what is in flight is finished, then `run` returns."""
        self._closed = True
        while self._queue:
            self._refuse(self._queue.popleft(), "the log is closing; the entry was not written")
        self._wake.set()

    async def run(self) -> None:
        """Write batch after batch until the lane is closed."""
        while not self._closed:
            batch = self._take()
            if batch:
                await self._write(batch)
                # Those who were just told may have more to say: let them, so that the next batch is a full one.
                await asyncio.sleep(REST_SECONDS if len(batch) > 1 else 0)
            elif not self._queue:
                self._wake.clear()
                await self._wake.wait()

    def _take(self) -> list[Pending]:
        """The next batch.

        It ends before a draft with a guard that follows a guard entry of its conversation: the guard can only judge
        what is committed.
        """
        batch: list[Pending] = []
        turned: set[Conversation] = set()
        size = 0
        too_old = asyncio.get_running_loop().time() - self._patience
        while self._queue and len(batch) < self._max_batch and size < self._max_bytes:
            one = self._queue[0]
            if one.draft.guard is not None and one.conversation in turned:
                break
            self._queue.popleft()
            if one.future.done():
                self._release(one)
                continue
            if one.submitted <= too_old:
                self._refuse(one, "the database did not answer in time; the entry was not written")
                continue
            if one.draft.kind in self._guard_kinds:
                turned.add(one.conversation)
            size += one.size
            batch.append(one)
        return batch

    async def _write(self, batch: Sequence[Pending]) -> None:
        self._flight = batch
        try:
            await self._settle(batch)
        except Exception:
            log.exception("a batch of %d drafts failed", len(batch))
        finally:
            self._flight = ()
            for one in batch:
                if not one.settled:
                    one.conversation.stale = True
                    one.fail(Unavailable("writing was interrupted; whether the entry is in the log is unknown"))
                self._release(one)

    def _refuse(self, one: Pending, why: str) -> None:
        one.fail(Unavailable(why))
        self._release(one)
