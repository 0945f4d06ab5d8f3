"""The outbox: events that must not be missed, written with the change they tell of, kept until all had them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.mongo import ASCENDING, Collection, Document, IndexModel, Mongo

COLLECTION = "outbox"

INDEXES = (IndexModel([("due", ASCENDING)], name="due"),)


@dataclass(frozen=True, slots=True)
class Letter:
    """One event that waits for its hearers. `attempts` counts how often it was handed out."""

    id: str
    name: str
    payload: Document
    at: datetime
    attempts: int


class Outbox:
    """Adds letters inside the caller's unit of work, and hands each to one process at a time."""

    def __init__(self, mongo: Mongo) -> None:
        self._collection: Collection = mongo.collection(COLLECTION)

    async def add(self, letter: Letter) -> None:
        """Write the event down, in the running transaction if there is one."""
        await self._collection.insert(
            {
                "_id": letter.id,
                "name": letter.name,
                "payload": letter.payload,
                "at": letter.at,
                "due": letter.at,
                "attempts": 0,
            }
        )

    async def take(self, *, now: datetime, span: timedelta, id: str | None = None) -> Letter | None:  # noqa: A002
        """Take the oldest letter that is due (or the one named), hidden from the others for `span`."""
        where: Document = {"due": {"$lte": now}}
        if id is not None:
            where["_id"] = id
        found = await self._collection.find_and_update(
            where,
            {"$set": {"due": now + span}, "$inc": {"attempts": 1}},
            sort=[("due", ASCENDING)],
        )
        if found is None:
            return None
        return Letter(found["_id"], found["name"], found["payload"], found["at"], found["attempts"])

    async def delay(self, letter: Letter, *, until: datetime) -> None:
        """Put a letter back whose hearer failed."""
        await self._collection.update_one({"_id": letter.id}, {"$set": {"due": until}})

    async def done(self, letter: Letter) -> None:
        """Every hearer had it."""
        await self._collection.delete_one({"_id": letter.id})

    async def waiting(self) -> int:
        """How many letters wait (counted to 10,000)."""
        return await self._collection.count({}, limit=10_000)
