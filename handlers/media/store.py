"""The named questions to the collections of attachments, of who may see them, of daily allowances and of the secret."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from handlers.media.models import Found, Grant, Kind, Record
from storage.mongo import ASCENDING, DESCENDING, Collection, Document, DuplicateKeyError, IndexModel

MEDIA = "media"
GRANTS = "media_grants"
ALLOWANCES = "media_allowances"
SECRETS = "media_secrets"

MEDIA_INDEXES = (
    IndexModel([("ownerId", ASCENDING), ("status", ASCENDING), ("_id", DESCENDING)], name="owner"),
    IndexModel([("dueAt", ASCENDING)], name="due", partialFilterExpression={"dueAt": {"$exists": True}}),
)
GRANT_INDEXES = (
    IndexModel([("mediaId", ASCENDING), ("at", ASCENDING)], name="media"),
    IndexModel([("grantedBy", ASCENDING)], name="granter"),
)
ALLOWANCE_INDEXES = (
    IndexModel([("userId", ASCENDING)], name="user"),
    IndexModel([("until", ASCENDING)], name="until"),
)
MAX_GRANTS = 100
"""Places through which one medium may be seen."""
_LINK_KEY = "links"


def due(now: datetime) -> Document:
    """What the job must look after."""
    return {"dueAt": {"$lte": now}}


def unfinished(owner: str) -> Document:
    """A person's uploads that are not finished."""
    return {"ownerId": owner, "status": "uploading"}


class MediaStore:
    """Attachments."""

    def __init__(self, media: Collection) -> None:
        self._media = media

    async def add(self, record: Record) -> None:
        """Keep a new upload."""
        await self._media.insert(_document(record))

    async def get(self, media_id: str) -> Record | None:
        """The medium of that id, unless it is being removed."""
        found = await self._media.find_one({"_id": media_id})
        return _record(found) if found and found["status"] != "going" else None

    async def get_many(self, ids: Sequence[str]) -> dict[str, Record]:
        """The media of these ids that are not being removed, by id."""
        found = await self._media.find({"_id": {"$in": list(ids)}}, limit=len(ids))
        return {one["_id"]: _record(one) for one in found if one["status"] != "going"}

    async def open_uploads(self, owner: str, limit: int) -> int:
        """How many uploads of a person are unfinished, counted no further than `limit`."""
        return await self._media.count(unfinished(owner), limit=limit)

    async def grow(self, record: Record, part: str, size: int) -> Record | None:
        """A part is safe: move the offset on. None when the upload is not where the record says any more."""
        where = {"_id": record.id, "status": "uploading", "offset": record.offset}
        found = await self._media.find_and_update(where, {"$inc": {"offset": size}, "$push": {"parts": part}})
        return _record(found) if found else None

    async def finish(self, record: Record, folder: str, found: Found, *, now: datetime) -> Record | None:
        """The upload is a finished medium. What is left of its parts is due to be removed. None: it was finished."""
        where = {"_id": record.id, "status": "uploading", "offset": record.size}
        change = {
            "$set": {"status": "ready", "folder": folder, "found": asdict(found), "dueAt": now},
            "$unset": {"parts": ""},
        }
        after = await self._media.find_and_update(where, change)
        return _record(after) if after else None

    async def tidied(self, media_id: str) -> None:
        """Nothing of a finished medium is left to be removed."""
        await self._media.update_one({"_id": media_id, "status": "ready"}, {"$unset": {"dueAt": ""}})

    async def leave(self, media_id: str, *, now: datetime) -> bool:
        """From now on nobody sees it; its bytes are due to be removed. False when that was so already."""
        where = {"_id": media_id, "status": {"$ne": "going"}}
        return await self._media.update_one(where, {"$set": {"status": "going", "dueAt": now}})

    async def leave_old(self, media_id: str, *, now: datetime) -> bool:
        """Give up an upload, if it is still unfinished and too old."""
        where = {"_id": media_id, "status": "uploading", **due(now)}
        return await self._media.update_one(where, {"$set": {"status": "going", "dueAt": now}})

    async def leave_all(self, owner: str, *, now: datetime) -> None:
        """From now on nobody sees anything of a person."""
        await self._media.update_many({"ownerId": owner}, {"$set": {"status": "going", "dueAt": now}})

    async def remove(self, media_id: str) -> None:
        """Forget a medium whose bytes are gone."""
        await self._media.delete_one({"_id": media_id, "status": "going"})

    async def due(self, now: datetime, limit: int) -> list[Record]:
        """What the job must look after, the oldest first."""
        return [_record(one) for one in await self._media.find(due(now), sort=[("dueAt", ASCENDING)], limit=limit)]

    async def of(self, owner: str) -> AsyncIterator[Record]:
        """Everything of a person, for an export."""
        async for one in self._media.each({"ownerId": owner, "status": {"$in": ["uploading", "ready"]}}):
            yield _record(one)

    async def ids_of(self, owner: str, limit: int) -> list[str]:
        """Some of what a person has that is being removed."""
        found = await self._media.find({"ownerId": owner, "status": "going"}, fields={"_id": 1}, limit=limit)
        return [str(one["_id"]) for one in found]


