"""Questions to the log that only the chat asks: who was mentioned, what changed a message. Search has its own module.

`storage.log.entries` tells how an entry looks in storage; here are the parts of a message's body that have an index of
their own.
"""

from collections.abc import Collection as Several
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from handlers.chat.body import EVERYBODY
from handlers.chat.store.conversations import Effect
from storage.log import COLLECTION
from storage.log.entries import binary, prefix
from storage.mongo import ASCENDING, Binary, Collection, Document, IndexModel, Int64, UpdateMany

MENTIONS, TARGETS, GONE, DUE = "mentions", "targets", "gone", "pollsDue"
UNUSED, EXPIRING, OVER = "timersUnused", "expiring", "overForSender"
ATTACHED = "attached"
THREADS = "threads"

LOG_INDEXES = (
    IndexModel(
        [("b.mentions", ASCENDING), ("c", ASCENDING), ("s", ASCENDING)],
        name=MENTIONS,
        partialFilterExpression={"k": "message", "b.mentions": {"$exists": True}},
    ),
    IndexModel([("c", ASCENDING), ("t", ASCENDING)], name=TARGETS, partialFilterExpression={"t": {"$exists": True}}),
    IndexModel(
        [("b.goneFor", ASCENDING), ("c", ASCENDING), ("s", ASCENDING)],
        name=GONE,
        partialFilterExpression={"k": "message", "b.goneFor": {"$exists": True}},
    ),
    IndexModel(
        [("b.poll.due", ASCENDING)],
        name=DUE,
        partialFilterExpression={"k": "message", "b.poll.due": {"$exists": True}},
    ),
    IndexModel([("c", ASCENDING), ("s", ASCENDING)], name=UNUSED, partialFilterExpression={"r": 1}),
    IndexModel(
        [("x", ASCENDING)],
        name=EXPIRING,
        partialFilterExpression={"k": "message", "b.type": {"$exists": True}, "x": {"$exists": True}},
    ),
    IndexModel([("o", ASCENDING)], name=OVER, partialFilterExpression={"w": 1}),
    IndexModel(
        [("b.attached", ASCENDING), ("_id", ASCENDING)],
        name=ATTACHED,
        partialFilterExpression={"k": "message", "b.attached": {"$exists": True}},
    ),
    # Everything that counting a thread asks for, so that it reads no message.
    IndexModel(
        [(name, ASCENDING) for name in ("c", "b.thread", "k", "s", "n", "u", "at")],
        name=THREADS,
        partialFilterExpression={"b.thread": {"$exists": True}},
    ),
)

MAX_COUNTED = 10_000
CHUNK = 100
"""Conversations in one question."""


def stored(conversation_id: str) -> Binary:
    """A conversation as the log stores it."""
    return binary(prefix(conversation_id))


def scrubbing(conversation_id: str, seq: int, before: int) -> Effect:
    """The write that empties the earlier changes of a message: what is deleted stays nowhere."""
    emptied = {"$mergeObjects": ["$$ROOT", {"b": {"veil": "$b.veil"}}]}
    where = changing(conversation_id, seq, before=before)
    return COLLECTION, UpdateMany(where, [{"$replaceWith": emptied}], hint=TARGETS)


def changing(conversation_id: str, seq: int, *, before: int) -> Document:
    """The condition of the entries that changed a message, up to a place."""
    return {"c": stored(conversation_id), "t": Int64(seq), "s": {"$lt": Int64(before)}}


class MentionStore:
    """Finds the messages that mention somebody."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def count(
        self, user_id: str, positions: Sequence[tuple[str, int]], *, not_from: Several[str], now: datetime
    ) -> dict[str, int]:
        """How many countable messages after each place mention the person."""
        counts = {conversation_id: 0 for conversation_id, _ in positions}
        for start in range(0, len(positions), CHUNK):
            where = mentioning(user_id, positions[start : start + CHUNK], not_from=not_from, now=now)
            await self._add(where, MENTIONS, counts)
        return counts

    async def gone(
        self, user_id: str, positions: Sequence[tuple[str, int]], *, not_from: Several[str], now: datetime
    ) -> dict[str, int]:
        """How many countable messages after each place the person has deleted for himself."""
        counts = {conversation_id: 0 for conversation_id, _ in positions}
        for start in range(0, len(positions), CHUNK):
            where = deleted_for(user_id, positions[start : start + CHUNK], not_from=not_from, now=now)
            await self._add(where, GONE, counts)
        return counts

    async def _add(self, where: Document, index: str, counts: dict[str, int]) -> None:
        rows = await self._collection.find(where, fields={"_id": 0, "c": 1}, limit=MAX_COUNTED, hint=index)
        for row in rows:
            counts[str(UUID(bytes=row["c"]))] += 1


def mentioning(
    user_id: str, positions: Sequence[tuple[str, int]], *, not_from: Several[str], now: datetime
) -> Document:
    """The condition of countable messages after each place that mention the person."""
    return {
        "k": "message",
        "u": {"$nin": sorted(not_from)},
        "n": {"$gt": now},
        "b.goneFor": {"$ne": user_id},
        "$or": [
            {"b.mentions": {"$in": [user_id, EVERYBODY]}, "c": stored(conversation_id), "s": {"$gt": Int64(seq)}}
            for conversation_id, seq in positions
        ],
    }


def deleted_for(
    user_id: str, positions: Sequence[tuple[str, int]], *, not_from: Several[str], now: datetime
) -> Document:
    """The condition of countable messages after each place that the person has deleted for himself."""
    return {
        "k": "message",
        "u": {"$nin": sorted(not_from)},
        "n": {"$gt": now},
        "$or": [
            {"b.goneFor": user_id, "c": stored(conversation_id), "s": {"$gt": Int64(seq)}}
            for conversation_id, seq in positions
        ],
    }
