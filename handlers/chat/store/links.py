"""Questions to the collections of links into groups and of requests to join. Of a secret only a digest is kept."""

from dataclasses import dataclass
from datetime import datetime

from handlers.chat.models.links import JoinRequest, Link
from handlers.chat.store.conversations import Effect
from storage.mongo import ASCENDING, DESCENDING, Collection, DeleteOne, Document, IndexModel, InsertOne, UpdateOne

LINKS, REQUESTS = "chat_links", "chat_join_requests"
MOST_LINKS = 20
MOST_REQUESTS = 500
WAITING_DAYS = 30

LINK_INDEXES = (
    IndexModel([("digest", ASCENDING)], name="digest", unique=True),
    IndexModel([("conversationId", ASCENDING), ("revoked", ASCENDING), ("createdAt", DESCENDING)], name="of_group"),
)
REQUEST_INDEXES = (
    IndexModel([("conversationId", ASCENDING), ("at", ASCENDING)], name="queue"),
    IndexModel([("userId", ASCENDING)], name="user"),
    IndexModel([("at", ASCENDING)], name="ttl", expireAfterSeconds=WAITING_DAYS * 24 * 3600),
)


@dataclass(frozen=True, slots=True)
class StoredLink:
    """A link, and what is kept of its secret."""

    link: Link
    digest: str
    revoked: bool

    def open(self, now: datetime) -> bool:
        """Whether it still brings people in."""
        expires, most = self.link.expires_at, self.link.max_uses
        return not self.revoked and (expires is None or expires > now) and (most is None or self.link.uses < most)


def open_links(conversation_id: str, now: datetime) -> Document:
    """The condition of a group's links that are not revoked and not expired."""
    unexpired = {"$or": [{"expiresAt": None}, {"expiresAt": {"$gt": now}}]}
    return {"conversationId": conversation_id, "revoked": False, **unexpired}


class LinkStore:
    """Links into groups, and who waits behind them."""

    def __init__(self, links: Collection, requests: Collection) -> None:
        self._links = links
        self._requests = requests

    async def of_digest(self, digest: str) -> StoredLink | None:
        """The link whose secret has this digest."""
        document = await self._links.find_one({"digest": digest})
        return _link(document) if document else None

    async def get(self, link_id: str) -> StoredLink | None:
        """The link of that id."""
        document = await self._links.find_one({"_id": link_id})
        return _link(document) if document else None

    async def of_group(self, conversation_id: str, now: datetime) -> list[Link]:
        """The links of a group that are not revoked and not expired, the newest first."""
        where = open_links(conversation_id, now)
        documents = await self._links.find(where, sort=[("createdAt", DESCENDING)], limit=MOST_LINKS)
        return [_link(document).link for document in documents]

    def making(self, link: Link, digest: str) -> Effect:
        """The write that adds a link."""
        document = link.model_dump(by_alias=True, exclude={"id"})
        return LINKS, InsertOne({"_id": link.id, **document, "digest": digest, "revoked": False})

    def revoking(self, link_id: str) -> Effect:
        """The write after which a link brings nobody in."""
        return LINKS, UpdateOne({"_id": link_id}, {"$set": {"revoked": True}})

    def using(self, link_id: str) -> Effect:
        """The write that counts somebody who came by the link."""
        return LINKS, UpdateOne({"_id": link_id}, {"$inc": {"uses": 1}})

    async def wait(self, request: JoinRequest, link_id: str) -> bool | None:
        """Put somebody into the queue. False: he is in it already. None: it is full."""
        key = {"_id": f"{request.conversation_id}/{request.user_id}"}
        if await self._requests.find_one(key, fields={"_id": 1}):
            return False
        where = {"conversationId": request.conversation_id}
        if await self._requests.count(where, limit=MOST_REQUESTS, hint="queue") >= MOST_REQUESTS:
            return None
        document = {**request.model_dump(by_alias=True), "linkId": link_id}
        return await self._requests.find_and_update(key, {"$setOnInsert": document}, upsert=True, before=True) is None

    async def link_of_request(self, conversation_id: str, user_id: str) -> str | None:
        """The link by which somebody came who waits; None when he does not wait."""
        document = await self._requests.find_one({"_id": f"{conversation_id}/{user_id}"})
        return str(document["linkId"]) if document else None

    async def queue(self, conversation_id: str) -> list[JoinRequest]:
        """Who waits, the longest first."""
        where = {"conversationId": conversation_id}
        documents = await self._requests.find(where, sort=[("at", ASCENDING)], limit=MOST_REQUESTS)
        return [
            JoinRequest(conversation_id=one["conversationId"], user_id=one["userId"], at=one["at"]) for one in documents
        ]

    def answering(self, conversation_id: str, user_id: str) -> Effect:
        """The write after which somebody does not wait any more."""
        return REQUESTS, DeleteOne({"_id": f"{conversation_id}/{user_id}"})

    async def withdraw(self, user_id: str) -> None:
        """Take somebody out of every queue."""
        await self._requests.delete_many({"userId": user_id})


def _link(document: Document) -> StoredLink:
    link = Link(
        id=document["_id"],
        conversation_id=document["conversationId"],
        created_by=document["createdBy"],
        created_at=document["createdAt"],
        expires_at=document["expiresAt"],
        max_uses=document["maxUses"],
        uses=document["uses"],
        approval=document["approval"],
    )
    return StoredLink(link, document["digest"], document["revoked"])
