"""Numeric ids (1 … 2^52−1) beside the UUIDs, for interfaces that know only numbers. Never used twice; gaps happen."""

from storage.mongo import Mongo

COLLECTION = "numbers"


class Numbers:
    """Hands out the next number of a series. Call it outside a unit of work: a counter is shared by everybody."""

    def __init__(self, mongo: Mongo) -> None:
        self._collection = mongo.collection(COLLECTION)

    async def next(self, series: str) -> int:
        """The next number of the series, from 1."""
        document = await self._collection.find_and_update({"_id": series}, {"$inc": {"last": 1}}, upsert=True)
        if document is None:
            raise LookupError(f"the series {series} could not be advanced")
        return int(document["last"])
