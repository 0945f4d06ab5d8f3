"""The pinned messages of each conversation: one document for each place that is taken, so that there are never more."""

from dataclasses import dataclass

from handlers.chat.store.conversations import Effect
from storage.mongo import ASCENDING, Collection, DeleteOne, Document, IndexModel, InsertOne, Int64

PINS = "pins"

PIN_INDEXES = (IndexModel([("conversationId", ASCENDING), ("messageSeq", ASCENDING)], name="message", unique=True),)


@dataclass(frozen=True, slots=True)
class Pin:
    """A pinned message: its place among the pins of the conversation, and its seq."""

    place: int
    seq: int


class PinStore:
    """Which messages are pinned."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def of(self, conversation_id: str, limit: int) -> list[Pin]:
        """The pins of a conversation, in the order of the messages."""
        rows = await self._collection.find(pinned_in(conversation_id), sort=[("messageSeq", ASCENDING)], limit=limit)
        return [Pin(row["place"], int(row["messageSeq"])) for row in rows]

    async def drop(self, conversation_id: str, seq: int) -> None:
        """Free the place of a message that is no longer there."""
        await self._collection.delete_one(pinned_in(conversation_id) | {"messageSeq": Int64(seq)})


def pinned_in(conversation_id: str) -> Document:
    """The condition of the pins of a conversation."""
    return {"conversationId": conversation_id}


def pinning(conversation_id: str, place: int, seq: int, by: str) -> Effect:
    """The write that takes a place. A unique index refuses a place that is taken, and a message that is pinned."""
    document = {
        "_id": f"{conversation_id}/{place}",
        "conversationId": conversation_id,
        "place": place,
        "messageSeq": Int64(seq),
        "by": by,
    }
    return PINS, InsertOne(document)


def unpinning(conversation_id: str, seq: int) -> Effect:
    """The write that frees the place of a message, if it has one."""
    return PINS, DeleteOne({"conversationId": conversation_id, "messageSeq": Int64(seq)})
