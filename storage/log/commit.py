"""Bringing a batch of drafts into the log: recall, guard, write, and if that fails find out what is in, and again.

Whatever goes wrong (another node was first, the operation is there already, no answer came) is answered the same way:
majority reads say how far the log goes and which of these drafts are in it; the others are numbered anew and written
again. Two unique indexes make that safe: of `_id`, so that a seq is taken once, and of the operation, so that a draft
is in the log once, whenever an earlier attempt may still arrive.
"""

import asyncio
import random
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from time import perf_counter

from pymongo import timeout as driver_timeout

from storage.log.compose import Plan, plain
from storage.log.entries import Appended, visible
from storage.log.errors import Unavailable
from storage.log.faults import DraftFault, at_draft, cause, inserted, refusal
from storage.log.hooks import Hooks
from storage.log.measures import BATCH, DUPLICATES, DURATION, RETRIES
from storage.log.pending import Pending
from storage.log.recall import Recall
from storage.log.transactions import EffectFault, Insert, Transactions
from storage.mongo import Mongo, PyMongoError

FIRST_PAUSE, LAST_PAUSE = 0.004, 0.25
"""Seconds between two attempts at most; in truth a random part of it."""

GRACE = 0.5
"""Seconds that the driver has to give up by itself, which is kinder to its connections than being cancelled."""


