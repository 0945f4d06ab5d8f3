"""The register of blocks: who blocked whom, when and why. Whether a pair is blocked, the pair itself says."""

from datetime import datetime

from crypto.ids import new_id
from handlers.social.models import UserBlock
from storage.mongo import ASCENDING, DESCENDING, Collection, Document, IndexModel

BLOCKS = (
    IndexModel([("blockerId", ASCENDING), ("blockedUserId", ASCENDING)], name="who_whom", unique=True),
    IndexModel([("blockerId", ASCENDING), ("_id", DESCENDING)], name="newest"),
    IndexModel([("blockedUserId", ASCENDING)], name="blocked"),
)


class BlockStore:
    """Keeps the register. It is written in the transaction that blocks or frees the pair."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def add(self, blocker: str, blocked: str, reason: str | None, *, now: datetime) -> UserBlock:
        """Write a block down."""
        document = {
            "_id": new_id(),
            "blockerId": blocker,
            "blockedUserId": blocked,
            "reason": reason,
            "createdAt": now,
        }
        await self._collection.insert(document)
        return _read(document)

    async def of(self, blocker: str, blocked: str) -> UserBlock | None:
        """The block that one put on the other."""
        found = await self._collection.find_one({"blockerId": blocker, "blockedUserId": blocked})
        return _read(found) if found else None

    async def count(self, blocker: str, *, upto: int) -> int:
        """How many people somebody has blocked, counted no further than `upto`."""
        return await self._collection.count({"blockerId": blocker}, limit=upto)

    async def remove(self, blocker: str, blocked: str) -> UserBlock | None:
        """Strike a block out and return what it was."""
        found = await self._collection.find_and_delete({"blockerId": blocker, "blockedUserId": blocked})
        return _read(found) if found else None

    async def listed(self, blocker: str, *, before: str | None, limit: int) -> list[UserBlock]:
        """Somebody's blocks, the newest first."""
        where: Document = {"blockerId": blocker}
        if before:
            where["_id"] = {"$lt": before}
        return [_read(one) for one in await self._collection.find(where, sort=[("_id", -1)], limit=limit)]

    async def blocked_by(self, blocker: str, *, limit: int) -> list[str]:
        """Everybody whom somebody has blocked."""
        found = await self._collection.find({"blockerId": blocker}, fields={"_id": 0, "blockedUserId": 1}, limit=limit)
        return [one["blockedUserId"] for one in found]

    async def forget(self, user_id: str) -> None:
        """Strike out every block by and of a person."""
        await self._collection.delete_many({"blockerId": user_id})
        await self._collection.delete_many({"blockedUserId": user_id})


def _read(found: Document) -> UserBlock:
    return UserBlock(
        id=found["_id"],
        blocker_id=found["blockerId"],
        blocked_user_id=found["blockedUserId"],
        reason=found["reason"],
        created_at=found["createdAt"],
    )
