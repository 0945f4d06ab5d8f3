"""Which messages carry an upload."""

from datetime import datetime

from handlers.chat.store.index import ATTACHED
from storage.log import Entry
from storage.log.entries import decode, key, prefix
from storage.mongo import ASCENDING, Collection, Document

PAGE = 200


class CarrierStore:
    """Reads the log by what its messages carry."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def page(self, media_id: str, *, after: Entry | None, now: datetime) -> list[Entry]:
        """Up to PAGE messages with the upload, those of one conversation beside each other, after that one."""
        where = carrying(media_id, after=after, now=now)
        rows = await self._collection.find(where, sort=[("_id", ASCENDING)], limit=PAGE, hint=ATTACHED)
        return [decode(row) for row in rows]


def carrying(media_id: str, *, after: Entry | None, now: datetime) -> Document:
    """The condition of messages, not expired, that carry an upload."""
    where: Document = {"k": "message", "b.attached": media_id, "$or": [{"x": None}, {"x": {"$gt": now}}]}
    if after is not None:
        where["_id"] = {"$gt": key(prefix(after.conversation), after.seq)}
    return where
