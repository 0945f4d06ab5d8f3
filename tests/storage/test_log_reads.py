"""Questions to the log: what they answer, and that an index serves each of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from storage.log import COLLECTION, Draft, Log, Unavailable
from storage.log.entries import binary, prefix
from storage.log.heads import Conversation
from storage.log.recall import Recall
from storage.mongo import Document, Mongo
from tests.harness.clock import TurnableClock
from tests.storage.log_nodes import ADA, BOB, EVE, edit, message, new_id, nodes, texts


@pytest.fixture
async def log(mongo: Mongo, clock: TurnableClock) -> AsyncIterator[Log]:
    async with nodes(mongo, 1, clock=clock.now) as (one,):
        yield one


async def said(log: Log, conversation: str, number: int, **more: Any) -> None:
    """That many messages."""
    await asyncio.gather(*(log.append(message(conversation, str(n), **more)) for n in range(1, number + 1)))


async def test_a_range_is_read_from_either_end(log: Log) -> None:
    conversation = new_id()
    await said(log, conversation, 10)

    async def seqs(**options: Any) -> list[int]:
        return [entry.seq for entry in await log.read(conversation, **options)]

    assert await seqs(limit=3) == [1, 2, 3]
    assert await seqs(after=3, limit=3) == [4, 5, 6]
    assert await seqs(after=3, before=6, limit=9) == [4, 5]
    assert await seqs(limit=3, descending=True) == [10, 9, 8]
    assert await seqs(before=8, after=4, limit=9, descending=True) == [7, 6, 5]
    assert await seqs(after=10, limit=5) == await seqs(before=1, limit=5) == await seqs(before=-1, limit=5) == []
    assert await seqs(after=-5, limit=1) == [1]
    assert await seqs(after=1 << 70, limit=1) == await seqs(before=1 << 70, after=10, limit=1) == []
    with pytest.raises(ValueError, match="bound"):
        await seqs(limit=0)


async def test_conversations_do_not_mix(log: Log) -> None:
    """Their ids are neighbours, so a range that is one too long would show."""
    conversations = [f"00000000-0000-4000-8000-0000000000{n:02x}" for n in (0, 1, 2, 0xFF)]
    for n, conversation in enumerate(conversations):
        await said(log, conversation, n)

    assert await log.heads(conversations) == dict(zip(conversations, range(4), strict=True))
    assert [await log.head(one) for one in conversations] == [0, 1, 2, 3]
    assert [len(await log.read(one, limit=9)) for one in conversations] == [0, 1, 2, 3]


async def test_single_entries_are_read_by_seq(log: Log) -> None:
    conversation = new_id()
    await said(log, conversation, 5)

    second = await log.get(conversation, 2)
    some = await log.get_many(conversation, [5, 1, 9])

    assert second is not None
    assert second.body == {"text": "2"}
    assert {seq: entry.body["text"] for seq, entry in some.items()} == {1: "1", 5: "5"}
    assert (
        await log.get(conversation, 6)
        is await log.get(conversation, -1)
        is await log.get(conversation, 1 << 70)
        is None
    )
    assert await log.get(new_id(), 1) is None
    assert await log.get_many(conversation, []) == {}


async def test_only_some_kinds_may_be_read(log: Log) -> None:
    conversation = new_id()
    await said(log, conversation, 2)
    await log.append(edit(conversation, 1, "changed"))
    await log.append(Draft(conversation=conversation, kind="pin", sender=ADA, target=2))
    await said(log, conversation, 2)

    async def seqs(*kinds: str, **options: Any) -> list[int]:
        return [entry.seq for entry in await log.read(conversation, kinds=kinds, **{"limit": 9, **options})]

    assert await seqs("message") == [1, 2, 5, 6]
    assert await seqs("message", "pin", after=1, before=6) == [2, 4, 5]
    assert await seqs("message", "edit", descending=True, limit=3) == [6, 5, 3]
    assert await seqs() == []


async def test_what_has_expired_is_a_hole_with_a_name(log: Log, clock: TurnableClock) -> None:
    conversation = new_id()
    soon = clock.now() + timedelta(minutes=1)
    await log.append(message(conversation, "stays"))
    await log.append(message(conversation, "goes", sender=BOB, device="phone", op="operation-1", expires_at=soon))
    before = await log.read(conversation, limit=9)

    clock.advance(minutes=1)
    after = await log.read(conversation, limit=9)

    assert [(entry.kind, entry.body) for entry in before] == [
        ("message", {"text": "stays"}),
        ("message", {"text": "goes"}),
    ]
    assert after[0] == before[0]
    gone = after[1]
    assert (gone.seq, gone.kind, gone.body, gone.sender, gone.device, gone.op) == (2, "noop", {}, "", "", None)
    assert await log.get(conversation, 2) == gone
    assert (await log.get_many(conversation, [2]))[2] == gone
    assert [entry.seq for entry in await log.read(conversation, kinds=["message", "noop"], limit=9)] == [1]
    again = await log.append(message(conversation, "goes", sender=BOB, device="phone", op="operation-1"))
    assert (again.duplicate, again.entry) == (True, gone)


async def test_unread_counts_what_others_said_since_and_what_counts(log: Log, clock: TurnableClock) -> None:
    conversation, quiet = new_id(), new_id()
    await said(log, conversation, 4)
    await said(log, conversation, 3, sender=BOB)
    await said(log, conversation, 2, countable=False)
    await said(log, conversation, 5, sender=EVE, expires_at=clock.now() + timedelta(minutes=1))
    positions = [(conversation, 2), (quiet, 0)]

    first = await log.unread(positions, not_from=BOB)
    own = await log.unread(positions, not_from=EVE)
    without = await log.unread(positions, not_from=BOB, nor_from=[EVE])
    clock.advance(minutes=1)
    later = await log.unread(positions, not_from=BOB)

    assert first == {conversation: 2 + 5, quiet: 0}
    assert own == {conversation: 2 + 3, quiet: 0}
    assert without == {conversation: 2, quiet: 0}
    assert later == {conversation: 2, quiet: 0}
    assert await log.unread([(conversation, 0)], not_from=BOB, limit=3) == {conversation: 3}
    assert await log.unread([], not_from=BOB) == {}


async def test_many_conversations_are_asked_about_at_once(log: Log) -> None:
    conversations = [new_id() for _ in range(250)]
    await asyncio.gather(*(said(log, one, 1 + n % 3) for n, one in enumerate(conversations)))

    heads = await log.heads(conversations)
    unread = await log.unread([(one, 1) for one in conversations], not_from=BOB)
    newest = await log.last_messages(conversations)

    assert heads == {one: 1 + n % 3 for n, one in enumerate(conversations)}
    assert unread == {one: n % 3 for n, one in enumerate(conversations)}
    assert {one: entry.seq for one, entry in newest.items()} == heads


async def test_the_last_message_is_the_newest_that_can_be_seen(log: Log, clock: TurnableClock) -> None:
    plain, expiring, silent, forgotten = (new_id() for _ in range(4))
    soon = clock.now() + timedelta(minutes=1)
    await said(log, plain, 2)
    await log.append(edit(plain, 1, "changed"))
    await said(log, expiring, 2)
    await said(log, expiring, 3, expires_at=soon)
    await log.append(Draft(conversation=silent, kind="settings", sender=ADA))
    await said(log, forgotten, 1)
    await said(log, forgotten, 100, expires_at=soon)
    everything = [plain, expiring, silent, forgotten, new_id()]

    before = await log.last_messages(everything)
    clock.advance(minutes=2)
    after = await log.last_messages(everything)

    assert {one: entry.seq for one, entry in before.items()} == {plain: 2, expiring: 5, forgotten: 101}
    assert {one: entry.seq for one, entry in after.items()} == {plain: 2, expiring: 2}
    assert texts([after[plain], after[expiring]]) == ["2", "2"]
    assert await log.last_messages([]) == {}


class Watched:
    """Remembers every reading command that a log sends, so that MongoDB can be asked how it would run it."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def plan(self, command: Mapping[str, Any]) -> Document:
        """How a command was run, with what it touched."""
        return await self._mongo.database.command({"explain": dict(command), "verbosity": "executionStats"})

    async def commands(self, work: Awaitable[Any]) -> list[Document]:
        """The finds and aggregations on the log that a piece of work sends, as the profiler saw them."""
        await self._mongo.database.command("profile", 2)
        await work
        await self._mongo.database.command("profile", 0)
        name = f"{self._mongo.database.name}.{COLLECTION}"
        rows = await self._mongo.collection("system.profile").find({"ns": name}, limit=1000, sort=[("ts", 1)])
        await self._mongo.database.drop_collection("system.profile")
        known = ("find", "aggregate", "pipeline", "filter", "sort", "limit", "projection", "hint", "cursor", "let")
        found = [{key: row["command"][key] for key in known if key in row["command"]} for row in rows]
        return [one for one in found if "find" in one or "aggregate" in one]


