"""Appending from several nodes: one order, no hole, every message once."""

import asyncio
import os
import sys
from collections import Counter
from datetime import timedelta

import pytest

from storage.log import Draft, Log, Refused
from storage.log.heads import Heads
from storage.mongo import Document, InsertOne, Mongo
from tests.harness.clock import TurnableClock
from tests.harness.servers import MONGODB
from tests.storage.log_nodes import ADA, BOB, message, new_id, nodes, now, prepared, texts, whole


def in_order(said: list[str]) -> bool:
    """Whether what each task said (`<task>/<number>`) has its numbers in order."""
    last: dict[str, int] = {}
    for text in said:
        task, number = text.rsplit("/", 1)
        if last.get(task, -1) >= int(number):
            return False
        last[task] = int(number)
    return True


async def test_a_hundred_tasks_on_two_nodes_write_one_dense_log(mongo: Mongo) -> None:
    async with nodes(mongo, 2) as logs:
        conversation = new_id()

        async def send(task: int) -> list[int]:
            seqs = []
            for number in range(10):
                done = await logs[task % 2].append(message(conversation, f"{task}/{number}"))
                seqs.append(done.entry.seq)
            return seqs

        answers = await asyncio.gather(*map(send, range(100)))

        entries = await whole(logs[0], conversation)
        said = texts(entries)
        assert Counter(said) == Counter(f"{task}/{number}" for task in range(100) for number in range(10))
        assert in_order(said)
        assert sorted(seq for seqs in answers for seq in seqs) == list(range(1, 1001))
        assert [said[seq - 1] for seq in answers[7]] == [f"7/{number}" for number in range(10)]


