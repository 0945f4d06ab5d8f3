"""Named questions to the collection of conversations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from pydantic.alias_generators import to_camel

from handlers.chat.models.records import ConversationRecord
from handlers.chat.models.values import ConversationType
from storage.mongo import ASCENDING, DESCENDING, Collection, Document, IndexModel, InsertOne, UpdateOne, Write

CONVERSATIONS = "conversations"
ENCRYPTED = "encrypted"

CONVERSATION_INDEXES = (
    IndexModel([("nid", ASCENDING)], name="nid", unique=True),
    IndexModel([("pair", ASCENDING)], name="pair", unique=True, partialFilterExpression={"pair": {"$exists": True}}),
    IndexModel(
        [("_id", ASCENDING), ("lastMessageAt", DESCENDING), ("createdAt", DESCENDING), ("type", ASCENDING)],
        name="activity",
    ),
    IndexModel(
        [("isEncrypted", ASCENDING), ("_id", ASCENDING)],
        name=ENCRYPTED,
        partialFilterExpression={"isEncrypted": True},
    ),
)

Effect = tuple[str, Write]
"""A write that commits with an entry of the log: the collection's name, and what to write."""

_FIELDS = {field.name: to_camel(field.name) for field in fields(ConversationRecord)} | {"id": "_id"}


def _conversation(document: Document) -> ConversationRecord:
    return ConversationRecord(**{name: document[stored] for name, stored in _FIELDS.items() if stored in document})


def encrypted_of(ids: Sequence[str]) -> Document:
    """The condition of those of these conversations that are encrypted."""
    return {"isEncrypted": True, "_id": {"$in": list(ids)}}


@dataclass(frozen=True, slots=True)
class Activity:
    """A conversation's place in a list."""

    conversation_id: str
    at: datetime
    type: ConversationType


class ConversationStore:
    """The conversations."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def get(self, conversation_id: str) -> ConversationRecord | None:
        """The conversation of that id."""
        document = await self._collection.find_one({"_id": conversation_id})
        return _conversation(document) if document else None

    async def of_pair(self, pair: str) -> ConversationRecord | None:
        """The direct conversation of two people."""
        document = await self._collection.find_one({"pair": pair})
        return _conversation(document) if document else None

    async def many(self, ids: Sequence[str]) -> dict[str, ConversationRecord]:
        """Those of these conversations that exist, by id."""
        if not ids:
            return {}
        documents = await self._collection.find({"_id": {"$in": list(ids)}}, limit=len(ids))
        return {document["_id"]: _conversation(document) for document in documents}

    async def activity(self, ids: Sequence[str], type_: str | None) -> list[Activity]:
        """When something was said last in each of these conversations."""
        if not ids:
            return []
        where: Document = {"_id": {"$in": list(ids)}}
        if type_ is not None:
            where["type"] = type_
        wanted = {"lastMessageAt": 1, "createdAt": 1, "type": 1}
        documents = await self._collection.find(where, fields=wanted, limit=len(ids))
        return [
            Activity(document["_id"], document["lastMessageAt"] or document["createdAt"], document["type"])
            for document in documents
        ]

    async def take_call(self, conversation_id: str, turn: str, *, now: datetime, span: timedelta) -> datetime | None:
        """Take a group's turn to call everybody, in one step for all processes. None: it is taken, now or since before.

        Otherwise the time of the last call, which was less than `span` ago.
        """
        free = {"_id": conversation_id, "$or": [{"calledAt": None}, {"calledAt": {"$lte": now - span}}]}
        if await self._collection.update_one(free, {"$set": {"calledAt": now, "call": turn}}):
            return None
        found = await self._collection.find_one({"_id": conversation_id}, fields={"calledAt": 1, "call": 1})
        if found is None or found.get("call") == turn:
            return None
        last: datetime = found["calledAt"]
        return last

    async def encrypted_among(self, ids: Sequence[str]) -> set[str]:
        """Those of these conversations that are encrypted."""
        if not ids:
            return set()
        rows = await self._collection.find(encrypted_of(ids), fields={"_id": 1}, limit=len(ids), hint=ENCRYPTED)
        return {row["_id"] for row in rows}

    def inserting(self, record: ConversationRecord) -> Effect:
        """The write that adds a conversation. A unique index refuses a second one for the same pair."""
        document = {stored: getattr(record, name) for name, stored in _FIELDS.items()}
        if record.pair is None:
            del document["pair"]  # the index of pairs holds whoever has one
        return CONVERSATIONS, InsertOne(document)

    def changing(self, conversation_id: str, values: Mapping[str, Any], *, seq: int, at: datetime) -> Effect:
        """The write that sets fields, as of the entry `seq`."""
        stored = {_FIELDS[name]: value for name, value in values.items()}
        return CONVERSATIONS, UpdateOne(
            {"_id": conversation_id}, {"$set": {**stored, "updatedAt": at, "stateSeq": seq}}
        )

    async def note_messages(self, last: Mapping[str, tuple[int, datetime]]) -> None:
        """Note each conversation's last message, for the order of lists."""
        await self._collection.write(
            [
                UpdateOne({"_id": conversation_id}, {"$max": {"lastSeq": seq, "lastMessageAt": at}})
                for conversation_id, (seq, at) in last.items()
            ],
            ordered=False,
        )
