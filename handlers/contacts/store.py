"""What is kept of contacts: hashes of registered people's own identifiers, ties, waits, and counts."""

from collections.abc import Collection as Several
from collections.abc import Mapping, Sequence
from datetime import datetime

from crypto.ids import new_id
from handlers.contacts.allowance import Days
from handlers.contacts.models import Sought, Tie, Via
from storage.mongo import ASCENDING, Binary, Collection, Document, DuplicateKeyError, IndexModel, UpdateOne, Write

INDEX = (IndexModel([("hash", ASCENDING)], name="hash"), IndexModel([("userId", ASCENDING)], name="user"))
MATCHES = (
    IndexModel([("ownerId", ASCENDING), ("_id", ASCENDING)], name="owner"),
    IndexModel([("userId", ASCENDING), ("_id", ASCENDING)], name="user"),
    IndexModel([("until", ASCENDING)], name="ttl", expireAfterSeconds=0),
)
WAITS = (
    IndexModel([("hash", ASCENDING), ("_id", ASCENDING)], name="hash"),
    IndexModel([("ownerId", ASCENDING)], name="owner"),
    IndexModel([("until", ASCENDING)], name="ttl", expireAfterSeconds=0),
)
ALLOWANCES = (IndexModel([("until", ASCENDING)], name="ttl", expireAfterSeconds=0),)

PEPPER = "contact_pepper"
MAX_OWNERS_EACH = 2
"""Accounts that one identifier may lead to; a verified one leads to one."""
_TAG_BYTES = 3


class IndexStore:
    """By which hashes people are found."""

    def __init__(self, index: Collection) -> None:
        self._index = index

    async def put(self, user_id: str, hashes: Mapping[Via, str]) -> None:
        """Say by which hashes a person is found from now on, and by no others."""
        kept = [f"{user_id}:{via}" for via in hashes]
        await self._index.delete_many({"userId": user_id, "_id": {"$nin": kept}})
        await self._index.write(
            [
                UpdateOne(
                    {"_id": f"{user_id}:{via}"},
                    {"$set": {"userId": user_id, "via": via, "hash": value}},
                    upsert=True,
                )
                for via, value in hashes.items()
            ]
        )

    async def owners(self, hashes: Sequence[str]) -> dict[str, str]:
        """Whose the identifiers behind the hashes are, of those that are somebody's."""
        if not hashes:
            return {}
        found = await self._index.find({"hash": {"$in": list(hashes)}}, limit=MAX_OWNERS_EACH * len(hashes))
        return {one["hash"]: one["userId"] for one in found}

    async def forget(self, user_id: str) -> None:
        """Forget by what a person was found."""
        await self._index.delete_many({"userId": user_id})


class TieStore:
    """Ties and waits."""

    def __init__(self, *, matches: Collection, waits: Collection) -> None:
        self._matches = matches
        self._waits = waits

    async def note(self, owner: str, sought: Sequence[Sought], *, now: datetime, tell_until: datetime | None) -> None:
        """Note where an address book led; with `tell_until`, the owner is told until then of those not shown.

        There is one write for each contact, whether it leads to somebody or not: what leads to nobody is a scrap that
        says nothing and that the database drops by itself.
        """
        await self._matches.write([_noted(owner, one, now, tell_until) for one in sought], ordered=False)
        if tell_until is None:
            return
        await self._waits.write(
            [
                UpdateOne(
                    {"_id": f"{owner}:{one.hash}"},
                    {"$set": {"ownerId": owner, "hash": one.hash, "via": one.via, "until": tell_until}},
                    upsert=True,
                )
                for one in sought
                if not one.shown
            ],
            ordered=False,
        )

    async def knowing(self, people: Several[str], user_id: str) -> set[str]:
        """Those of the people whose address books led to this one."""
        if not people:
            return set()
        keys = [f"{one}:{user_id}" for one in people]
        found = await self._matches.find({"_id": {"$in": keys}}, fields={"ownerId": 1}, limit=len(keys))
        return {one["ownerId"] for one in found}

    async def known_by(self, user_id: str, people: Several[str]) -> set[str]:
        """Those of the people to whom this one's address books led."""
        if not people:
            return set()
        keys = [f"{user_id}:{one}" for one in people]
        found = await self._matches.find({"_id": {"$in": keys}}, fields={"userId": 1}, limit=len(keys))
        return {one["userId"] for one in found}

    async def of_owner(self, owner: str, *, after: str | None, limit: int) -> list[Tie]:
        """Where a person's address books led, ordered by the ids of the people."""
        where: Document = {"ownerId": owner}
        if after:
            where["_id"] = {"$gt": f"{owner}:{after}"}
        return [_tie(one) for one in await self._matches.find(where, sort=[("_id", ASCENDING)], limit=limit)]

    async def untold(self, user_id: str, *, now: datetime, after: str | None, limit: int) -> list[Tie]:
        """Ties to a person whose owners want to be told of him, ordered by the ids of the owners."""
        where: Document = {"userId": user_id, "tellUntil": {"$gt": now}}
        if after:
            where["_id"] = {"$gt": f"{after}:{user_id}"}
        return [_tie(one) for one in await self._matches.find(where, sort=[("_id", ASCENDING)], limit=limit)]

    async def told(self, tie: Tie) -> bool:
        """Note that the owner is told now. False when he was, or wants it no more."""
        where = {"_id": f"{tie.owner_id}:{tie.user_id}", "tellUntil": {"$exists": True}}
        return await self._matches.update_one(where, {"$unset": {"tellUntil": ""}})

    async def awaited(self, user_id: str, hashes: Sequence[str], *, now: datetime, limit: int) -> int:
        """Turn waits for these hashes into ties to the person that they turned out to be; how many there were."""
        where = {"hash": {"$in": list(hashes)}, "until": {"$gt": now}}
        found = await self._waits.find(where, limit=limit) if hashes else []
        await self._matches.write([_awaited(one, user_id, now) for one in found if one["ownerId"] != user_id])
        if found:
            await self._waits.delete_many({"_id": {"$in": [one["_id"] for one in found]}})
        return len(found)

    async def forget_owner(self, owner: str) -> None:
        """Forget where a person's address books led, and what he waits for."""
        await self._matches.delete_many({"ownerId": owner})
        await self._waits.delete_many({"ownerId": owner})

    async def forget(self, user_id: str) -> None:
        """Forget everything about a person."""
        await self.forget_owner(user_id)
        await self._matches.delete_many({"userId": user_id})


