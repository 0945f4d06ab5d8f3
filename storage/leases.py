"""Leases in MongoDB: at most one process of the cluster holds one, and it is free again when its holder dies."""

from datetime import datetime, timedelta

from storage.mongo import Collection, DuplicateKeyError, Mongo

COLLECTION = "leases"


class Leases:
    """Takes and gives back leases on behalf of one holder."""

    def __init__(self, mongo: Mongo, holder: str) -> None:
        self._collection: Collection = mongo.collection(COLLECTION)
        self._holder = holder

    async def take(self, name: str, *, now: datetime, span: timedelta) -> bool:
        """Take or renew the lease for `span`. False while another process holds it."""
        free = {"_id": name, "$or": [{"holder": self._holder}, {"until": {"$lte": now}}]}
        change = {"$set": {"holder": self._holder, "until": now + span}}
        try:
            return await self._collection.update_one(free, change, upsert=True)
        except DuplicateKeyError:
            return False

    async def give_back(self, name: str) -> None:
        """Free the lease at once, if this holder has it."""
        await self._collection.delete_one({"_id": name, "holder": self._holder})
