"""Messages that wait to be sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handlers.chat.models.messages import NewMessage
from handlers.chat.models.scheduled import ScheduledState
from storage.mongo import ASCENDING, Collection, Document, IndexModel

SCHEDULED = "scheduled"

SCHEDULED_INDEXES = (
    IndexModel([("userId", ASCENDING), ("conversationId", ASCENDING), ("dueAt", ASCENDING)], name="mine"),
    IndexModel([("dueAt", ASCENDING)], name="due", partialFilterExpression={"state": {"$in": ["waiting", "sending"]}}),
)

ORDER = [("dueAt", ASCENDING), ("_id", ASCENDING)]


@dataclass(frozen=True, slots=True)
class ScheduledRecord:
    """A message that waits."""

    id: str
    user_id: str
    message: NewMessage
    due_at: datetime
    created_at: datetime
    state: ScheduledState = "waiting"
    error: str | None = None


class ScheduledStore:
    """Which messages wait, and for when."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def add(self, record: ScheduledRecord, *, most: int) -> bool:
        """Add one, unless the person has as many there as may be: False then."""
        await self._collection.insert(
            {
                "_id": record.id,
                "userId": record.user_id,
                "conversationId": record.message.conversation_id,
                "message": record.message.model_dump(mode="json", exclude_none=True),
                "dueAt": record.due_at,
                "createdAt": record.created_at,
                "state": record.state,
            }
        )
        # Counted afterwards: of several at once, those that are too many see each other and go again.
        where = waiting(record.user_id, record.message.conversation_id)
        if await self._collection.count(where, limit=most + 1) <= most:
            return True
        await self._collection.delete_one({"_id": record.id})
        return False

    async def of(self, user_id: str, conversation_id: str, limit: int) -> list[ScheduledRecord]:
        """What the person has waiting in a conversation, the next first."""
        rows = await self._collection.find(waiting(user_id, conversation_id), sort=ORDER, limit=limit)
        return [_record(row) for row in rows]

    async def get(self, scheduled_id: str, user_id: str, conversation_id: str) -> ScheduledRecord | None:
        """One of the person's messages there."""
        row = await self._collection.find_one({"_id": scheduled_id, **waiting(user_id, conversation_id)})
        return _record(row) if row else None

    async def change(self, scheduled_id: str, content: str, due_at: datetime) -> ScheduledRecord | None:
        """Another text and time for one that is not being sent; None when it is, or is not there."""
        values = {"message.content": content, "dueAt": due_at, "state": "waiting"}
        row = await self._collection.find_and_update(_idle(scheduled_id), {"$set": values, "$unset": {"error": ""}})
        return _record(row) if row else None

    async def cancel(self, scheduled_id: str) -> bool:
        """Take one away that is not being sent. False when it is, or is not there."""
        return await self._collection.find_and_delete(_idle(scheduled_id)) is not None

    async def due(self, now: datetime, limit: int) -> list[str]:
        """Those whose time has come, also those that somebody began to send and may not have finished."""
        rows = await self._collection.find(to_send(now), fields={"_id": 1}, sort=ORDER, limit=limit)
        return [row["_id"] for row in rows]

    async def claim(self, scheduled_id: str, now: datetime) -> ScheduledRecord | None:
        """Begin to send one: from now on nobody changes it. None when it is no longer due."""
        where = {"_id": scheduled_id, **to_send(now)}
        row = await self._collection.find_and_update(where, {"$set": {"state": "sending"}})
        return _record(row) if row else None

    async def failed(self, scheduled_id: str, error: str) -> bool:
        """Note that one cannot be sent. False when somebody else has finished with it."""
        where = {"_id": scheduled_id, "state": "sending"}
        return await self._collection.update_one(where, {"$set": {"state": "failed", "error": error}})

    async def done(self, scheduled_id: str) -> bool:
        """Take one away that was sent. False when somebody else has done that."""
        return await self._collection.delete_one({"_id": scheduled_id, "state": "sending"})

    async def forget(self, user_id: str) -> None:
        """Take away everything of a person."""
        await self._collection.delete_many({"userId": user_id})


def waiting(user_id: str, conversation_id: str) -> Document:
    """The condition of what a person has waiting in a conversation."""
    return {"userId": user_id, "conversationId": conversation_id}


def to_send(now: datetime) -> Document:
    """The condition of messages whose time has come."""
    return {"dueAt": {"$lte": now}, "state": {"$in": ["waiting", "sending"]}}


def _idle(scheduled_id: str) -> Document:
    return {"_id": scheduled_id, "state": {"$ne": "sending"}}


def _record(row: Mapping[str, Any]) -> ScheduledRecord:
    return ScheduledRecord(
        id=row["_id"],
        user_id=row["userId"],
        message=NewMessage.model_validate(row["message"]),
        due_at=row["dueAt"],
        created_at=row["createdAt"],
        state=row["state"],
        error=row.get("error"),
    )
