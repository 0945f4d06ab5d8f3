"""The audit log: lines are added and read, and there is nothing here that could change one."""

from datetime import datetime

from handlers.safety.chain import BEGINNING, digest
from handlers.safety.models import AuditLine
from storage.mongo import ASCENDING, DESCENDING, Collection, Document, IndexModel

AUDIT = "safety_audit"
AUDIT_HEAD = "safety_audit_head"

AUDIT_INDEXES = (
    IndexModel([("by", ASCENDING), ("_id", DESCENDING)], name="by"),
    IndexModel([("userId", ASCENDING), ("_id", DESCENDING)], name="about"),
)

_HEAD = {"_id": "head"}


class AuditStore:
    """Lines numbered from 1 without a hole, each chained to the one before."""

    def __init__(self, lines: Collection, head: Collection) -> None:
        self._lines = lines
        self._head = head

    async def add(
        self, *, at: datetime, by: str | None, action: str, user_id: str | None, about: str | None, note: str | None
    ) -> None:
        """Add a line, in the caller's unit of work: of two at once, one waits for the other by being tried again."""
        head = await self._head.find_and_update(_HEAD, {"$inc": {"seq": 1}}, upsert=True) or {}
        line = AuditLine(
            seq=head["seq"], at=at, by=by, action=action, user_id=user_id, about=about, note=note, digest=""
        )
        line = line.model_copy(update={"digest": digest(line, head.get("digest", BEGINNING))})
        document = line.model_dump(by_alias=True)
        document["_id"] = document.pop("seq")
        await self._lines.insert(document)
        await self._head.update_one(_HEAD, {"$set": {"digest": line.digest}})

    async def lines(self, *, by: str | None, user_id: str | None, before: int | None, limit: int) -> list[AuditLine]:
        """Lines, the newest first."""
        where: Document = {}
        hint = "_id_"
        if by is not None:
            where["by"], hint = by, "by"
        if user_id is not None:
            where["userId"], hint = user_id, "about"
        if before is not None:
            where["_id"] = {"$lt": before}
        found = await self._lines.find(where, sort=[("_id", DESCENDING)], limit=limit, hint=hint)
        return [AuditLine.model_validate({**one, "seq": one.pop("_id")}) for one in found]
