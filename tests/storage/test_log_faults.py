"""Servers that freeze, die, step down and fall behind: what was acknowledged stays, and everything comes to an end."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from storage.log import Appended, Draft, Entry, Hooks, Log, Overloaded, Unavailable
from storage.mongo import Document, Mongo
from tests.storage.log_mongod import ReplicaSet, replica_set
from tests.storage.log_nodes import message, new_id, nodes, react, replayed, whole

PATIENT: dict[str, Any] = {"attempt": 0.7, "patience": 30.0, "max_wait": 60.0}
"""Short attempts, so that a test sees many of them."""


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[ReplicaSet]:
    async with replica_set(tmp_path) as one:
        yield one


@pytest.fixture
async def faulty(servers: ReplicaSet, database: str) -> AsyncIterator[Mongo]:
    """A database on servers that will have faults."""
    mongo = servers.mongo(database)
    yield mongo
    await mongo.close()


class Sender:
    """Sends the numbered messages of one client, each until it is acknowledged, some of them with reactions."""

    def __init__(self, log: Log, conversation: str, name: str) -> None:
        self._log = log
        self._conversation = conversation
        self._name = name
        self.acknowledged: list[Appended] = []
        self.running = True

    async def run(self) -> None:
        """Send until told to stop."""
        number = 0
        while self.running or number < 10:
            number += 1
            op = f"{self._name}-{number}"
            done = await self._until_acknowledged(message(self._conversation, op, op=op))
            if number % 3 == 0:
                await self._until_acknowledged(react(self._conversation, done.entry.seq, op, op=f"{op}-reaction"))

    async def _until_acknowledged(self, draft: Draft) -> Appended:
        while True:
            try:
                done = await self._log.append(draft)
            except (Unavailable, Overloaded):
                await asyncio.sleep(0.05)
            else:
                self.acknowledged.append(done)
                return done


async def check(log: Log, conversation: str, senders: Sequence[Sender]) -> None:
    """Everything acknowledged is in the log as it was told, once and in each sender's order, and can be replayed."""
    entries = await whole(log, conversation)
    seqs = {entry.op: entry.seq for entry in entries}
    assert len(seqs) == len(entries)
    for sender in senders:
        own = [done.entry for done in sender.acknowledged]
        assert [seqs[entry.op] for entry in own] == [entry.seq for entry in own]
        assert [entry.seq for entry in own] == sorted(entry.seq for entry in own)
    assert len(entries) == sum(len(sender.acknowledged) for sender in senders)
    for seq, body in replayed(entries).items():
        assert entries[seq - 1].body == body


async def under_load(mongo: Mongo, fault: Any, **options: Any) -> None:
    """Two nodes and twelve clients; `fault` runs meanwhile."""
    async with nodes(mongo, 2, **{**PATIENT, **options}) as logs:
        conversation = new_id()
        senders = [Sender(logs[n % 2], conversation, f"client-{n}") for n in range(12)]
        tasks = [asyncio.create_task(sender.run()) for sender in senders]
        await asyncio.sleep(0.2)

        await fault()

        for sender in senders:
            sender.running = False
        async with asyncio.timeout(60):
            await asyncio.gather(*tasks)
        await check(logs[0], conversation, senders)


async def test_a_frozen_database_costs_time_and_nothing_else(servers: ReplicaSet, faulty: Mongo) -> None:
    async def fault() -> None:
        for seconds in (0.3, 2.5, 1.0):
            servers.primary.freeze()
            await asyncio.sleep(seconds)
            servers.primary.thaw()
            await asyncio.sleep(0.3)

    await under_load(faulty, fault)


async def test_a_killed_database_loses_nothing_that_was_acknowledged(servers: ReplicaSet, faulty: Mongo) -> None:
    async def fault() -> None:
        for _ in range(2):
            await servers.primary.kill()
            await servers.primary.start()
            await servers.settled()
            await asyncio.sleep(0.3)

    await under_load(faulty, fault)


async def test_a_primary_that_steps_down_loses_nothing(servers: ReplicaSet, faulty: Mongo) -> None:
    async def fault() -> None:
        for _ in range(3):
            await servers.step_down()
            await servers.settled()
            await asyncio.sleep(0.2)

    await under_load(faulty, fault)


