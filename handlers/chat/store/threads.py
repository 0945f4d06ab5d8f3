"""Threads in the log, each counted from its index, and who follows which of them up to where."""

from collections.abc import Collection as Several
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from handlers.chat.body import LIMITED
from handlers.chat.store.conversations import Effect
from handlers.chat.store.index import GONE, THREADS, stored
from storage.log import COLLECTION, Entry
from storage.log.entries import decode, key, prefix
from storage.mongo import (
    ASCENDING,
    DESCENDING,
    Collection,
    DeleteMany,
    Document,
    DuplicateKeyError,
    IndexModel,
    Int64,
    UpdateOne,
)

FOLLOWS = "thread_follows"

_LATEST = (("at", DESCENDING), ("_id", DESCENDING))
ORDER = list(_LATEST)
MINE, MINE_THERE = "mine", "mine_there"

FOLLOW_INDEXES = (
    IndexModel([("userId", ASCENDING), ("following", ASCENDING), *_LATEST], name=MINE),
    IndexModel(
        [("userId", ASCENDING), ("conversationId", ASCENDING), ("following", ASCENDING), *_LATEST], name=MINE_THERE
    ),
    IndexModel([("conversationId", ASCENDING), ("rootSeq", ASCENDING)], name="thread"),
)

MAX_COUNTED = 100_000
"""Replies that one question counts."""
SHOWN = 5
"""People who are named as having replied."""

Place = tuple[str, int]
"""A conversation, and the place of the message that a thread is about."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What is in a thread."""

    replies: int
    last_seq: int
    last_at: datetime
    people: Sequence[str]
    """Who replied, the last one first."""


@dataclass(frozen=True, slots=True)
class Follow:
    """How somebody stands to a thread."""

    key: str
    conversation_id: str
    root_seq: int
    following: bool
    read_seq: int
    at: datetime

    @property
    def place(self) -> Place:
        """Which thread."""
        return self.conversation_id, self.root_seq


