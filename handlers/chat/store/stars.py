"""Which messages people have starred."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from handlers.chat.store.conversations import Effect
from storage.mongo import (
    ASCENDING,
    DESCENDING,
    Collection,
    DeleteMany,
    Document,
    DuplicateKeyError,
    IndexModel,
    Int64,
)

STARS = "stars"

_LATEST = (("at", DESCENDING), ("_id", DESCENDING))

STAR_INDEXES = (
    IndexModel([("userId", ASCENDING), *_LATEST], name="mine"),
    IndexModel([("userId", ASCENDING), ("conversationId", ASCENDING), *_LATEST], name="mine_there"),
    IndexModel([("conversationId", ASCENDING), ("messageSeq", ASCENDING)], name="message"),
)
ORDER = list(_LATEST)


@dataclass(frozen=True, slots=True)
class StarRecord:
    """A starred message: `key` is its place among those of the same moment."""

    key: str
    conversation_id: str
    seq: int
    at: datetime


class StarStore:
    """The stars of all people."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def add(self, user_id: str, conversation_id: str, seq: int, *, at: datetime, most: int) -> datetime | None:
        """Star a message; since when it is starred. None when the person has as many stars as he may."""
        key = star_key(user_id, conversation_id, seq)
        document = {
            "_id": key,
            "userId": user_id,
            "conversationId": conversation_id,
            "messageSeq": Int64(seq),
            "at": at,
        }
        try:
            await self._collection.insert(document)
        except DuplicateKeyError:
            found = await self._collection.find_one({"_id": key})
            since: datetime = found["at"] if found else at
            return since
        # Counted afterwards: of several at once, those that are too many see each other and go again.
        if await self._collection.count({"userId": user_id}, limit=most + 1) <= most:
            return at
        await self._collection.delete_one({"_id": key})
        return None

    async def page(
        self, user_id: str, conversation_id: str | None, *, after: tuple[datetime, str] | None, limit: int
    ) -> list[StarRecord]:
        """The person's stars, the latest first."""
        rows = await self._collection.find(
            stars_of(user_id, conversation_id, after),
            sort=ORDER,
            limit=limit,
            hint="mine" if conversation_id is None else "mine_there",
        )
        return [StarRecord(row["_id"], row["conversationId"], int(row["messageSeq"]), row["at"]) for row in rows]

    async def drop(self, stars: Sequence[str]) -> None:
        """Take stars away by their keys."""
        if stars:
            await self._collection.delete_many({"_id": {"$in": list(stars)}})

    async def forget(self, user_id: str) -> None:
        """Take away everything of a person."""
        await self._collection.delete_many({"userId": user_id})


def star_key(user_id: str, conversation_id: str, seq: int) -> str:
    """The `_id` of a star: a person stars a message once."""
    return f"{user_id}/{conversation_id}:{seq}"


def stars_of(user_id: str, conversation_id: str | None, after: tuple[datetime, str] | None) -> Document:
    """The condition of a person's stars after a place of the list."""
    where: Document = {"userId": user_id}
    if conversation_id is not None:
        where["conversationId"] = conversation_id
    if after is not None:
        where["at"] = {"$lte": after[0]}
        where["$nor"] = [{"at": after[0], "_id": {"$gte": after[1]}}]
    return where


def unstarring(conversation_id: str, seq: int, user_id: str | None = None) -> Effect:
    """The write that takes away everybody's stars of a message, or those of one person."""
    where: Document = {"conversationId": conversation_id, "messageSeq": Int64(seq)}
    return STARS, DeleteMany(where if user_id is None else where | {"userId": user_id})


def unstarring_there(conversation_id: str, user_id: str) -> Effect:
    """The write that takes away a person's stars in a conversation that he is leaving."""
    return STARS, DeleteMany({"userId": user_id, "conversationId": conversation_id})
