"""What AutoMod did: written once, never changed."""

from datetime import timedelta

from handlers.automod.models.acts import Act
from storage.mongo import ASCENDING, DESCENDING, Collection, Document, IndexModel

ACTS = "automod_acts"
KEPT = timedelta(days=7 * 365 + 2)

ACT_INDEXES = (
    IndexModel([("conversationId", ASCENDING), ("_id", DESCENDING)], name="acts"),
    IndexModel([("userId", ASCENDING)], name="of"),
    IndexModel([("by", ASCENDING)], name="by"),
    IndexModel([("at", ASCENDING)], name="ttl", expireAfterSeconds=int(KEPT.total_seconds())),
)


class ActStore:
    """Acts."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def add(self, act: Act) -> None:
        """Note an act."""
        document = act.model_dump(by_alias=True)
        await self._collection.insert({"_id": document.pop("id"), **document})

    async def page(self, scope_id: str, *, before: str | None, limit: int) -> list[Act]:
        """Acts of a scope, the newest first."""
        found = await self._collection.find(
            acts(scope_id, before), sort=[("_id", DESCENDING)], limit=limit, hint="acts"
        )
        return [Act.model_validate({"id": one.pop("_id"), **one}) for one in found]

    async def of(self, user_id: str, *, limit: int) -> list[Act]:
        """Acts about a person."""
        found = await self._collection.find({"userId": user_id}, limit=limit)
        return [Act.model_validate({"id": one.pop("_id"), **one}) for one in found]

    async def forget(self, user_id: str) -> None:
        """Keep of acts about a person only that there were any: not what he said."""
        await self._collection.update_many({"userId": user_id}, {"$set": {"reasons.$[].found": ""}})


def acts(scope_id: str, before: str | None) -> Document:
    """The condition of the acts of a scope before one of them."""
    where: Document = {"conversationId": scope_id}
    return where if before is None else where | {"_id": {"$lt": before}}