class ThreadStore:
    """Reads threads, and keeps who follows them."""

    def __init__(self, log: Collection, follows: Collection) -> None:
        self._log = log
        self._follows = follows

    async def summaries(
        self, conversation_id: str, roots: Several[int], *, viewer: str | None, since: int, now: datetime
    ) -> dict[int, Summary]:
        """What is in those of these threads in which there is something, as far as the viewer sees it.

        `since` is the first entry that he may see; without a viewer: what everybody sees. It reads one index.
        """
        if not roots:
            return {}
        stages = summing(conversation_id, roots, viewer, since, now)
        rows = await self._log.aggregate(stages, limit=len(roots), hint=THREADS)
        gone = await self._gone(conversation_id, roots, viewer, since, now) if viewer and rows else {}
        found: dict[int, Summary] = {}
        for row in rows:
            root, people = int(row["_id"]), sorted(row["people"], key=lambda one: one["last"], reverse=True)
            replies = row["replies"] - gone.get(root, 0)
            if replies > 0:
                found[root] = Summary(replies, int(row["last"]), row["at"], [one["u"] for one in people])
        return found

    async def replies(
        self,
        place: Place,
        *,
        viewer: str,
        since: int,
        now: datetime,
        after: int = 0,
        before: int | None = None,
        limit: int,
        descending: bool = True,
    ) -> list[Entry]:
        """Replies of a thread that the viewer may see, in the order of the log."""
        where = replying(place, viewer=viewer, after=max(after, since - 1), before=before, now=now)
        order = DESCENDING if descending else ASCENDING
        rows = await self._log.find(where, sort=[("s", order)], limit=limit, hint=THREADS)
        return [decode(row) for row in rows]

    async def unread(
        self, user_id: str, positions: Sequence[tuple[Place, int]], *, not_from: Several[str], now: datetime
    ) -> dict[Place, int]:
        """How many replies of others there are in each thread after a place."""
        counts = {place: 0 for place, _ in positions}
        if not positions:
            return counts
        rows = await self._log.find(
            unread_in(user_id, positions, not_from=not_from, now=now),
            fields={"_id": 0, "c": 1, "b.thread": 1},
            limit=MAX_COUNTED,
            hint=THREADS,
        )
        for row in rows:
            counts[str(UUID(bytes=row["c"])), int(row["b"]["thread"])] += 1
        return counts

    async def follow(self, user_id: str, place: Place) -> Follow | None:
        """How somebody stands to a thread; None when he has never had to do with it."""
        found = await self._follows.find_one({"_id": follow_key(user_id, *place)})
        return _follow(found) if found else None

    async def page(
        self, user_id: str, conversation_id: str | None, *, after: tuple[datetime, str] | None, limit: int
    ) -> list[Follow]:
        """Threads that somebody follows, the one followed last first."""
        rows = await self._follows.find(
            follows_of(user_id, conversation_id, after), sort=ORDER, limit=limit, hint=listing(conversation_id)
        )
        return [_follow(row) for row in rows]

    async def set_following(self, user_id: str, place: Place, *, on: bool, at: datetime) -> Follow:
        """Follow a thread or do so no longer; how he stands to it then."""
        where = {"_id": follow_key(user_id, *place)}
        change: Document = {
            "$set": {"following": on, "at": at},
            "$setOnInsert": {**_place_fields(user_id, place), "readSeq": Int64(place[1])},
        }
        try:
            found = await self._follows.find_and_update(where, change, upsert=True)
        except DuplicateKeyError:
            # Another device made the document at the same moment: now it is there.
            found = await self._follows.find_and_update(where, {"$set": change["$set"]})
        return _follow(found or {**where, **change["$setOnInsert"], **change["$set"]})

    async def count(self, user_id: str, *, upto: int) -> int:
        """How many threads somebody follows, counted no further than `upto`."""
        return await self._follows.count({"userId": user_id, "following": True}, limit=upto)

    async def advance(self, user_id: str, place: Place, seq: int) -> Follow | None:
        """Move forward up to where somebody has read a thread, never back; None when he has nothing to do with it."""
        where = {"_id": follow_key(user_id, *place)}
        found = await self._follows.find_and_update(where, {"$max": {"readSeq": Int64(seq)}})
        return _follow(found) if found else None

    async def drop(self, keys: Sequence[str]) -> None:
        """Forget by their keys how somebody stood to threads."""
        if keys:
            await self._follows.delete_many({"_id": {"$in": list(keys)}})

    async def forget(self, user_id: str) -> None:
        """Forget a person."""
        await self._follows.delete_many({"userId": user_id})

    async def _gone(
        self, conversation_id: str, roots: Several[int], viewer: str, since: int, now: datetime
    ) -> dict[int, int]:
        """How many replies of each thread the viewer has deleted for himself."""
        where = {
            "b.goneFor": viewer,
            "c": stored(conversation_id),
            "s": {"$gte": Int64(since)},
            "k": "message",
            "b.thread": {"$in": [Int64(one) for one in roots]},
            "$or": [{"n": {"$gt": now}}, {"n": None, "u": viewer}],
        }
        counts: dict[int, int] = {}
        for row in await self._log.find(where, fields={"_id": 0, "b.thread": 1}, limit=MAX_COUNTED, hint=GONE):
            root = int(row["b"]["thread"])
            counts[root] = counts.get(root, 0) + 1
        return counts


def summing(conversation_id: str, roots: Several[int], viewer: str | None, since: int, now: datetime) -> list[Document]:
    """Stages that count the replies of threads in the index alone: what counts as unread for others is seen by all."""
    where = {
        "c": stored(conversation_id),
        "b.thread": {"$in": [Int64(one) for one in roots]},
        "k": "message",
        "s": {"$gte": Int64(since)},
    }
    seen: list[Document] = [{"$gt": ["$n", now]}]
    if viewer is not None:  # what is hidden from others does not count as unread
        seen.append({"$and": [{"$lte": ["$n", None]}, {"$eq": ["$u", viewer]}]})
    each = {"_id": {"t": "$b.thread", "u": "$u"}, "n": {"$sum": 1}, "last": {"$max": "$s"}, "at": {"$max": "$at"}}
    return [
        {"$match": where},
        {"$limit": MAX_COUNTED},
        {"$match": {"$expr": {"$or": seen}}},
        {"$group": each},
        {
            "$group": {
                "_id": "$_id.t",
                "replies": {"$sum": "$n"},
                "last": {"$max": "$last"},
                "at": {"$max": "$at"},
                "people": {"$push": {"u": "$_id.u", "last": "$last"}},
            }
        },
    ]


