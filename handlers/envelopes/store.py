"""The named questions to the collections of envelopes, of the ends of queues, and of what was sent."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from handlers.envelopes.models import Post, Said
from storage.mongo import ASCENDING, Binary, Collection, Document, DuplicateKeyError, IndexModel

ENVELOPES = "e2ee_envelopes"
QUEUES = "e2ee_queues"
SENT = "e2ee_sent"

ENVELOPE_INDEXES = (
    IndexModel([("device", ASCENDING), ("order", ASCENDING)], name="queue", unique=True),
    IndexModel([("userId", ASCENDING)], name="user"),
    IndexModel([("sender", ASCENDING)], name="sender"),
    IndexModel([("expiresAt", ASCENDING)], name="ttl", expireAfterSeconds=0),
)
QUEUE_INDEXES = (IndexModel([("userId", ASCENDING)], name="user"),)
SENT_INDEXES = (
    IndexModel([("userId", ASCENDING)], name="user"),
    IndexModel([("expiresAt", ASCENDING)], name="ttl", expireAfterSeconds=0),
)


class EnvelopeStore:
    """A queue for each device, by its key. Places in it are dense, and given in the order of commits."""

    def __init__(self, *, envelopes: Collection, queues: Collection, sent: Collection) -> None:
        self._envelopes = envelopes
        self._queues = queues
        self._sent = sent

    async def said(self, sender: str, device: str, client_message_id: str) -> Said | None:
        """What became of something that a device sent before."""
        found = await self._sent.find_one({"_id": _name(sender, device, client_message_id)})
        return Said(found.get("messageId"), found.get("seq"), found["at"]) if found else None

    async def note(self, sender: str, device: str, client_message_id: str, said: Said, until: datetime) -> None:
        """Remember what became of something, in the caller's unit of work."""
        await self._sent.insert(
            {
                "_id": _name(sender, device, client_message_id),
                "userId": sender,
                "messageId": said.message_id,
                "seq": said.seq,
                "at": said.at,
                "expiresAt": until,
            }
        )

    async def prepare(self, queues: dict[str, str]) -> None:
        """Make the queues that are not there yet, of devices (by key) of people, before a unit of work."""
        found = await self._queues.find({"_id": {"$in": sorted(queues)}}, fields={"_id": 1}, limit=max(1, len(queues)))
        for device in queues.keys() - {one["_id"] for one in found}:
            try:
                await self._queues.insert({"_id": device, "userId": queues[device], "last": 0})
            except DuplicateKeyError:
                continue

    async def add(self, posts: Sequence[Post], until: datetime) -> list[Post]:
        """Put envelopes at the ends of prepared queues, at most one in each, in the caller's unit of work.

        Their places in them; those whose queue has gone are left out.
        """
        devices = [one.device for one in posts]
        await self._queues.update_many({"_id": {"$in": devices}}, {"$inc": {"last": 1}})
        found = await self._queues.find({"_id": {"$in": devices}}, limit=max(1, len(devices)))
        last = {one["_id"]: int(one["last"]) for one in found}
        placed = [replace(one, order=last[one.device]) for one in posts if one.device in last]
        if placed:
            await self._envelopes.insert_many([_document(one) | {"expiresAt": until} for one in placed])
        return placed

    async def waiting(self, device: str, *, after: int, now: datetime, limit: int) -> list[Post]:
        """A device's oldest envelopes behind a place."""
        where = {"device": device, "order": {"$gt": after}, "expiresAt": {"$gt": now}}
        found = await self._envelopes.find(where, sort=[("order", ASCENDING)], limit=limit)
        return [_post(one) for one in found]

    async def take(self, device: str, ids: Sequence[str]) -> list[Post]:
        """Remove those of these envelopes that wait for a device, and say which they were, without their contents."""
        where = {"_id": {"$in": list(ids)}, "device": device}
        found = await self._envelopes.find(where, fields={"content": 0}, limit=max(1, len(ids)))
        await self._envelopes.delete_many(where)
        return sorted((_post(one) for one in found), key=lambda post: post.order)

    async def trim(self, device: str, upto: int) -> None:
        """Drop a device's envelopes up to a place."""
        await self._envelopes.delete_many({"device": device, "order": {"$lte": upto}})

    async def drop(self, devices: Sequence[str]) -> None:
        """Drop the queues of devices."""
        await self._queues.delete_many({"_id": {"$in": list(devices)}})
        await self._envelopes.delete_many({"device": {"$in": list(devices)}})

    async def forget(self, user_id: str) -> None:
        """Remove everything for a person, and from him."""
        await self._queues.delete_many({"userId": user_id})
        await self._envelopes.delete_many({"userId": user_id})
        await self._envelopes.delete_many({"sender": user_id})
        await self._sent.delete_many({"userId": user_id})


def _name(sender: str, device: str, client_message_id: str) -> str:
    return f"{sender}/{device}/{client_message_id}"


def _document(post: Post) -> Document:
    return {
        "_id": post.id,
        "userId": post.user_id,
        "device": post.device,
        "signIn": post.sign_in,
        "order": post.order,
        "conversationId": post.conversation_id,
        "messageId": post.message_id,
        "seq": post.seq,
        "clientMessageId": post.client_message_id,
        "type": post.type,
        "sender": post.sender,
        "senderDevice": post.sender_device,
        "senderSignIn": post.sender_sign_in,
        "content": Binary(post.content),
        "clientTimestamp": post.client_timestamp,
        "at": post.at,
        "urgent": post.urgent,
    }


def _post(found: Document) -> Post:
    return Post(
        id=found["_id"],
        user_id=found["userId"],
        device=found["device"],
        sign_in=found["signIn"],
        conversation_id=found["conversationId"],
        message_id=found["messageId"],
        seq=found["seq"],
        client_message_id=found["clientMessageId"],
        type=found["type"],
        sender=found["sender"],
        sender_device=found["senderDevice"],
        sender_sign_in=found["senderSignIn"],
        content=bytes(found.get("content", b"")),
        client_timestamp=found["clientTimestamp"],
        at=found["at"],
        urgent=found["urgent"],
        order=found["order"],
    )
