"""Databases for tests: emptied and used again, since making fifty indexes anew takes longer than most tests."""

import os
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from storage.mongo import IndexModel, Mongo
from storage.redis import Redis
from tests.harness.servers import MONGODB


class Databases:
    """The databases of this test process. One that is given back is empty; the indexes of the server's own stay."""

    def __init__(self) -> None:
        self._free: list[str] = []
        self._made = 0
        self._run = secrets.token_hex(4)

    def take(self) -> str:
        """The name of an empty database that nobody else uses."""
        if self._free:
            return self._free.pop()
        self._made += 1
        return f"test_{self._run}_{self._made}"

    async def give_back(self, name: str, *, keep: Mapping[str, Sequence[IndexModel]], redis: Redis) -> None:
        """Empty a database, Redis keys included.

        Collections that are not to `keep`, or that a test gave other indexes than these, are dropped.
        """
        mongo = Mongo(os.environ[MONGODB], name)
        for collection in await mongo.database.list_collection_names():
            found = await mongo.collection(collection).raw.index_information()
            if collection in keep and _shapes(found) == _shapes(
                {one.document["name"]: one.document for one in keep[collection]}
            ):
                await mongo.collection(collection).delete_many({})
            else:
                await mongo.database.drop_collection(collection)
        await mongo.close()
        keys = [key async for key in redis.scan_iter(match=f"{{mixee:{name}}}:*", count=1000)]
        if keys:
            await redis.delete(*keys)
        self._free.append(name)


def _shapes(indexes: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """What of indexes tells them apart, the one of `_id` aside."""
    return {
        name: (list(dict(index["key"]).items()), bool(index.get("unique")), index.get("partialFilterExpression"))
        for name, index in indexes.items()
        if name != "_id_"
    }
