"""Messages that wait for an admin, and for a while what was decided about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from handlers.automod.models.acts import Reason
from handlers.chat.models.messages import NewMessage
from storage.mongo import ASCENDING, Collection, Document, DuplicateKeyError, IndexModel

HELD = "automod_held"

HeldState = Literal["waiting", "approving", "approved", "rejected"]
OPEN: tuple[HeldState, ...] = ("waiting", "approving")

HELD_INDEXES = (
    IndexModel(
        [("scopeId", ASCENDING), ("userId", ASCENDING), ("device", ASCENDING), ("op", ASCENDING)],
        name="once",
        unique=True,
    ),
    IndexModel([("scopeId", ASCENDING), ("state", ASCENDING), ("_id", ASCENDING)], name="queue"),
    IndexModel([("userId", ASCENDING)], name="of"),
    IndexModel([("decidedBy", ASCENDING)], name="by"),
    IndexModel([("expiresAt", ASCENDING)], name="ttl", expireAfterSeconds=0),
)


@dataclass(frozen=True, slots=True)
class Held:
    """A message that waits, or waited: then its text is gone."""

    id: str
    scope_id: str
    user_id: str
    device: str
    op: str
    """The operation as which it is sent: its `clientMessageId`, or one of its own."""
    at: datetime
    expires_at: datetime
    reasons: Sequence[Reason]
    message: NewMessage | None
    state: HeldState = "waiting"
    message_id: str | None = None


class HeldStore:
    """What waits."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def add(self, held: Held) -> Held:
        """Let a message wait: this one, or the one that waits or waited there as the same operation."""
        try:
            await self._collection.insert(_document(held))
        except DuplicateKeyError:
            found = await self._collection.find_one(same(held.scope_id, held.user_id, held.device, held.op))
            return _held(found) if found else held
        return held

    async def drop(self, held_id: str) -> None:
        """Take one away that does not wait after all."""
        await self._collection.delete_one({"_id": held_id})

    async def known(self, scope_id: str, user_id: str, device: str, op: str) -> Held | None:
        """What waits or waited there as this operation."""
        found = await self._collection.find_one(same(scope_id, user_id, device, op))
        return _held(found) if found else None

    async def count(self, scope_id: str, user_id: str | None, *, most: int) -> int:
        """How many wait in a scope, or there of one person; counted no further than `most`."""
        where = waiting(scope_id) if user_id is None else waiting_of(scope_id, user_id)
        return await self._collection.count(where, limit=most, hint="queue" if user_id is None else "once")

    async def get(self, held_id: str, scope_id: str) -> Held | None:
        """One of a scope."""
        found = await self._collection.find_one({"_id": held_id, "scopeId": scope_id})
        return _held(found) if found else None

    async def queue(self, scope_id: str, after: str | None, limit: int) -> list[Held]:
        """What waits in a scope, the oldest first."""
        where = waiting(scope_id) if after is None else waiting(scope_id) | {"_id": {"$gt": after}}
        found = await self._collection.find(where, sort=[("_id", ASCENDING)], limit=limit, hint="queue")
        return [_held(one) for one in found]

    async def claim(self, held_id: str, scope_id: str, *, by: str) -> Held | None:
        """Begin to send one; whoever began before may have died. None when it does not wait."""
        where = {"_id": held_id, "scopeId": scope_id, "state": {"$in": list(OPEN)}}
        found = await self._collection.find_and_update(where, {"$set": {"state": "approving", "decidedBy": by}})
        return _held(found) if found else None

    async def release(self, held_id: str) -> None:
        """Let one wait again that could not be sent."""
        await self._collection.update_one({"_id": held_id, "state": "approving"}, {"$set": {"state": "waiting"}})

    async def approved(self, held_id: str, message_id: str | None) -> bool:
        """Note that one was sent; what it said is with the message now. False when somebody has noted it."""
        change = {"$set": {"state": "approved", "messageId": message_id}, "$unset": {"message": ""}}
        return await self._collection.update_one({"_id": held_id, "state": "approving"}, change)

    async def reject(self, held_id: str, scope_id: str, *, by: str) -> Held | None:
        """Let one never be sent. None when it does not wait, or is being sent."""
        where = {"_id": held_id, "scopeId": scope_id, "state": "waiting"}
        change = {"$set": {"state": "rejected", "decidedBy": by}, "$unset": {"message": ""}}
        found = await self._collection.find_and_update(where, change, before=True)
        return _held(found) if found else None

    async def forget(self, user_id: str) -> None:
        """Remove everything of a person."""
        await self._collection.delete_many({"userId": user_id})


def same(scope_id: str, user_id: str, device: str, op: str) -> Document:
    """The condition of an operation."""
    return {"scopeId": scope_id, "userId": user_id, "device": device, "op": op}


def waiting(scope_id: str) -> Document:
    """The condition of what waits in a scope."""
    return {"scopeId": scope_id, "state": {"$in": list(OPEN)}}


def waiting_of(scope_id: str, user_id: str) -> Document:
    """The condition of what waits in a scope of one person."""
    return waiting(scope_id) | {"userId": user_id}


def _document(held: Held) -> Document:
    message = held.message
    return {
        "_id": held.id,
        **same(held.scope_id, held.user_id, held.device, held.op),
        "at": held.at,
        "expiresAt": held.expires_at,
        "reasons": [one.model_dump(by_alias=True) for one in held.reasons],
        "message": message.model_dump(mode="json", exclude_none=True) if message else None,
        "state": held.state,
    }


def _held(document: Document) -> Held:
    message = document.get("message")
    return Held(
        id=document["_id"],
        scope_id=document["scopeId"],
        user_id=document["userId"],
        device=document["device"],
        op=document["op"],
        at=document["at"],
        expires_at=document["expiresAt"],
        reasons=[Reason.model_validate(one) for one in document["reasons"]],
        message=NewMessage.model_validate(message) if message else None,
        state=document["state"],
        message_id=document.get("messageId"),
    )
