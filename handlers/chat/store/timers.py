"""The messages whose time runs: those that a reading begins, and those whose time is over and that are still there."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from handlers.chat.store.conversations import Effect
from handlers.chat.store.index import EXPIRING, OVER, UNUSED, stored
from handlers.chat.store.members import Mark
from storage.log import COLLECTION, Entry
from storage.log.entries import decode, key, prefix
from storage.mongo import ASCENDING, Collection, Document, Int64, UpdateMany, UpdateOne


class TimerStore:
    """Begins timers and finds those that have run out."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def begin(self, marks: Iterable[Mark], *, at: datetime) -> None:
        """Begin the timers of everything that these people have read; what has begun before goes on."""
        await self._collection.write(
            [
                UpdateMany(unused(mark.conversation_id, mark.user_id, mark.read), _begun(at), hint=UNUSED)
                for mark in marks
            ],
            ordered=False,
        )

    async def expired(self, now: datetime, limit: int) -> list[Entry]:
        """Messages that are over for everybody and of which something is still stored, the longest over first."""
        rows = await self._collection.find(expired_by(now), sort=[("x", ASCENDING)], limit=limit, hint=EXPIRING)
        return [decode(row) for row in rows]

    async def over(self, now: datetime, limit: int) -> list[Entry]:
        """Messages that are over for their sender, who has not been told, the longest over first."""
        rows = await self._collection.find(over_by(now), sort=[("o", ASCENDING)], limit=limit, hint=OVER)
        return [decode(row) for row in rows]

    async def strip(self, messages: Sequence[Entry]) -> None:
        """Take away what is left of expired messages that somebody had deleted before."""
        keys = [key(prefix(one.conversation), one.seq) for one in messages]
        if keys:
            await self._collection.update_many({"_id": {"$in": keys}}, {"$unset": {"b.type": "", "r": "", "w": ""}})


def told_over(conversation_id: str, seq: int, *, whole: bool) -> Effect:
    """The write that notes that a message's end was told: to its sender, or to everybody (`whole`)."""
    fields = {"w": "", "r": ""} if whole else {"w": ""}
    return COLLECTION, UpdateOne({"_id": key(prefix(conversation_id), seq)}, {"$unset": fields})


def unused(conversation_id: str, reader: str, upto: int) -> Document:
    """The condition of messages up to a place whose timer begins when this person reads them."""
    return {"c": stored(conversation_id), "s": {"$lte": Int64(upto)}, "r": 1, "u": {"$ne": reader}}


def expired_by(now: datetime) -> Document:
    """The condition of messages of which something is stored although they have expired."""
    return {"k": "message", "b.type": {"$exists": True}, "x": {"$lte": now}}


def over_by(now: datetime) -> Document:
    """The condition of messages that are over for their sender and whose end was not told."""
    return {"w": 1, "o": {"$lte": now}}


def _begun(at: datetime) -> list[Document]:
    """Every message lives as long from now as its sender had it, or shorter where it had an end already."""
    end = {"$min": ["$x", {"$add": [at, {"$subtract": ["$o", "$at"]}]}]}
    counts = {"$cond": [{"$eq": [{"$type": "$n"}, "missing"]}, "$$REMOVE", "$x"]}
    return [{"$set": {"x": end}}, {"$set": {"n": counts}}, {"$unset": "r"}]