class GrantStore:
    """Through which places a medium is seen."""

    def __init__(self, grants: Collection) -> None:
        self._grants = grants

    async def add(self, media_id: str, grant: Grant, by: str, *, now: datetime) -> None:
        """Let those of a place see a medium. Doing it twice is doing it once."""
        key = f"{media_id}:{grant.scope}:{grant.place}"
        fresh = {"mediaId": media_id, "scope": grant.scope, "place": grant.place, "grantedBy": by, "at": now}
        await self._grants.update_one({"_id": key}, {"$setOnInsert": fresh}, upsert=True)

    async def remove(self, media_id: str, grant: Grant) -> None:
        """Those of a place no longer see a medium."""
        await self._grants.delete_one({"_id": f"{media_id}:{grant.scope}:{grant.place}"})

    async def of(self, media_id: str) -> list[Grant]:
        """The places of a medium, the oldest first."""
        found = await self._grants.find({"mediaId": media_id}, sort=[("at", ASCENDING)], limit=MAX_GRANTS)
        return [Grant(one["scope"], one["place"]) for one in found]

    async def forget_media(self, media_id: str) -> None:
        """Forget every place of a medium."""
        await self._grants.delete_many({"mediaId": media_id})

    async def forget_user(self, user_id: str) -> None:
        """Forget what a person granted."""
        await self._grants.delete_many({"grantedBy": user_id})


class AllowanceStore:
    """How many bytes people have uploaded today."""

    def __init__(self, allowances: Collection) -> None:
        self._allowances = allowances

    async def used(self, user_id: str, now: datetime) -> int:
        """Bytes of today."""
        found = await self._allowances.find_one({"_id": _day(user_id, now)})
        return int(found["used"]) if found else 0

    async def take(self, user_id: str, size: int, *, most: int, now: datetime) -> bool:
        """Count bytes, if they are not too many for today."""
        if size > most:
            return False
        where = {"_id": _day(user_id, now), "used": {"$lte": most - size}}
        fresh = {"userId": user_id, "until": next_day(now)}
        try:
            return await self._allowances.update_one(
                where, {"$inc": {"used": size}, "$setOnInsert": fresh}, upsert=True
            )
        except DuplicateKeyError:  # there is one of today, and it is used up
            return False

    async def forget_past(self, now: datetime) -> None:
        """Forget the days that are over."""
        await self._allowances.delete_many({"until": {"$lte": now}})

    async def forget(self, user_id: str) -> None:
        """Forget a person."""
        await self._allowances.delete_many({"userId": user_id})


class SecretStore:
    """The secret that every process of the cluster shares."""

    def __init__(self, secrets: Collection) -> None:
        self._secrets = secrets

    async def link_key(self, offered: bytes) -> bytes:
        """The stored key; the `offered` one is stored when there is none yet."""
        try:
            found = await self._secrets.find_and_update(
                {"_id": _LINK_KEY}, {"$setOnInsert": {"key": offered}}, upsert=True
            )
        except DuplicateKeyError:  # another process was first, at the same moment
            found = await self._secrets.find_one({"_id": _LINK_KEY})
        if found is None:
            raise LookupError("the key was stored and is not there")
        return bytes(found["key"])


def next_day(now: datetime) -> datetime:
    """When the next day of UTC begins."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def _day(user_id: str, now: datetime) -> str:
    return f"{user_id}:{now:%Y-%m-%d}"


def _document(record: Record) -> Document:
    known: dict[str, Any] = {
        "_id": record.id,
        "ownerId": record.owner_id,
        "kind": record.kind,
        "status": record.status,
        "size": record.size,
        "offset": record.offset,
        "createdAt": record.created_at,
        "dueAt": record.due_at,
        "filename": record.filename,
        "sha256": record.sha256,
        "waveform": record.waveform,
        "duration": record.duration,
    }
    return {name: value for name, value in known.items() if value is not None}


def _record(found: Document) -> Record:
    kind: Kind = found["kind"]
    return Record(
        id=found["_id"],
        owner_id=found["ownerId"],
        kind=kind,
        status=found["status"],
        size=found["size"],
        offset=found["offset"],
        created_at=found["createdAt"],
        due_at=found.get("dueAt"),
        filename=found.get("filename"),
        sha256=found.get("sha256"),
        waveform=found.get("waveform"),
        duration=found.get("duration"),
        parts=found.get("parts", []),
        folder=found.get("folder"),
        found=Found(**found["found"]) if "found" in found else None,
    )