class AllowanceStore:
    """Which tags each person compared on which day."""

    def __init__(self, allowances: Collection) -> None:
        self._allowances = allowances

    async def days(self, owner: str) -> tuple[int, Days]:
        """The number of changes so far, and the days as they are."""
        found = await self._allowances.find_one({"_id": owner})
        if found is None:
            return 0, {}
        return found["version"], {one["day"]: _tags(one["tags"]) for one in found["days"]}

    async def change(self, owner: str, version: int, days: Days, *, until: datetime) -> bool:
        """Set the days, if nobody did since `version`; they may be dropped after `until`."""
        packed = [{"day": day, "tags": _packed(tags)} for day, tags in days.items() if tags]
        change = {"version": version + 1, "days": packed, "until": until}
        if version:
            return await self._allowances.update_one({"_id": owner, "version": version}, {"$set": change})
        try:
            await self._allowances.insert({"_id": owner, **change})
        except DuplicateKeyError:
            return False
        return True

    async def forget(self, owner: str) -> None:
        """Forget what a person compared."""
        await self._allowances.delete_one({"_id": owner})


class SecretStore:
    """The pepper that the server made for itself."""

    def __init__(self, secrets: Collection) -> None:
        self._secrets = secrets

    async def secret(self, offered: str) -> str:
        """The stored secret; the `offered` one is stored when there is none yet."""
        try:
            found = await self._secrets.find_and_update(
                {"_id": PEPPER}, {"$setOnInsert": {"value": offered}}, upsert=True
            )
        except DuplicateKeyError:
            found = await self._secrets.find_one({"_id": PEPPER})
        if found is None:
            raise LookupError("the secret was stored and is not there")
        return str(found["value"])


def _noted(owner: str, one: Sought, now: datetime, tell_until: datetime | None) -> Write:
    if not one.known:
        return UpdateOne({"_id": new_id()}, {"$set": {"until": now, "via": [one.via]}}, upsert=True)
    change: Document = {
        "$setOnInsert": {"ownerId": owner, "userId": one.user_id, "at": now},
        "$addToSet": {"via": one.via},
    }
    if one.shown:
        change["$unset"] = {"tellUntil": ""}
    elif tell_until is not None:
        change["$set"] = {"tellUntil": tell_until}
    return UpdateOne({"_id": f"{owner}:{one.user_id}"}, change, upsert=True)


def _awaited(wait: Document, user_id: str, now: datetime) -> Write:
    fresh = {"ownerId": wait["ownerId"], "userId": user_id, "at": now, "tellUntil": wait["until"]}
    # A tie that is there already says by itself whether its owner still wants to be told.
    return UpdateOne(
        {"_id": f"{wait['ownerId']}:{user_id}"},
        {"$setOnInsert": fresh, "$addToSet": {"via": wait["via"]}},
        upsert=True,
    )


def _tie(found: Document) -> Tie:
    return Tie(owner_id=found["ownerId"], user_id=found["userId"], via=sorted(found["via"]), at=found["at"])


def _packed(tags: Several[int]) -> Binary:
    return Binary(b"".join(tag.to_bytes(_TAG_BYTES, "big") for tag in sorted(tags)))


def _tags(packed: bytes) -> frozenset[int]:
    return frozenset(
        int.from_bytes(packed[start : start + _TAG_BYTES], "big") for start in range(0, len(packed), _TAG_BYTES)
    )
