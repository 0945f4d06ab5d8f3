"""The log of identity keys: a Merkle tree in one collection, and apart from it what its entries say of people."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from crypto.merkle import Node
from handlers.keys.models.stored import LogEntry
from server.errors import Unavailable
from storage.mongo import ASCENDING, DESCENDING, Binary, Collection, Document, DuplicateKeyError, IndexModel

LOG = "identity_log"
ENTRIES = "identity_entries"
SECRETS = "identity_secrets"

_SIZE = "size"
_SIGNING = "signing"
ENTRY_INDEXES = (IndexModel([("userId", ASCENDING), ("_id", DESCENDING)], name="user"),)


class LogStore:
    """The nodes of the tree (`height/place`) with its size, its entries, and the secret that signs it."""

    def __init__(self, *, log: Collection, entries: Collection, secrets: Collection) -> None:
        self._log = log
        self._entries = entries
        self._secrets = secrets

    async def size(self) -> int:
        """How many entries there are."""
        found = await self._log.find_one({"_id": _SIZE})
        return int(found["value"]) if found else 0

    async def claim(self) -> int:
        """The place of the next entry, in the caller's unit of work: others wait for its end, and try again."""
        found = await self._log.find_and_update({"_id": _SIZE}, {"$inc": {"value": 1}}, upsert=True)
        if found is None:
            raise Unavailable("The log of identity keys cannot be written right now: try again.", retry_after_ms=500)
        return int(found["value"]) - 1

    async def begin(self) -> None:
        """Make the document of the size, so that two that append at once meet in one document."""
        try:
            await self._log.update_one({"_id": _SIZE}, {"$setOnInsert": {"value": 0}}, upsert=True)
        except DuplicateKeyError:
            return

    async def nodes(self, wanted: Iterable[Node]) -> dict[Node, bytes]:
        """Hashes of perfect subtrees."""
        names = {f"{height}/{place}": (height, place) for height, place in wanted}
        if not names:
            return {}
        found = await self._log.find({"_id": {"$in": sorted(names)}}, limit=len(names))
        return {names[one["_id"]]: bytes(one["hash"]) for one in found}

    async def append(self, entry: LogEntry, nodes: Mapping[Node, bytes]) -> None:
        """Add an entry and the subtrees that are complete with it, in the caller's unit of work."""
        await self._log.insert_many(
            [{"_id": f"{height}/{place}", "hash": Binary(value)} for (height, place), value in nodes.items()]
        )
        await self._entries.insert(
            {
                "_id": entry.index,
                "userId": entry.user_id,
                "identity": Binary(entry.identity),
                "at": entry.at,
                "salt": Binary(entry.salt),
            }
        )

    async def of(self, user_id: str, *, before: int) -> LogEntry | None:
        """The newest entry of a person among the first `before`."""
        where: Document = {"userId": user_id, "_id": {"$lt": before}}
        found = await self._entries.find_one(where, sort=[("_id", DESCENDING)])
        if found is None:
            return None
        at: datetime = found["at"]
        return LogEntry(found["_id"], found["userId"], bytes(found["identity"]), at, bytes(found["salt"]))

    async def forget(self, user_id: str) -> None:
        """Remove what entries say of a person; the tree keeps hashes that mean nothing without it."""
        await self._entries.delete_many({"userId": user_id})

    async def secret(self, offered: bytes) -> bytes:
        """The stored secret; the `offered` one is stored when there is none yet."""
        try:
            found = await self._secrets.find_and_update(
                {"_id": _SIGNING}, {"$setOnInsert": {"value": Binary(offered)}}, upsert=True
            )
        except DuplicateKeyError:
            found = await self._secrets.find_one({"_id": _SIGNING})
        if found is None:
            raise LookupError("the secret was stored and is not there")
        return bytes(found["value"])