async def test_callers_hear_of_a_long_absence_in_bounded_time_and_can_retry(servers: ReplicaSet, faulty: Mongo) -> None:
    async with nodes(faulty, 2, attempt=0.4, patience=1.0) as (one, other):
        conversation, ops = new_id(), [f"operation-{number}" for number in range(20)]
        await one.append(message(conversation, "before"))

        servers.primary.freeze()
        started = asyncio.get_running_loop().time()
        sent = [one.submit(message(conversation, op, op=op)) for op in ops]
        answers = await asyncio.gather(*sent, return_exceptions=True)
        waited = asyncio.get_running_loop().time() - started
        servers.primary.thaw()

        assert [type(answer) for answer in answers] == [Unavailable] * 20
        assert waited < 1.0 + 0.4 + 0.5
        again = await asyncio.gather(*(other.append(message(conversation, op, op=op)) for op in ops))
        entries = await whole(one, conversation)
        assert Counter(entry.op for entry in entries) == Counter([None, *ops])
        assert {done.entry.op: done.entry.seq for done in again} == {entry.op: entry.seq for entry in entries[1:]}
        assert (await one.append(message(conversation, "after"))).entry.seq == 22


async def test_a_transaction_that_got_lost_does_not_block_its_conversation(servers: ReplicaSet, faulty: Mongo) -> None:
    class FreezesOnce(Log):
        """Freezes the database when the entries of a transaction are written and not committed."""

        done = False

        async def insert(self, documents: Sequence[Document], session: Any = None) -> None:
            await super().insert(documents, session)
            if session is not None and not self.done:
                self.done = True
                servers.primary.freeze()
                asyncio.get_running_loop().call_later(1.5, servers.primary.thaw)

    async with nodes(faulty, 1, kind=FreezesOnce, **PATIENT) as (log,):
        conversation = new_id()
        await log.append(message(conversation))

        async with asyncio.timeout(10):  # MongoDB itself ends a transaction after 60 seconds
            await asyncio.gather(*(log.append(react(conversation, 1, str(number))) for number in range(5)))

        entries = await whole(log, conversation)
        assert entries[0].body["reactions"] == ["0", "1", "2", "3", "4"]
        assert len(entries) == 6


async def test_nothing_is_acknowledged_before_a_majority_has_it(tmp_path: Path, database: str) -> None:
    async with replica_set(tmp_path, members=2) as servers:
        mongo = servers.mongo(database)
        async with nodes(mongo, 2, **PATIENT) as (one, other):
            conversation = new_id()
            await one.append(message(conversation, "before"))

            servers.members[1].freeze()
            sent = [log.submit(message(conversation, "hello", op="operation-1")) for log in (one, other, one)]
            sent.append(other.submit(react(conversation, 1, "+")))
            await asyncio.sleep(2.0)
            early = [future.done() for future in sent]
            seen = await one.head(conversation)
            servers.members[1].thaw()
            answers = await asyncio.gather(*sent)

            assert early == [False] * 4
            assert seen == 1
            assert {done.entry.seq for done in answers[:3]} | {answers[3].entry.seq} == {2, 3}
            assert [entry.seq for entry in await whole(one, conversation)] == [1, 2, 3]
        await mongo.close()


class Crash(Hooks):
    """Stops a node for good at one of the three points."""

    def __init__(self, point: str) -> None:
        self._point = point
        self.reached = asyncio.Event()

    async def _at(self, point: str) -> None:
        if point == self._point:
            self.reached.set()
            await asyncio.Event().wait()

    async def before_insert(self, entries: Sequence[Entry]) -> None:
        await self._at("before_insert")

    async def after_insert(self, entries: Sequence[Entry]) -> None:
        await self._at("after_insert")

    async def after_ack(self, entries: Sequence[Entry]) -> None:
        await self._at("after_ack")


@pytest.mark.parametrize(
    ("point", "written", "told"),
    [("before_insert", 0, False), ("after_insert", 5, False), ("after_ack", 5, True)],
)
async def test_a_node_that_stops_at_any_point_leaves_a_log_that_others_go_on_with(
    mongo: Mongo, monkeypatch: pytest.MonkeyPatch, point: str, written: int, *, told: bool
) -> None:
    monkeypatch.setattr("storage.log.log.CLOSE_TIMEOUT", 0.01)
    crash = Crash(point)
    conversation, ops = new_id(), [f"operation-{number}" for number in range(5)]
    async with nodes(mongo, 1, hooks=crash) as (dying,), nodes(mongo, 1) as (other,):
        sent = [dying.submit(message(conversation, op, op=op)) for op in ops]
        await crash.reached.wait()

        assert await other.head(conversation) == written
        await dying.close()
        answers = await asyncio.gather(*sent, return_exceptions=True)
        again = [await other.append(message(conversation, op, op=op)) for op in ops]

        assert [isinstance(answer, Appended) for answer in answers] == [told] * 5
        assert [(done.entry.seq, done.duplicate) for done in again] == [(seq, written > 0) for seq in range(1, 6)]
        assert len(await whole(other, conversation)) == 5
