"""Questions to the log. Every answer is majority-committed, and every one has an index and a bound."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.log.entries import FOREVER, LAST, Entry, binary, decode, expired, key, possible, prefix, visible
from storage.log.table import COLLECTION, KINDS, chunks, union
from storage.mongo import ASCENDING, DESCENDING, Document, Int64, Mongo

MESSAGE = "message"
_LEAN = dict.fromkeys(("c", "s", "k", "u", "d", "at", "x", "o", "b.type", "b.hiddenFrom", "b.goneFor"), 1)
LOOK_BACK = 100
"""How many expired messages `last_messages` looks past."""


@dataclass(frozen=True, slots=True)
class Open:
    """How many entries somebody has not read, and when the first and the last of them expire (None: never)."""

    count: int = 0
    first_end: datetime | None = None
    last_end: datetime | None = None


class Reader:
    """Reads entries as they are now. An expired one is shown as an empty `noop`, so that no seq is missing."""

    def __init__(self, mongo: Mongo, *, clock: Callable[[], datetime]) -> None:
        self._log = mongo.collection(COLLECTION)
        self._clock = clock

    async def head(self, conversation: str) -> int:
        """The last seq of a conversation, 0 when nothing was ever appended."""
        first = prefix(conversation)
        found = await self._log.find_one(_range(first, 0, None), fields={"_id": 1}, sort=[("_id", DESCENDING)])
        return _seq(found["_id"]) if found else 0

    async def heads(self, conversations: Sequence[str]) -> dict[str, int]:
        """The last seq of each conversation (0 for an empty one), in one trip per 100."""
        heads = dict.fromkeys(conversations, 0)
        for chunk in chunks(heads):
            rows = await self._log.aggregate(union([prefix(one) for one in chunk], newest), limit=len(chunk))
            heads.update((str(UUID(bytes=row["_id"][:16])), _seq(row["_id"])) for row in rows)
        return heads

    async def read(
        self,
        conversation: str,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int,
        descending: bool = False,
        kinds: Collection[str] | None = None,
    ) -> list[Entry]:
        """At most `limit` entries with `after` < seq < `before`, from the first one on (the last one if `descending`).

        Without `kinds` the seqs are dense. With `kinds` only those, and none that has expired.
        """
        now, order = self._clock(), DESCENDING if descending else ASCENDING
        if kinds is None:
            where = _range(prefix(conversation), after, before)
            rows = await self._log.find(where, limit=limit, sort=[("_id", order)])
        else:
            where = self._of_kinds(conversation, kinds, after, before, now)
            rows = await self._log.find(where, limit=limit, sort=[("s", order)], hint=KINDS)
        return [visible(decode(row), now) for row in rows]

    async def get(self, conversation: str, seq: int) -> Entry | None:
        """One entry, or None when there is no such seq."""
        found = await self._log.find_one({"_id": key(prefix(conversation), possible(seq))})
        return visible(decode(found), self._clock()) if found else None

    async def get_many(self, conversation: str, seqs: Collection[int]) -> dict[int, Entry]:
        """The entries of these seqs, by seq; those that do not exist are left out."""
        if not seqs:
            return {}
        first, now = prefix(conversation), self._clock()
        where = {"_id": {"$in": [key(first, possible(seq)) for seq in seqs]}}
        rows = await self._log.find(where, limit=len(seqs))
        return {entry.seq: visible(entry, now) for entry in map(decode, rows)}

    async def get_places(self, places: Collection[tuple[str, int]]) -> dict[tuple[str, int], Entry]:
        """The entries of these places (conversation, seq) in any conversations; what does not exist is left out."""
        if not places:
            return {}
        now = self._clock()
        where = {"_id": {"$in": [key(prefix(conversation), possible(seq)) for conversation, seq in places]}}
        rows = await self._log.find(where, limit=len(places))
        return {(entry.conversation, entry.seq): visible(entry, now) for entry in map(decode, rows)}

    async def newest(self, since: datetime, *, limit: int) -> list[Entry]:
        """At most `limit` of the entries of all conversations that were appended since then, the last one first.

        Of their bodies there is nothing but the type and who must not see them.
        """
        now = self._clock()
        rows = await self._log.newest(lambda row: bool(row["at"] >= since), limit=limit, fields=_LEAN)
        return [visible(decode(row), now) for row in rows]

    async def unread(
        self,
        positions: Sequence[tuple[str, int]],
        *,
        not_from: str,
        nor_from: Collection[str] = (),
        limit: int = 10_000,
    ) -> dict[str, int]:
        """How many countable, unexpired entries of others than `not_from` and `nor_from` there are after each seq.

        Counted no further than `limit`. It reads the index alone, in one trip per 100 conversations.
        """
        found = await self.open_after(positions, not_from=not_from, nor_from=nor_from, limit=limit)
        return {conversation: open_.count for conversation, open_ in found.items()}

    async def open_after(
        self,
        positions: Sequence[tuple[str, int]],
        *,
        not_from: str,
        nor_from: Collection[str] = (),
        limit: int = 10_000,
    ) -> dict[str, Open]:
        """The same, and until when it stays so if nothing happens."""
        now, found = self._clock(), {conversation: Open() for conversation, _ in positions}

        def count(position: tuple[str, int]) -> list[Document]:
            conversation, after = position
            where = {
                "c": binary(prefix(conversation)),
                "s": {"$gt": Int64(possible(after))},
                "u": {"$nin": [not_from, *nor_from]},
                "n": {"$gt": now},
            }
            ends = {"first": {"$min": "$n"}, "last": {"$max": "$n"}}
            one = {"_id": {"$literal": conversation}, "unread": {"$sum": 1}, **ends}
            return [{"$match": where}, {"$limit": limit}, {"$group": one}]

        for chunk in chunks(positions):
            rows = await self._log.aggregate(union(chunk, count), limit=len(chunk))
            found.update((row["_id"], Open(row["unread"], _end(row["first"]), _end(row["last"]))) for row in rows)
        return found

    async def last_messages(self, conversations: Sequence[str]) -> dict[str, Entry]:
        """The newest message of each conversation that has one, in one trip (two where the newest has expired).

        A conversation whose last 100 messages have all expired is left out.
        """
        if not conversations:
            return {}
        now = self._clock()
        wanted = [binary(prefix(one)) for one in conversations]
        rows = await self._log.aggregate(last_of(wanted), limit=len(wanted))
        newest = [decode(row["entry"]) for row in rows]
        messages = {entry.conversation: visible(entry, now) for entry in newest if not expired(entry, now)}
        gone = [entry.conversation for entry in newest if entry.conversation not in messages]

        def look_back(conversation: str) -> list[Document]:
            where = {"c": binary(prefix(conversation)), "k": MESSAGE}
            alive = {"$or": [{"x": None}, {"x": {"$gt": now}}]}
            return [{"$match": where}, {"$sort": {"s": -1}}, {"$limit": LOOK_BACK}, {"$match": alive}, {"$limit": 1}]

        for chunk in chunks(gone):
            found = await self._log.aggregate(union(chunk, look_back), limit=len(chunk))
            messages.update((entry.conversation, visible(entry, now)) for entry in map(decode, found))
        return messages

    def _of_kinds(
        self, conversation: str, kinds: Collection[str], after: int, before: int | None, now: datetime
    ) -> Document:
        span: Document = {"$gt": Int64(possible(after))}
        if before is not None:
            span["$lt"] = Int64(possible(before))
        return {
            "c": binary(prefix(conversation)),
            "k": {"$in": sorted(kinds)},
            "s": span,
            "$or": [{"x": None}, {"x": {"$gt": now}}],
        }


def newest(first: bytes) -> list[Document]:
    """Stages that find the key of a conversation's newest entry in the index of `_id` alone."""
    return [
        {"$match": _range(first, 0, None)},
        {"$sort": {"_id": -1}},
        {"$limit": 1},
        {"$project": {"_id": 1}},
    ]


def last_of(conversations: Sequence[bytes]) -> list[Document]:
    """Stages that find the newest message of each; MongoDB jumps from one to the next in the index of kinds."""
    return [
        {"$match": {"c": {"$in": list(conversations)}, "k": MESSAGE}},
        {"$sort": {"c": -1, "k": -1, "s": -1}},
        {"$group": {"_id": "$c", "entry": {"$first": "$$ROOT"}}},
    ]


def _range(first: bytes, after: int, before: int | None) -> Document:
    start = key(first, possible(after))
    if before is None:
        return {"_id": {"$gt": start, "$lte": first + LAST}}
    return {"_id": {"$gt": start, "$lt": key(first, possible(before))}}


def _end(counts_until: datetime) -> datetime | None:
    return counts_until if counts_until < FOREVER else None


def _seq(id: bytes) -> int:  # noqa: A002 - it is what the field is called
    return int.from_bytes(id[16:], "big")
