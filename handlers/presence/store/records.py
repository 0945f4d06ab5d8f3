"""What outlives a connection: the choice, the line about oneself, when a person was last here."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from handlers.presence.models import Choice, CustomStatus, Record
from storage.mongo import ASCENDING, Collection, Document, DuplicateKeyError, IndexModel, UpdateOne

PRESENCE = (
    IndexModel(
        [("customStatus.expiresAt", ASCENDING)],
        name="expires",
        partialFilterExpression={"customStatus.expiresAt": {"$exists": True}},
    ),
)
MAX_RECORDS = 10_000


class RecordStore:
    """One document per person."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def of(self, ids: Sequence[str]) -> dict[str, Record]:
        """The records of people, an empty one for whom nothing is stored."""
        few = list(set(ids))
        found = await self._collection.find({"_id": {"$in": few}}, limit=max(1, min(len(few), MAX_RECORDS)))
        return dict.fromkeys(few, Record()) | {one["_id"]: _read(one) for one in found}

    async def choose(self, user_id: str, choice: Choice | None, *, seen: datetime | None) -> None:
        """Store a choice; `seen` is when the person was last seen, if that is news."""
        values: Document = {"choice": choice} | ({"lastSeenAt": seen} if seen else {})
        await self._set(user_id, {"$set": values})

    async def say(self, user_id: str, custom: CustomStatus | None) -> None:
        """Store the line about oneself, or remove it."""
        if custom is None:
            await self._collection.update_one({"_id": user_id}, {"$unset": {"customStatus": ""}})
        else:
            line = custom.model_dump(by_alias=True, exclude_none=True)
            await self._set(user_id, {"$set": {"customStatus": line}})

    async def seen(self, people: Mapping[str, datetime]) -> None:
        """Note when people were last here. An invisible one was not."""
        await self._collection.write(
            [
                UpdateOne(
                    {"_id": user_id},
                    [
                        {
                            "$set": {
                                "lastSeenAt": {
                                    "$cond": [
                                        {"$eq": ["$choice", "invisible"]},
                                        "$lastSeenAt",
                                        {"$max": ["$lastSeenAt", at]},
                                    ]
                                }
                            }
                        }
                    ],
                    upsert=True,
                )
                for user_id, at in people.items()
            ],
            ordered=False,
        )

    async def expire(self, now: datetime, *, limit: int) -> list[str]:
        """Remove lines whose time is over; whose they were."""
        found = await self._collection.find(
            {"customStatus.expiresAt": {"$lte": now}},
            fields={"_id": 1},
            sort=[("customStatus.expiresAt", ASCENDING)],
            limit=limit,
        )
        people = [one["_id"] for one in found]
        if people:
            await self._collection.update_many(
                {"_id": {"$in": people}, "customStatus.expiresAt": {"$lte": now}}, {"$unset": {"customStatus": ""}}
            )
        return people

    async def forget(self, user_id: str) -> None:
        """Forget a person."""
        await self._collection.delete_one({"_id": user_id})

    async def _set(self, user_id: str, change: Document) -> None:
        try:
            await self._collection.update_one({"_id": user_id}, change, upsert=True)
        except DuplicateKeyError:
            # Another device made the document at the same moment: now it is there.
            await self._collection.update_one({"_id": user_id}, change)


def _read(found: Document) -> Record:
    line = found.get("customStatus")
    return Record(
        choice=found.get("choice"),
        custom=CustomStatus.model_validate(line, by_alias=True) if line else None,
        last_seen_at=found.get("lastSeenAt"),
    )
