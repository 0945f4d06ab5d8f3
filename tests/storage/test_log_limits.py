"""Bounds: too much is refused at once and in words, who goes away disturbs nobody, and the end comes when it is due."""

import asyncio
from collections.abc import Sequence

import pytest

from storage.log import Entry, Hooks, Log, Overloaded, Unavailable
from storage.log.commit import Committer
from storage.mongo import Mongo
from tests.storage.log_nodes import message, new_id, nodes, texts, whole


class Gate(Hooks):
    """Lets nothing be written until it is opened."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.reached = asyncio.Event()
        self.batches: list[int] = []

    async def before_insert(self, entries: Sequence[Entry]) -> None:
        self.batches.append(len(entries))
        self.reached.set()
        await self.open.wait()


async def test_more_than_may_wait_is_refused_at_once(mongo: Mongo) -> None:
    gate = Gate()
    async with nodes(mongo, 1, max_pending=50, hooks=gate) as (log,):
        conversations = [new_id() for _ in range(10)]

        taken = [log.submit(message(conversations[number % 10], str(number))) for number in range(50)]
        with pytest.raises(Overloaded) as refused:
            log.submit(message(conversations[0], "one too many"))

        assert refused.value.retry_after_ms == 1000
        assert log.pending == 50
        gate.open.set()
        await asyncio.gather(*taken)
        assert log.pending == 0
        await log.append(message(conversations[0], "again"))
        assert texts(await whole(log, conversations[0])) == ["0", "10", "20", "30", "40", "again"]


async def test_a_lane_whose_oldest_waits_too_long_is_closed_to_more(mongo: Mongo) -> None:
    gate = Gate()
    async with nodes(mongo, 1, lanes=1, max_wait=0.05, hooks=gate) as (log,):
        conversation = new_id()
        first = log.submit(message(conversation, "first"))
        second = log.submit(message(conversation, "second"))
        await gate.reached.wait()

        loop = asyncio.get_running_loop()
        late = loop.create_future()
        loop.call_later(0.06, late.set_result, None)
        await late
        with pytest.raises(Overloaded):
            log.submit(message(conversation, "third"))

        gate.open.set()
        assert [(await future).entry.seq for future in (first, second)] == [1, 2]
        assert (await log.append(message(conversation, "third"))).entry.seq == 3


async def test_bodies_that_wait_are_bounded_too(mongo: Mongo) -> None:
    gate = Gate()
    async with nodes(mongo, 1, hooks=gate) as (log,):
        conversation = new_id()
        big = "x" * (8 << 20)

        taken = [log.submit(message(conversation, big)) for _ in range(8)]
        with pytest.raises(Overloaded):
            log.submit(message(conversation, "small"))

        gate.open.set()
        await asyncio.gather(*taken)
        assert gate.batches == [1] * 8


async def test_what_comes_while_a_batch_is_in_flight_is_the_next_batch(mongo: Mongo) -> None:
    gate = Gate()
    async with nodes(mongo, 1, lanes=1, max_batch=30, hooks=gate) as (log,):
        conversation = new_id()
        futures = [log.submit(message(conversation, "0"))]
        await gate.reached.wait()

        futures += [log.submit(message(conversation, str(number))) for number in range(1, 71)]
        gate.open.set()
        await asyncio.gather(*futures)

        assert gate.batches == [1, 30, 30, 10]


async def test_callers_that_go_away_do_not_break_the_lane(mongo: Mongo) -> None:
    gate = Gate()
    async with nodes(mongo, 1, lanes=1, hooks=gate) as (log,):
        conversation = new_id()
        in_flight = asyncio.create_task(log.append(message(conversation, "in flight")))
        await gate.reached.wait()
        queued = [asyncio.create_task(log.append(message(conversation, str(number)))) for number in range(10)]
        await asyncio.sleep(0)

        for task in (in_flight, *queued[::2]):
            task.cancel()
        gate.open.set()
        answers = await asyncio.gather(in_flight, *queued, return_exceptions=True)

        assert [isinstance(answer, asyncio.CancelledError) for answer in answers] == [True, *[True, False] * 5]
        assert texts(await whole(log, conversation)) == ["in flight", "1", "3", "5", "7", "9"]
        assert log.pending == 0


async def test_a_repeat_is_answered_although_the_first_caller_went_away(mongo: Mongo) -> None:
    """The other node comes first, so the batch has to be written twice."""
    gate = Gate()
    async with nodes(mongo, 1, lanes=1, hooks=gate) as (log,), nodes(mongo, 1) as (other,):
        conversation = new_id()
        drafts = [message(conversation, "hello", op=f"operation-{number}") for number in (1, 1, 2)]
        first, second, third = map(log.submit, drafts)
        await gate.reached.wait()

        await other.append(message(conversation, "in between"))
        first.cancel()
        gate.open.set()

        assert ((await second).entry.seq, (await second).duplicate) == (2, True)
        assert ((await third).entry.seq, (await third).duplicate) == (3, False)
        assert log.pending == 0


async def test_close_finishes_what_is_in_flight_and_refuses_the_rest(mongo: Mongo) -> None:
    gate = Gate()
    async with nodes(mongo, 1, lanes=1, hooks=gate) as (log,):
        conversation = new_id()
        in_flight = log.submit(message(conversation, "in flight"))
        await gate.reached.wait()
        queued = log.submit(message(conversation, "queued"))

        closing = asyncio.create_task(log.close())
        with pytest.raises(Unavailable):
            await queued
        with pytest.raises(Unavailable):
            log.submit(message(conversation, "late"))
        assert not closing.done()
        gate.open.set()
        await closing

        assert (await in_flight).entry.seq == 1
        assert texts(await whole(log, conversation)) == ["in flight"]
        assert log.pending == 0


async def test_close_does_not_wait_for_ever(mongo: Mongo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.log.log.CLOSE_TIMEOUT", 0.05)
    gate = Gate()
    async with nodes(mongo, 1, hooks=gate) as (log,):
        stuck = log.submit(message(new_id()))
        await gate.reached.wait()

        await log.close()

        with pytest.raises(Unavailable):
            await stuck
        assert log.pending == 0


async def test_a_log_that_was_not_started_refuses(mongo: Mongo) -> None:
    log = Log(mongo, clock=lambda: pytest.fail("nobody needs the time"))

    with pytest.raises(Unavailable):
        log.submit(message(new_id()))

    await log.close()


async def test_a_fault_of_the_log_itself_fails_its_batch_and_not_the_lane(
    mongo: Mongo, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with nodes(mongo, 1, lanes=1) as (log,):
        conversation = new_id()
        await log.append(message(conversation, "one"))

        with monkeypatch.context() as patch:
            patch.setattr(Committer, "_guard", None)
            with pytest.raises(Unavailable):
                await log.append(message(conversation, "lost"))
        assert (await log.append(message(conversation, "two"))).entry.seq == 2

        assert "a batch of 1 drafts failed" in caplog.text
        assert log.pending == 0
