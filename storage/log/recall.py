"""What a lane asks the log before it appends: how far conversations go, and whether drafts are there already."""

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from storage.log.entries import Entry, decode
from storage.log.heads import Conversation
from storage.log.pending import Pending
from storage.log.reader import newest
from storage.log.table import CHUNK, COLLECTION, KINDS, OPERATIONS, chunks, union
from storage.mongo import DESCENDING, Document, Int64, Mongo

MISSED = 1_000
"""How many guard entries a guard is shown at most; the newest ones."""


class Recall:
    """Majority reads of the log for those who write it."""

    def __init__(self, mongo: Mongo, guard_kinds: Collection[str]) -> None:
        self._log = mongo.collection(COLLECTION)
        self._guard_kinds = sorted(guard_kinds)

    async def refresh(self, conversations: Sequence[Conversation]) -> None:
        """Read how far each conversation goes and where its last guard entry is."""
        for chunk in chunks(conversations):
            rows = await self._log.aggregate(union(chunk, self._ends), limit=2 * len(chunk))
            heads: dict[bytes, int] = {}
            turns: dict[bytes, int] = {}
            for row in rows:
                if "_id" in row:
                    heads[row["_id"][:16]] = int.from_bytes(row["_id"][16:], "big")
                else:
                    turns[bytes(row["c"])] = int(row["s"])
            for one in chunk:
                one.learn(heads.get(one.prefix, 0), turns.get(one.prefix, 0))

    async def find(self, drafts: Sequence[Pending]) -> dict[Pending, Entry]:
        """The entries of those drafts whose operation is in the log."""
        found: dict[tuple[str, str, str, str | bytes], Entry] = {}
        for chunk in chunks(drafts):
            rows = await self._log.find({"$or": list(operations(chunk))}, limit=CHUNK, hint=OPERATIONS)
            for row in rows:
                found[str(UUID(bytes=row["c"])), row["u"], row["d"], row["m"]] = decode(row)
        keys = {one: (one.conversation.id, one.draft.sender, one.draft.device, one.op) for one in drafts}
        return {one: found[key] for one, key in keys.items() if key in found}

    async def guard_entries(self, conversation: Conversation, since: int) -> list[Entry]:
        """The guard entries with `since` < seq ≤ the known head, in order; the newest 1,000 of them."""
        where = {
            "c": conversation.binary,
            "k": {"$in": self._guard_kinds},
            "s": {"$gt": Int64(since), "$lte": Int64(conversation.head)},
        }
        rows = await self._log.find(where, limit=MISSED, sort=[("s", DESCENDING)], hint=KINDS)
        return [decode(row) for row in reversed(rows)]

    def _ends(self, conversation: Conversation) -> list[Document]:
        turn = {"coll": COLLECTION, "pipeline": self._turn(conversation)}
        return [*newest(conversation.prefix), {"$unionWith": turn}]

    def _turn(self, conversation: Conversation) -> list[Document]:
        return [
            {"$match": {"c": conversation.binary, "k": {"$in": self._guard_kinds}}},
            {"$sort": {"s": -1}},
            {"$limit": 1},
            {"$project": {"_id": 0, "c": 1, "s": 1}},
        ]


def operations(drafts: Iterable[Pending]) -> Iterable[Document]:
    """One condition for each sender's device and conversation: which of these operations are there?"""
    origin = attrgetter("conversation.id", "draft.sender", "draft.device")
    for (_, sender, device), group in groupby(sorted(drafts, key=origin), key=origin):
        same = list(group)
        yield {"c": same[0].conversation.binary, "u": sender, "d": device, "m": {"$in": [one.op for one in same]}}
