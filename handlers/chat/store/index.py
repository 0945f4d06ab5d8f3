"""Questions to the log that only the chat asks: who was mentioned, and which messages have these words.

`storage.log.entries` tells how an entry looks in storage; here are the parts of a message's body that have an index of
their own.
"""

from collections.abc import Collection as Several
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from handlers.chat.store.conversations import Effect
from storage.log import COLLECTION, Entry
from storage.log.entries import binary, decode, prefix
from storage.mongo import ASCENDING, DESCENDING, Binary, Collection, Document, IndexModel, Int64, UpdateMany

MENTIONS, WORDS, TARGETS, GONE, DUE = "mentions", "words", "targets", "gone", "pollsDue"

LOG_INDEXES = (
    IndexModel(
        [("b.mentions", ASCENDING), ("c", ASCENDING), ("s", ASCENDING)],
        name=MENTIONS,
        partialFilterExpression={"k": "message", "b.mentions": {"$exists": True}},
    ),
    IndexModel(
        [("b.words", ASCENDING), ("c", ASCENDING), ("at", DESCENDING)],
        name=WORDS,
        partialFilterExpression={"k": "message", "b.words": {"$exists": True}},
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
)

MAX_COUNTED = 10_000
CHUNK = 100
"""Conversations in one question."""


def _stored(conversation_id: str) -> Binary:
    """A conversation as the log stores it."""
    return binary(prefix(conversation_id))


def scrubbing(conversation_id: str, seq: int, before: int) -> Effect:
    """The write that empties the earlier changes of a message: what is deleted stays nowhere."""
    emptied = {"$mergeObjects": ["$$ROOT", {"b": {"veil": "$b.veil"}}]}
    where = changing(conversation_id, seq, before=before)
    return COLLECTION, UpdateMany(where, [{"$replaceWith": emptied}], hint=TARGETS)


def changing(conversation_id: str, seq: int, *, before: int) -> Document:
    """The condition of the entries that changed a message, up to a place."""
    return {"c": _stored(conversation_id), "t": Int64(seq), "s": {"$lt": Int64(before)}}


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
            {"b.mentions": user_id, "c": _stored(conversation_id), "s": {"$gt": Int64(seq)}}
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
            {"b.goneFor": user_id, "c": _stored(conversation_id), "s": {"$gt": Int64(seq)}}
            for conversation_id, seq in positions
        ],
    }


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a search goes on: after this message in the order of time, the newest first."""

    at: datetime
    key: bytes


class SearchStore:
    """Finds messages by words."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def find(
        self,
        words: Sequence[str],
        conversation_ids: Sequence[str],
        *,
        viewer: str,
        now: datetime,
        after: Spot | None,
        limit: int,
    ) -> list[tuple[Spot, Entry]]:
        """Messages with all the words in these conversations, the newest first."""
        where = having(words, conversation_ids, viewer=viewer, now=now, after=after)
        order = [("at", DESCENDING), ("_id", DESCENDING)]
        rows = await self._collection.find(where, sort=order, limit=limit, hint=WORDS)
        return [(Spot(row["at"], bytes(row["_id"])), decode(row)) for row in rows]


def having(
    words: Sequence[str], conversation_ids: Sequence[str], *, viewer: str, now: datetime, after: Spot | None
) -> Document:
    """The condition of messages that have all the words and that the viewer may see."""
    longest, *others = sorted(words, key=len, reverse=True)
    where: Document = {
        "b.words": {"$all": [longest, *others]},
        "c": {"$in": [_stored(one) for one in conversation_ids]},
        "k": "message",
        "b.hiddenFrom": {"$ne": viewer},
        "b.goneFor": {"$ne": viewer},
        "$and": [{"$or": [{"x": None}, {"x": {"$gt": now}}]}],
    }
    if after is not None:
        where["$and"].append({"$or": [{"at": {"$lt": after.at}}, {"at": after.at, "_id": {"$lt": after.key}}]})
    return where
