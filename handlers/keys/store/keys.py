"""The keys of devices, and the tokens by which devices join."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from handlers.keys.models.fields import Kind
from handlers.keys.models.stored import Reusable, StoredKey
from storage.mongo import ASCENDING, Binary, Collection, Document, IndexModel

DEVICES = "e2ee_devices"
PREKEYS = "e2ee_prekeys"
LINKS = "e2ee_links"

DEVICE_INDEXES = (IndexModel([("userId", ASCENDING)], name="user"),)
PREKEY_INDEXES = (
    IndexModel([("device", ASCENDING), ("kind", ASCENDING), ("place", ASCENDING)], name="next"),
    IndexModel([("userId", ASCENDING)], name="user"),
)
LINK_INDEXES = (
    IndexModel([("userId", ASCENDING)], name="user"),
    IndexModel([("expiresAt", ASCENDING)], name="ttl", expireAfterSeconds=0),
)


class KeyStore:
    """What is given out of devices: the reusable keys, and those that are given out once."""

    def __init__(self, *, devices: Collection, prekeys: Collection) -> None:
        self._devices = devices
        self._prekeys = prekeys

    async def put(
        self, user_id: str, device: str, *, signed: StoredKey | None, last_resort: StoredKey | None, replenished: bool
    ) -> None:
        """Set the reusable keys of a device, as far as they are given; `replenished`: it has one-time keys again."""
        given = {"signed": signed, "last": last_resort}
        values: Document = {name: _of(key) for name, key in given.items() if key is not None}
        fresh: Document = {"userId": user_id}
        (values if replenished else fresh)["low"] = False
        change = {"$setOnInsert": fresh} | ({"$set": values} if values else {})
        await self._devices.update_one({"_id": device}, change, upsert=True)

    async def reusable(self, devices: Sequence[str]) -> dict[str, Reusable]:
        """The reusable keys of these devices."""
        found = await self._devices.find({"_id": {"$in": list(devices)}}, limit=max(1, len(devices)))
        return {one["_id"]: Reusable(_key(one["signed"]), _key(one["last"])) for one in found}

    async def replace(self, user_id: str, device: str, kind: Kind, keys: Sequence[StoredKey]) -> None:
        """Put one-time keys in the place of all of their kind. Elliptic-curve keys go by id, the others as given."""
        await self._prekeys.delete_many({"device": device, "kind": kind})
        documents = [
            {
                "_id": f"{device}/{kind}/{one.key_id}",
                "userId": user_id,
                "device": device,
                "kind": kind,
                "place": one.key_id if kind == "ec" else place,
                **_of(one),
            }
            for place, one in enumerate(keys)
        ]
        await self._prekeys.insert_many(documents)

    async def has(self, device: str, kind: Kind, key_id: int) -> bool:
        """Whether a one-time key with this id is there."""
        return await self._prekeys.find_one({"_id": f"{device}/{kind}/{key_id}"}, fields={"_id": 1}) is not None

    async def take(self, device: str, kind: Kind) -> StoredKey | None:
        """Take the next one-time key away: nobody else gets it. None when there is none left."""
        found = await self._prekeys.find_and_delete(next_key(device, kind), sort=[("place", ASCENDING)])
        return _key(found) if found else None

    async def count(self, device: str, kind: Kind, *, limit: int) -> int:
        """How many one-time keys are left, counted no further than `limit`."""
        return await self._prekeys.count(next_key(device, kind), limit=limit)

    async def mark_low(self, device: str) -> bool:
        """Note that few keys are left. False when that was noted before."""
        return await self._devices.update_one({"_id": device, "low": False}, {"$set": {"low": True}})

    async def drop(self, devices: Sequence[str]) -> None:
        """Remove all keys of devices."""
        await self._devices.delete_many({"_id": {"$in": list(devices)}})
        await self._prekeys.delete_many({"device": {"$in": list(devices)}})

    async def forget(self, user_id: str) -> None:
        """Remove all keys of a person."""
        await self._devices.delete_many({"userId": user_id})
        await self._prekeys.delete_many({"userId": user_id})


class LinkStore:
    """Tokens by which devices join, as digests."""

    def __init__(self, links: Collection) -> None:
        self._links = links

    async def add(self, digest: str, user_id: str, expires_at: datetime) -> None:
        """Keep a token."""
        await self._links.insert({"_id": digest, "userId": user_id, "expiresAt": expires_at})

    async def take(self, digest: str, user_id: str, now: datetime) -> bool:
        """Use a person's token up. False when there is none, or it is too old."""
        where = {"_id": digest, "userId": user_id, "expiresAt": {"$gt": now}}
        return await self._links.find_and_delete(where) is not None

    async def forget(self, user_id: str) -> None:
        """Void the tokens of a person."""
        await self._links.delete_many({"userId": user_id})


def next_key(device: str, kind: Kind) -> Document:
    """The condition of a device's one-time keys of a kind."""
    return {"device": device, "kind": kind}


def _of(key: StoredKey) -> dict[str, Any]:
    values: dict[str, Any] = {"id": key.key_id, "public": Binary(key.public)}
    return values if key.signature is None else {**values, "signature": Binary(key.signature)}


def _key(found: Document) -> StoredKey:
    signature = found.get("signature")
    return StoredKey(found["id"], bytes(found["public"]), bytes(signature) if signature is not None else None)