async def test_two_processes_write_one_dense_log(mongo: Mongo, database: str) -> None:
    await prepared(mongo)
    conversation = new_id()

    workers = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.storage.log_worker", os.environ[MONGODB], database, conversation),
            *(name, "20", "25"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for name in ("one", "two")
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert await worker.stdout.readline() == b"ready\n"
    outputs = await asyncio.gather(*(worker.communicate(b"go\n") for worker in workers))

    assert [output for output, _ in outputs] == [b"done\n", b"done\n"]
    async with nodes(mongo, 1) as (log,):
        said = texts(await whole(log, conversation))
    assert len(said) == len(set(said)) == 1000
    assert in_order(said)


async def test_pipelined_drafts_keep_their_order_although_another_node_interferes(mongo: Mongo) -> None:
    async with nodes(mongo, 2, max_batch=7) as logs:
        conversation = new_id()
        resolved: list[int] = []

        futures = []
        for number in range(300):
            for node, log in enumerate(logs):
                future = log.submit(message(conversation, f"{node}/{number}"))
                if node == 0:
                    future.add_done_callback(lambda done: resolved.append(done.result().entry.seq))
                futures.append(future)
            if number % 50 == 0:
                await asyncio.sleep(0)
        await asyncio.gather(*futures)

        assert in_order(texts(await whole(logs[0], conversation)))
        assert resolved == sorted(resolved)


async def test_the_same_operation_sent_a_hundred_times_is_in_the_log_once(mongo: Mongo) -> None:
    async with nodes(mongo, 2) as logs:
        conversation = new_id()
        await logs[0].append(message(conversation, "before"))

        answers = await asyncio.gather(
            *(
                logs[number % 2].append(message(conversation, f"try {number}", op="operation-1"))
                for number in range(100)
            )
        )

        assert {done.entry.seq for done in answers} == {2}
        assert len({done.entry.body["text"] for done in answers}) == 1
        assert [done.duplicate for done in answers].count(False) == 1
        assert len(await whole(logs[1], conversation)) == 2


async def test_a_repeat_is_answered_with_the_original_whatever_its_body(mongo: Mongo) -> None:
    async with nodes(mongo, 2) as (one, other):
        conversation = new_id()
        first = await one.append(message(conversation, "hello", op="operation-1"))
        await one.append(message(conversation, "in between"))

        again = await other.append(message(conversation, "something else", op="operation-1"))

        assert (first.duplicate, again.duplicate) == (False, True)
        assert again.entry == first.entry
        assert (await one.append(message(conversation, op="operation-2"))).entry.seq == 3


async def test_repeats_in_the_middle_of_a_batch_leave_no_hole(mongo: Mongo) -> None:
    async with nodes(mongo, 1) as (log,):
        conversation, other = new_id(), new_id()
        for number in range(0, 10, 2):
            await log.append(message(conversation, str(number), op=f"operation-{number}"))

        futures = [log.submit(message(conversation, str(number), op=f"operation-{number}")) for number in range(10)]
        futures += [log.submit(message(other, str(number))) for number in range(10)]
        answers = await asyncio.gather(*futures)

        assert [done.duplicate for done in answers] == [True, False] * 5 + [False] * 10
        assert texts(await whole(log, conversation)) == ["0", "2", "4", "6", "8", "1", "3", "5", "7", "9"]
        assert texts(await whole(log, other)) == [str(number) for number in range(10)]


async def test_an_operation_belongs_to_its_conversation_sender_and_device(mongo: Mongo) -> None:
    async with nodes(mongo, 1) as (log,):
        conversation = new_id()

        answers = [
            await log.append(message(where, op="operation-1", sender=sender, device=device))
            for where in (conversation, new_id())
            for sender in (ADA, BOB)
            for device in ("phone", "tablet")
        ]

        assert [done.duplicate for done in answers] == [False] * 8
        assert [done.entry.seq for done in answers] == [1, 2, 3, 4] * 2


async def test_drafts_without_an_operation_are_all_written(mongo: Mongo) -> None:
    async with nodes(mongo, 2) as logs:
        conversation = new_id()

        await asyncio.gather(*(log.append(message(conversation, "same")) for log in logs for _ in range(20)))

        entries = await whole(logs[0], conversation)
        assert texts(entries) == ["same"] * 40
        assert {entry.op for entry in entries} == {None}


async def test_an_entry_is_read_as_it_was_appended(mongo: Mongo, clock: TurnableClock) -> None:
    async with nodes(mongo, 1, clock=clock.now) as (log,):
        expires = clock.now() + timedelta(days=1, microseconds=1)
        draft = Draft(
            conversation=new_id(),
            kind="card",
            sender=ADA,
            device="phone",
            op="operation-1",
            body={"amount": 1 << 40, "lines": [{"name": "tea"}], "none": None},
            target=7,
            expires_at=expires,
        )

        done = await log.append(draft)

        assert await log.get(draft.conversation, 1) == done.entry
        assert done.entry.body == draft.body
        assert (done.entry.kind, done.entry.sender, done.entry.device) == ("card", ADA, "phone")
        assert (done.entry.op, done.entry.target) == ("operation-1", 7)
        assert done.entry.expires_at == expires - timedelta(microseconds=1)


async def test_the_time_of_entries_never_goes_back_on_a_node(mongo: Mongo, clock: TurnableClock) -> None:
    async with nodes(mongo, 1, clock=clock.now) as (log,):
        conversation = new_id()
        first = await log.append(message(conversation))

        clock.advance(hours=-1)
        second = await log.append(message(conversation))

        assert second.entry.at == first.entry.at


async def test_what_the_log_cannot_take_is_refused_before_anything_is_written(mongo: Mongo) -> None:
    async with nodes(mongo, 1) as (log,):
        conversation = new_id()

        for odd in (conversation.upper(), conversation.replace("-", ""), "general"):
            with pytest.raises(ValueError, match="uuid"):
                log.submit(message(odd))
        with pytest.raises(Refused):
            log.submit(message(conversation, device="\ud800"))
        for body in ({"n": 1 << 64}, {"text": "\ud800"}, {"set": {1}}):
            with pytest.raises(Refused):
                log.submit(Draft(conversation=conversation, kind="message", sender=ADA, body=body))
        with pytest.raises(ValueError, match="target"):
            log.submit(Draft(conversation=conversation, kind="edit", sender=ADA, change=lambda entry, _: entry.body))

        assert await log.head(conversation) == 0
        assert log.pending == 0


@pytest.mark.parametrize("depth", [190, 300])
async def test_a_draft_that_the_database_cannot_take_harms_no_other(mongo: Mongo, depth: int) -> None:
    deep: Document = {}
    for _ in range(depth):  # MongoDB refuses the document above 180 levels, the whole command above 200
        deep = {"a": deep}
    async with nodes(mongo, 1, lanes=1) as (log,):
        conversation = new_id()

        drafts = [message(conversation, str(number)) for number in range(10)]
        drafts[3].body = drafts[7].body = deep
        futures = [log.submit(draft) for draft in drafts]
        answers = await asyncio.gather(*futures, return_exceptions=True)

        assert [number for number, answer in enumerate(answers) if isinstance(answer, Refused)] == [3, 7]
        assert texts(await whole(log, conversation)) == ["0", "1", "2", "4", "5", "6", "8", "9"]


async def test_a_unit_of_work_cannot_hold_an_append(mongo: Mongo) -> None:
    async with nodes(mongo, 1) as (log,):
        conversation = new_id()

        async def inside() -> None:
            await mongo.collection("things").write([InsertOne({"_id": 1})])
            await log.append(message(conversation))

        with pytest.raises(RuntimeError, match="unit of work"):
            await mongo.transact(inside)

        assert await log.head(conversation) == 0
        assert await mongo.collection("things").count({}) == 0


async def test_a_log_that_was_started_in_a_unit_of_work_does_not_stay_in_it(mongo: Mongo) -> None:
    await prepared(mongo)
    log = Log(mongo, clock=now)
    conversation = new_id()

    await mongo.transact(log.start)
    seqs = [(await log.append(message(conversation))).entry.seq for _ in range(2)]
    await log.close()

    assert seqs == [1, 2]


def test_a_conversation_that_someone_waits_for_is_not_forgotten() -> None:
    heads = Heads(2)
    first, second = (heads.get(new_id()) for _ in range(2))
    first.waiting = 1

    third = heads.get(new_id())

    assert len(heads) == 2
    assert heads.get(first.id) is first
    assert heads.get(third.id) is third
    assert heads.get(second.id) is not second


async def test_a_small_memory_of_heads_costs_reads_and_nothing_else(mongo: Mongo) -> None:
    async with nodes(mongo, 2, heads=3) as logs:
        conversations = [new_id() for _ in range(12)]

        for number in range(5):
            await asyncio.gather(
                *(
                    log.append(message(one, f"{node}/{number}"))
                    for one in conversations
                    for node, log in enumerate(logs)
                )
            )

        for one in conversations:
            said = texts(await whole(logs[0], one))
            assert len(set(said)) == 10
            assert in_order(said)
