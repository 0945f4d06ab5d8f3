"""What is kept of contacts: hashes of registered people's own identifiers, and who matched whose address book."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from handlers.social.models import Via
from storage.mongo import ASCENDING, Collection, Document, DuplicateKeyError, IndexModel, UpdateOne

PEPPER = "contact_pepper"

INDEX = (IndexModel([("hash", ASCENDING)], name="hash"), IndexModel([("userId", ASCENDING)], name="user"))
MATCHES = (
    IndexModel([("ownerId", ASCENDING), ("_id", ASCENDING)], name="owner"),
    IndexModel([("userId", ASCENDING)], name="user"),
)
ALLOWANCES: tuple[IndexModel, ...] = ()
SECRETS: tuple[IndexModel, ...] = ()

MAX_OWNERS_EACH = 2
"""Accounts that one identifier may lead to; a verified one leads to one."""


class ContactStore:
    """Hashes, matches, allowances, and the pepper that the server made for itself."""

    def __init__(self, *, index: Collection, matches: Collection, allowances: Collection, secrets: Collection) -> None:
        self._index = index
        self._matches = matches
        self._allowances = allowances
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

    async def index(self, user_id: str, hashes: Mapping[Via, str]) -> None:
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

    async def owners(self, hashes: Sequence[str]) -> dict[str, list[Via]]:
        """Who has one of the identifiers behind the hashes, and which kinds of them."""
        if not hashes:
            return {}
        found = await self._index.find({"hash": {"$in": list(hashes)}}, limit=MAX_OWNERS_EACH * len(hashes))
        owners: dict[str, list[Via]] = {}
        for one in found:
            owners.setdefault(one["userId"], []).append(one["via"])
        return owners

    async def spend(self, user_id: str, cost: timedelta, *, room: timedelta, now: datetime) -> timedelta:
        """Take from a person's allowance: a debt of time that the clock pays back, never more than `room`.

        What is missing until there is room again; zero when it was taken.
        """
        until = {"$max": ["$until", now]}
        free: Document = {"_id": user_id, "until": {"$lte": now + room - cost}}
        taken = [{"$set": {"until": {"$add": [until, _milliseconds(cost)]}}}]
        try:
            if await self._allowances.update_one(free, taken, upsert=True):
                return timedelta()
        except DuplicateKeyError:
            found = await self._allowances.find_one({"_id": user_id})
            return found["until"] + cost - room - now if found else timedelta()
        return timedelta()

    async def match(self, owner: str, matched: Mapping[str, Sequence[Via]], *, now: datetime) -> None:
        """Note whom an address book led to."""
        await self._matches.write(
            [
                UpdateOne(
                    {"_id": f"{owner}:{user_id}"},
                    {
                        "$setOnInsert": {"ownerId": owner, "userId": user_id, "at": now},
                        "$addToSet": {"via": {"$each": list(via)}},
                    },
                    upsert=True,
                )
                for user_id, via in matched.items()
            ],
            ordered=False,
        )

    async def matches(self, owner: str, *, after: str | None, limit: int) -> list[tuple[str, list[Via], datetime]]:
        """People in a person's address books, ordered by id: who, by what, since when."""
        where: Document = {"ownerId": owner}
        if after:
            where["_id"] = {"$gt": f"{owner}:{after}"}
        found = await self._matches.find(where, sort=[("_id", ASCENDING)], limit=limit)
        return [(one["userId"], one["via"], one["at"]) for one in found]

    async def forget_matches(self, owner: str) -> None:
        """Forget what a person's address books led to."""
        await self._matches.delete_many({"ownerId": owner})

    async def forget(self, user_id: str) -> None:
        """Forget everything about a person."""
        await self._index.delete_many({"userId": user_id})
        await self._matches.delete_many({"ownerId": user_id})
        await self._matches.delete_many({"userId": user_id})
        await self._allowances.delete_one({"_id": user_id})


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
