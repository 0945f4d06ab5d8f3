"""Databases for tests: emptied and used again, since making fifty indexes anew takes longer than most tests."""

import os
import secrets
from collections.abc import Collection

from storage.mongo import Mongo
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

    async def give_back(self, name: str, *, keep: Collection[str], redis: Redis) -> None:
        """Empty a database, Redis keys included; collections that are not to `keep` are dropped."""
        mongo = Mongo(os.environ[MONGODB], name)
        for collection in await mongo.database.list_collection_names():
            if collection in keep:
                await mongo.collection(collection).delete_many({})
            else:
                await mongo.database.drop_collection(collection)
        await mongo.close()
        keys = [key async for key in redis.scan_iter(match=f"mixee:{name}:*", count=1000)]
        if keys:
            await redis.delete(*keys)
        self._free.append(name)
