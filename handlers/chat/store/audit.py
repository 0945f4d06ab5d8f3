"""What admins did, written with the entry that did it and never changed afterwards."""

from datetime import datetime, timedelta
from typing import Any

from handlers.chat.models.rights import AuditEntry
from handlers.chat.store.conversations import Effect
from storage.mongo import ASCENDING, DESCENDING, Collection, Document, IndexModel, InsertOne

AUDIT = "chat_audit"
KEPT = timedelta(days=7 * 365 + 2)

AUDIT_INDEXES = (
    IndexModel([("conversationId", ASCENDING), ("seq", DESCENDING)], name="acts", unique=True),
    IndexModel([("at", ASCENDING)], name="ttl", expireAfterSeconds=int(KEPT.total_seconds())),
)

_DETAILS = ("fields", "role", "promoted", "denied", "until")


def acts(conversation_id: str, before: int | None) -> Document:
    """The condition of what was done in a conversation before a place."""
    where: Document = {"conversationId": conversation_id}
    return where if before is None else where | {"seq": {"$lt": before}}


def auditing(conversation_id: str, body: dict[str, Any], *, seq: int, by: str, at: datetime) -> Effect:
    """The write that notes what an entry did. `body` is the entry's."""
    details = {name: body[name] for name in _DETAILS if body.get(name) is not None}
    return AUDIT, InsertOne(
        {
            "_id": f"{conversation_id}/{seq}",
            "conversationId": conversation_id,
            "seq": seq,
            "at": at,
            "by": by,
            "action": body["action"],
            "users": body.get("users") or body.get("about", []),
            **details,
        }
    )


class AuditStore:
    """Reads what admins did."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def page(self, conversation_id: str, *, before: int | None, limit: int) -> list[AuditEntry]:
        """What was done in a conversation, the newest first."""
        where = acts(conversation_id, before)
        documents = await self._collection.find(where, sort=[("seq", DESCENDING)], limit=limit)
        return [_entry(document) for document in documents]


def _entry(document: Document) -> AuditEntry:
    return AuditEntry(
        seq=document["seq"],
        at=document["at"],
        by=document["by"],
        action=document["action"],
        user_ids=document["users"],
        fields=document.get("fields", []),
        role=document.get("role"),
        promoted=document.get("promoted"),
        denied=document.get("denied", []),
        until=document.get("until"),
    )