class Committer:
    """Commits the batches of one lane, one at a time.

    patience: seconds after `submit` at which a draft is given up. attempt: seconds that one attempt may take.
    """

    def __init__(
        self,
        mongo: Mongo,
        insert: Insert,
        *,
        clock: Callable[[], datetime],
        guard_kinds: Collection[str],
        hooks: Hooks,
        patience: float,
        attempt: float,
    ) -> None:
        self._recall = Recall(mongo, guard_kinds)
        self._transactions = Transactions(mongo, insert)
        self._insert = insert
        self._clock = clock
        self._guard_kinds = frozenset(guard_kinds)
        self._hooks = hooks
        self._patience = patience
        self._attempt = attempt

    async def settle(self, batch: Sequence[Pending]) -> None:
        """Bring every draft to an end: appended, refused, or given up as Unavailable."""
        left = merge(batch)
        pause, alone = FIRST_PAUSE, False
        while left:
            error = await self._try(left, alone=alone)
            left = [one for one in left if not one.settled and not one.abandoned]
            if isinstance(error, DraftFault):
                alone = True
            elif error is not None:
                RETRIES.labels(cause(error)).inc()
                left = self._patient(left)
                await asyncio.sleep(random.uniform(0, pause))
                pause = min(2 * pause, LAST_PAUSE)

    def _patient(self, drafts: list[Pending]) -> list[Pending]:
        """Give up those that have waited long enough."""
        since = asyncio.get_running_loop().time() - self._patience
        for one in drafts:
            if one.submitted <= since:
                one.fail(Unavailable("the database did not answer in time; whether the entry is in the log is unknown"))
        return [one for one in drafts if not one.settled]

    async def _try(self, drafts: Sequence[Pending], *, alone: bool) -> Exception | None:
        try:
            async with asyncio.timeout(self._attempt + GRACE):
                with driver_timeout(self._attempt):
                    await self._round(drafts, alone=alone)
        except (PyMongoError, TimeoutError, DraftFault) as error:
            return error
        return None

    async def _round(self, drafts: Sequence[Pending], *, alone: bool) -> None:
        await self._transactions.bury()
        await self._look(drafts)
        ready = await self._guard([one for one in drafts if not one.settled])
        for group, atomic in groups(ready, alone=alone):
            await (self._transact(group) if atomic else self._write(group))

    async def _look(self, drafts: Sequence[Pending]) -> None:
        """Read what is not known of the conversations, and settle the drafts that are in the log."""
        stale = {one.conversation: None for one in drafts if one.conversation.stale}
        if stale:
            await self._recall.refresh(list(stale))
        await self._settle_found([one for one in drafts if one.tried])

    async def _settle_found(self, drafts: Sequence[Pending]) -> None:
        """Settle those of the drafts that are in the log."""
        if not drafts:
            return
        now = self._clock()
        for one, entry in (await self._recall.find(drafts)).items():
            duplicate = entry.seq not in one.places
            DUPLICATES.inc(duplicate)
            one.settle(Appended(visible(entry, now), duplicate))

    async def _refuse(self, refused: Sequence[tuple[Pending, Exception]]) -> None:
        """Refuse drafts, but not what repeats an operation in the log: that was allowed when it was done."""
        await self._settle_found([one for one, _ in refused if one.draft.op is not None])
        for one, error in refused:
            if not one.settled:
                one.fail(error)

    async def _guard(self, drafts: list[Pending]) -> list[Pending]:
        """Ask the guards of drafts whose callers may not know the members and settings; those that may go on."""
        asked = [one for one in drafts if one.draft.guard is not None and one.since < one.conversation.turn]
        if not asked:
            return drafts
        outcomes = await asyncio.gather(*map(self._ask, asked), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        return [one for one in drafts if not one.settled]

    async def _ask(self, one: Pending) -> None:
        head, guard = one.conversation.head, one.draft.guard
        missed = await self._recall.guard_entries(one.conversation, one.since)
        if missed and guard is not None:
            try:
                async with asyncio.timeout(self._attempt / 2):
                    await guard(missed)
            except TimeoutError:
                one.fail(Unavailable("the guard of this entry did not answer in time; it was not written"))
            except Exception as error:  # noqa: BLE001 - whatever a guard raises is the answer to its draft
                await self._refuse([(one, error)])
        one.since = head

    async def _write(self, drafts: Sequence[Pending]) -> None:
        """Write drafts that change nothing beside themselves: a prefix of them is in if this fails."""
        plan = plain(drafts, self._clock())
        await self._hooks.before_insert(plan.entries)
        started = perf_counter()
        try:
            await self._insert(plan.documents, None)
        except BaseException as error:
            doubt(plan, inserted(error))
            self._blame(drafts, error)
            raise
        await self._committed(plan, perf_counter() - started)

    async def _transact(self, drafts: Sequence[Pending]) -> None:
        """Write drafts that change others or have effects: all or none of them are in if this fails."""
        attempt = self._transactions.new()
        started = perf_counter()
        try:
            await attempt.run(drafts, self._clock(), self._hooks.before_insert)
        except BaseException as error:
            doubt(attempt.plan, None if attempt.sent else 0)
            self._blame(drafts, error)
            raise
        if attempt.plan.drafts:
            await self._committed(attempt.plan, perf_counter() - started)
        await self._refuse(attempt.plan.refused)

    def _blame(self, drafts: Sequence[Pending], error: BaseException) -> None:
        """If the fault is a draft's: refuse it when it is the only one, else have them tried one by one."""
        if isinstance(error, EffectFault):
            error = error.error
        elif not at_draft(error):
            return
        if len(drafts) == 1:
            drafts[0].fail(refusal(error))
        raise DraftFault(type(error).__name__) from None

    async def _committed(self, plan: Plan, seconds: float) -> None:
        BATCH.observe(len(plan.drafts))
        DURATION.observe(seconds)
        await self._hooks.after_insert(plan.entries)
        for one, entry in zip(plan.drafts, plan.entries, strict=True):
            one.conversation.advance(entry.seq, entry.at, guard=entry.kind in self._guard_kinds)
            one.settle(Appended(entry, duplicate=False))
        await self._hooks.after_ack(plan.entries)


def merge(batch: Sequence[Pending]) -> list[Pending]:
    """The drafts without those that repeat an operation of one before them; these will have its answer."""
    left: list[Pending] = []
    first: dict[tuple[str, str, str, str], Pending] = {}
    for one in batch:
        draft = one.draft
        if draft.op is None:
            left.append(one)
            continue
        leader = first.setdefault((draft.conversation, draft.sender, draft.device, draft.op), one)
        if leader is one:
            left.append(one)
        else:
            leader.followers += (one,)
    return left


def groups(drafts: Sequence[Pending], *, alone: bool) -> Iterator[tuple[Sequence[Pending], bool]]:
    """Drafts that are written together, and whether that takes a transaction. A conversation is never split."""
    if alone:
        yield from (([one], one.atomic) for one in drafts)
        return
    special = {one.conversation for one in drafts if one.atomic}
    if not special:
        if drafts:
            yield drafts, False
        return
    for atomic in (False, True):
        group = [one for one in drafts if (one.conversation in special) is atomic]
        if group:
            yield group, atomic


def doubt(plan: Plan, certain: int | None) -> None:
    """A write failed: only the first `certain` entries of the plan are in, or nobody knows which if that is None."""
    for place, (one, entry) in enumerate(zip(plan.drafts, plan.entries, strict=True)):
        one.tried = True
        one.conversation.stale = True
        if certain is None or place < certain:
            one.places += (entry.seq,)