def replying(place: Place, *, viewer: str, after: int, before: int | None, now: datetime) -> Document:
    """The condition of the replies of a thread between two places that a viewer may see."""
    span: Document = {"$gt": Int64(after)}
    if before is not None:
        span["$lt"] = Int64(before)
    return {
        "c": stored(place[0]),
        "b.thread": Int64(place[1]),
        "k": "message",
        "s": span,
        "b.goneFor": {"$ne": viewer},
        "$or": [{"b.hiddenFrom": {"$nin": [viewer, *LIMITED]}}, {"u": viewer}],
        "$and": [{"$or": [{"x": None}, {"x": {"$gt": now}}]}],
        "$nor": [{"u": viewer, "o": {"$lte": now}}],
    }


def unread_in(
    user_id: str, positions: Sequence[tuple[Place, int]], *, not_from: Several[str], now: datetime
) -> Document:
    """The condition of replies of others in threads after a place of each."""
    return {
        "$or": [
            {"c": stored(conversation), "b.thread": Int64(root), "k": "message", "s": {"$gt": Int64(seq)}}
            for (conversation, root), seq in positions
        ],
        "u": {"$nin": [user_id, *not_from]},
        "n": {"$gt": now},
        "b.goneFor": {"$ne": user_id},
    }


def follow_key(user_id: str, conversation_id: str, root_seq: int) -> str:
    """The `_id` of how somebody stands to a thread."""
    return f"{user_id}/{conversation_id}:{root_seq}"


def listing(conversation_id: str | None) -> str:
    """The index that lists the threads that somebody follows, in all conversations or in one."""
    return MINE if conversation_id is None else MINE_THERE


def follows_of(user_id: str, conversation_id: str | None, after: tuple[datetime, str] | None) -> Document:
    """The condition of the threads that somebody follows, after a place of the list."""
    where: Document = {"userId": user_id, "following": True}
    if conversation_id is not None:
        where["conversationId"] = conversation_id
    if after is not None:
        where["at"] = {"$lte": after[0]}
        where["$nor"] = [{"at": after[0], "_id": {"$gte": after[1]}}]
    return where


def answered(place: Place) -> Effect:
    """The write that marks a message as one that has a thread."""
    return COLLECTION, UpdateOne({"_id": key(prefix(place[0]), place[1])}, {"$set": {"h": 1}})


def following(user_id: str, place: Place, *, seq: int, at: datetime, again: bool) -> Effect:
    """The write by which somebody follows a thread: who replies (`again`: also when he had left it) or whom it is
    about. Up to `seq` he has read it."""
    begins: Document = {} if again else {"following": True, "at": at}
    change: Document = {
        "$max": {"readSeq": Int64(seq)},
        "$setOnInsert": {**_place_fields(user_id, place), **begins},
    }
    if again:
        change["$set"] = {"following": True}
        change["$min"] = {"at": at}
    return FOLLOWS, UpdateOne({"_id": follow_key(user_id, *place)}, change, upsert=True)


def dropping(conversation_id: str, seq: int) -> Effect:
    """The write after which nobody follows the thread of a message that is gone."""
    return FOLLOWS, DeleteMany({"conversationId": conversation_id, "rootSeq": Int64(seq)})


def dropping_there(conversation_id: str, user_id: str) -> Effect:
    """The write after which somebody who leaves a conversation follows none of its threads."""
    return FOLLOWS, DeleteMany({"userId": user_id, "conversationId": conversation_id})


def _place_fields(user_id: str, place: Place) -> Document:
    return {"userId": user_id, "conversationId": place[0], "rootSeq": Int64(place[1])}


def _follow(found: Document) -> Follow:
    return Follow(
        key=found["_id"],
        conversation_id=found["conversationId"],
        root_seq=int(found["rootSeq"]),
        following=found["following"],
        read_seq=int(found["readSeq"]),
        at=found["at"],
    )
