"""The entries of the log by which a message was edited, and the polls that are due to be closed."""

from datetime import datetime

from handlers.chat.store.index import DUE, TARGETS, changing
from storage.log import Entry
from storage.log.entries import LAST_SEQ, decode
from storage.mongo import ASCENDING, Collection, Document

MOST_EDITS = 100
MOST_DUE = 200
"""Polls that one round closes."""


class EditionStore:
    """Reads the log by what its entries did to messages."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def of(self, conversation_id: str, seq: int) -> list[Entry]:
        """The edits of a message, the first one first."""
        where = edits_of(conversation_id, seq)
        rows = await self._collection.find(where, sort=[("s", ASCENDING)], limit=MOST_EDITS, hint=TARGETS)
        return [decode(row) for row in rows]

    async def polls_due(self, now: datetime) -> list[Entry]:
        """Polls whose time is over and which are not closed yet, the longest due first."""
        rows = await self._collection.find(due(now), sort=[("b.poll.due", ASCENDING)], limit=MOST_DUE, hint=DUE)
        return [decode(row) for row in rows]


def edits_of(conversation_id: str, seq: int) -> Document:
    """The condition of the edits of a message."""
    return {**changing(conversation_id, seq, before=LAST_SEQ), "k": "edit"}


def due(now: datetime) -> Document:
    """The condition of polls, not expired, whose time is over."""
    return {"k": "message", "b.poll.due": {"$lte": now}, "$or": [{"x": None}, {"x": {"$gt": now}}]}