def nested(plan: Any, key: str) -> Iterable[Any]:
    """Every value of a key anywhere in a plan, but not of plans that lost."""
    if isinstance(plan, Mapping):
        if key in plan:
            yield plan[key]
        for name, value in plan.items():
            if name not in ("rejectedPlans", "command"):
                yield from nested(value, key)
    elif isinstance(plan, Sequence) and not isinstance(plan, str | bytes):
        for value in plan:
            yield from nested(value, key)


@pytest.fixture
async def busy(log: Log, mongo: Mongo) -> list[str]:
    """Some conversations in which more was said than any question should look at."""
    conversations = [new_id() for _ in range(5)]
    for conversation in conversations:
        await said(log, conversation, 200)
        await asyncio.gather(*(log.append(edit(conversation, n, "changed")) for n in range(1, 50)))
        await log.append(Draft(conversation=conversation, kind="member", sender=ADA, body={}))
    return conversations


async def test_every_question_is_answered_from_an_index(log: Log, mongo: Mongo, busy: list[str]) -> None:
    watched = Watched(mongo)
    one = busy[0]
    head = 250
    recall, known = Recall(mongo, {"member", "settings"}), Conversation(one)
    guard = Draft(conversation=one, kind="message", sender=ADA, body={}, guard=_nothing, known=0, op="operation-1")

    async def conflicting() -> None:
        async with nodes(mongo, 1) as (other,):
            await other.append(guard)
            await log.append(message(one))
            await log.append(guard)

    questions: dict[str, tuple[Callable[[], Awaitable[Any]], set[str], int, int]] = {
        # question: (the call, indexes, keys and documents it may touch)
        "head": (lambda: log.head(one), {"_id_"}, 1, 0),
        "heads": (lambda: log.heads(busy), {"_id_"}, 5, 0),
        "get": (lambda: log.get(one, 7), {"_id_"}, 1, 1),
        "get_many": (lambda: log.get_many(one, [7, 9]), {"_id_"}, 4, 2),
        "read": (lambda: log.read(one, after=10, limit=20), {"_id_"}, 21, 20),
        "read back": (lambda: log.read(one, before=100, limit=20, descending=True), {"_id_"}, 21, 20),
        "read kinds": (lambda: log.read(one, kinds=["message", "edit"], after=190, limit=20), {"kinds"}, 24, 20),
        "unread": (lambda: log.unread([(c, 190) for c in busy], not_from=BOB), {"unread"}, 60, 0),
        "last messages": (lambda: log.last_messages(busy), {"kinds"}, 11, 5),
        "refresh": (lambda: recall.refresh([known]), {"_id_", "kinds"}, 4, 0),
        "guard entries": (lambda: recall.guard_entries(_at(known, head), 0), {"kinds"}, 4, 1),
        "conflict": (conflicting, {"_id_", "kinds", "operations"}, 8, 4),
    }
    for name, (work, indexes, keys, documents) in questions.items():
        commands = await watched.commands(work())
        assert commands, name
        for command in commands:
            plan = await watched.plan(command)
            stages = set(nested(plan, "stage"))
            used = set(nested(plan, "indexName")) | ({"_id_"} if "IDHACK" in stages else set())
            assert "COLLSCAN" not in stages, name
            assert "SORT" not in stages, name
            assert used, name
            assert used <= indexes, name
            assert max(nested(plan, "totalKeysExamined")) <= keys, (name, max(nested(plan, "totalKeysExamined")))
            assert max(nested(plan, "totalDocsExamined")) <= documents, (name, max(nested(plan, "totalDocsExamined")))


def _at(conversation: Conversation, head: int) -> Conversation:
    conversation.learn(head, head)
    return conversation


async def _nothing(_: Sequence[Any]) -> None:
    """A guard that lets everything pass."""


async def test_the_index_of_unread_holds_only_what_counts(log: Log, mongo: Mongo, busy: list[str]) -> None:
    where = {"c": binary(prefix(busy[0])), "n": {"$exists": True}}

    keys = await mongo.collection(COLLECTION).count(where, hint="unread")

    assert keys == 200


async def test_a_closed_log_still_answers_questions(log: Log) -> None:
    conversation = new_id()
    await said(log, conversation, 1)

    await log.close()

    with pytest.raises(Unavailable):
        log.submit(message(conversation))
    assert await log.head(conversation) == 1
