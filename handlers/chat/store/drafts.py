"""What people have begun to write: one draft of each person in each conversation."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from handlers.chat.models.drafts import MessageDraft
from handlers.chat.store.conversations import Effect
from handlers.chat.store.members import member_key
from storage.mongo import ASCENDING, DESCENDING, Collection, DeleteOne, Document, DuplicateKeyError, IndexModel

DRAFTS = "chat_drafts"

_LATEST = (("updatedAt", DESCENDING), ("_id", DESCENDING))

DRAFT_INDEXES = (IndexModel([("userId", ASCENDING), *_LATEST], name="mine"),)
ORDER = list(_LATEST)


class DraftStore:
    """The drafts of all people."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def put(self, user_id: str, draft: MessageDraft, *, most: int) -> bool:
        """Write a draft, in place of the one that is there. False when the person has as many as he may."""
        key = member_key(draft.conversation_id, user_id)
        values = {
            "content": draft.content,
            "replyTo": draft.reply_to_message_id,
            "updatedAt": draft.updated_at,
        }
        if await self._collection.update_one({"_id": key}, {"$set": values}):
            return True
        document = {"_id": key, "userId": user_id, "conversationId": draft.conversation_id, **values}
        try:
            await self._collection.insert(document)
        except DuplicateKeyError:  # another device was first
            return await self._collection.update_one({"_id": key}, {"$set": values})
        # Counted afterwards: of several at once, those that are too many see each other and go again.
        if await self._collection.count({"userId": user_id}, limit=most + 1) <= most:
            return True
        await self._collection.delete_one({"_id": key})
        return False

    async def drop(self, user_id: str, conversation_id: str) -> bool:
        """Take a draft away. False when there is none."""
        return await self._collection.find_and_delete({"_id": member_key(conversation_id, user_id)}) is not None

    async def page(
        self, user_id: str, *, after: tuple[datetime, str] | None, limit: int
    ) -> list[tuple[str, MessageDraft]]:
        """The person's drafts with their keys, the youngest first."""
        rows = await self._collection.find(drafts_of(user_id, after), sort=ORDER, limit=limit)
        return [(row["_id"], _draft(row)) for row in rows]

    async def forget(self, user_id: str) -> None:
        """Take away everything of a person."""
        await self._collection.delete_many({"userId": user_id})


def drafts_of(user_id: str, after: tuple[datetime, str] | None) -> Document:
    """The condition of a person's drafts after a place of the list."""
    where: Document = {"userId": user_id}
    if after is not None:
        where["updatedAt"] = {"$lte": after[0]}
        where["$nor"] = [{"updatedAt": after[0], "_id": {"$gte": after[1]}}]
    return where


def undrafting(conversation_id: str, user_id: str) -> Effect:
    """The write that takes away what a person has begun to write where he is leaving."""
    return DRAFTS, DeleteOne({"_id": member_key(conversation_id, user_id)})


def _draft(row: Mapping[str, Any]) -> MessageDraft:
    return MessageDraft(
        conversation_id=row["conversationId"],
        content=row["content"],
        reply_to_message_id=row["replyTo"],
        updated_at=row["updatedAt"],
    )
