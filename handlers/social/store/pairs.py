"""The friendships: one document per pair of people, changed only where it still is as its changer believes."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import TypeVar

from pydantic.alias_generators import to_camel

from crypto.ids import new_id
from handlers.social.models import Listed, Pair, Side, Source, Stance
from storage.mongo import ASCENDING, Collection, Document, DuplicateKeyError, IndexModel, Mongo

T = TypeVar("T")

COLLECTION = "friendships"

# The other person's id closes the two indexes of lists, so that counting common friends reads no document.
PAIRS = (
    IndexModel([("id", ASCENDING)], name="id", unique=True),
    IndexModel(
        [("requesterId", ASCENDING), ("status", ASCENDING), ("id", ASCENDING), ("recipientId", ASCENDING)],
        name="asked",
    ),
    IndexModel(
        [("recipientId", ASCENDING), ("status", ASCENDING), ("id", ASCENDING), ("requesterId", ASCENDING)],
        name="was_asked",
    ),
    IndexModel([("blockedBy", ASCENDING), ("id", ASCENDING)], name="blocked_by"),
)


def key_of(one: str, other: str) -> str:
    """The key of the pair of two people, whoever is named first."""
    low, high = sorted((one, other))
    return f"{low}:{high}"


def _place(pair_key: str, user_id: str) -> str:
    """Where the document keeps what this person says: `low` or `high`."""
    return "low" if pair_key.startswith(user_id) else "high"


def side_fields(side: Side) -> Document:
    """A side as it is stored."""
    return {to_camel(name): value for name, value in asdict(side).items()}


def _new(one: str, other: str, now: datetime) -> Document:
    """The document of two people between whom there is nothing yet."""
    return {
        "_id": key_of(one, other),
        "id": new_id(),
        "status": "none",
        "requesterId": one,
        "recipientId": other,
        "source": "search",
        "message": None,
        "hushed": False,
        "blockedBy": [],
        "createdAt": now,
        "updatedAt": now,
        "acceptedAt": None,
        "low": side_fields(Side()),
        "high": side_fields(Side()),
    }


def read_pair(found: Document) -> Pair:
    """The pair of a document."""
    low, high = found["_id"].split(":")
    return Pair(
        id=found["id"],
        status=found["status"],
        requester_id=found["requesterId"],
        recipient_id=found["recipientId"],
        sides={low: _read_side(found["low"]), high: _read_side(found["high"])},
        created_at=found["createdAt"],
        updated_at=found["updatedAt"],
        source=found["source"],
        message=found["message"],
        hushed=found["hushed"],
        blocked_by=found["blockedBy"],
        accepted_at=found["acceptedAt"],
    )


def read_stance(user_id: str, found: Document) -> tuple[str, Stance]:
    """The other person of a document about friends or a block, and how `user_id` stands to him."""
    low, high = found["_id"].split(":")
    if found["status"] == "blocked":
        stance = Stance(blocked=True)
    else:
        sides = _read_side(found["low"]), _read_side(found["high"])
        mine, theirs = sides if user_id == low else sides[::-1]
        stance = Stance(mine=mine, theirs=theirs)
    return (high if user_id == low else low), stance


def _read_side(found: Document) -> Side:
    return Side(
        relationship=found["relationship"],
        can_message=found["canMessage"],
        can_see_online_status=found["canSeeOnlineStatus"],
        can_see_location=found["canSeeLocation"],
        declines=found["declines"],
    )


class PairStore:
    """Reads and changes pairs. What a change finds otherwise than expected, it leaves alone and answers None."""

    def __init__(self, collection: Collection, mongo: Mongo) -> None:
        self._collection = collection
        self._mongo = mongo

    async def unit(self, call: Callable[[], Awaitable[T]]) -> T:
        """Run `call` in one transaction."""
        return await self._mongo.transact(call)

    async def between(self, one: str, other: str) -> Pair | None:
        """What is between two people."""
        return await self._one({"_id": key_of(one, other)})

    async def by_id(self, friendship_id: str) -> Pair | None:
        """The pair whose friendship has this id."""
        return await self._one({"id": friendship_id})

    async def listed(self, user_id: str, wanted: Listed) -> list[Pair]:
        """A person's pairs, the newest first. Hushed requests are not among those to their recipient."""
        asked: Document = {"requesterId": user_id, "status": wanted.status}
        was_asked: Document = {"recipientId": user_id, "status": wanted.status}
        if wanted.status == "pending":
            was_asked["hushed"] = False
        before = {"id": {"$lt": wanted.before}} if wanted.before else {}
        if wanted.status == "blocked":
            where: Document = {"blockedBy": user_id, **before}
        elif wanted.direction == "outgoing":
            where = asked | before
        elif wanted.direction == "incoming":
            where = was_asked | before
        else:
            where = {"$or": [asked | before, was_asked | before]}
        found = await self._collection.find(where, sort=[("id", -1)], limit=wanted.limit)
        return [read_pair(one) for one in found]

    async def all_of(self, user_id: str, *, limit: int) -> list[Pair]:
        """Pairs of a person in whatever state, for taking a person out."""
        where = {"$or": [{"requesterId": user_id}, {"recipientId": user_id}]}
        return [read_pair(one) for one in await self._collection.find(where, limit=limit)]

    async def ask(
        self,
        requester: str,
        recipient: str,
        *,
        was: Pair | None,
        message: str | None,
        source: Source,
        hushed: bool,
        now: datetime,
    ) -> Pair | None:
        """Make a request out of a pair that was free: `was`, or none yet. The request gets an id of its own.

        None when somebody else changed the pair in between.
        """
        fresh: Document = {
            "id": new_id(),
            "status": "pending",
            "requesterId": requester,
            "recipientId": recipient,
            "message": message,
            "source": source,
            "hushed": hushed,
            "createdAt": now,
            "updatedAt": now,
        }
        if was is not None:
            return await self._change({"id": was.id, "status": was.status}, fresh)
        document = _new(requester, recipient, now) | fresh
        return read_pair(document) if await self._add(document) else None

    async def accept(self, pair: Pair, *, now: datetime) -> Pair | None:
        """Turn a request into a friendship, with everything between the two as new."""
        default = side_fields(Side())
        change = {"status": "accepted", "hushed": False, "updatedAt": now, "acceptedAt": now}
        return await self._change({"id": pair.id, "status": "pending"}, change | {"low": default, "high": default})

    async def decline(self, pair: Pair, *, now: datetime) -> Pair | None:
        """Turn a request down; the refusal is counted."""
        place = _place(key_of(pair.requester_id, pair.recipient_id), pair.recipient_id)
        found = await self._collection.find_and_update(
            {"id": pair.id, "status": "pending"},
            {"$set": {"status": "declined", "updatedAt": now}, "$inc": {f"{place}.declines": 1}},
        )
        return read_pair(found) if found else None

    async def end(self, pair: Pair, *, now: datetime) -> Pair | None:
        """End a friendship, a request or a refusal; only the count of refusals stays."""
        change = {"status": "none", "message": None, "updatedAt": now, "acceptedAt": None}
        return await self._change({"id": pair.id, "status": pair.status}, change)

    async def say(self, pair: Pair, user_id: str, side: Side, *, now: datetime) -> Pair | None:
        """Change what one of two friends says about the other."""
        place = _place(key_of(pair.requester_id, pair.recipient_id), user_id)
        said = {f"{place}.{name}": value for name, value in side_fields(side).items() if name != "declines"}
        return await self._change({"id": pair.id, "status": "accepted"}, said | {"updatedAt": now})

    async def ensure(self, one: str, other: str, *, now: datetime) -> None:
        """See that the pair has a document, so that a transaction never has to make one."""
        if await self.between(one, other) is None:
            await self._add(_new(one, other, now))

    async def block(self, blocker: str, blocked: str, *, now: datetime) -> Pair | None:
        """Put a block on the pair and return what it was before; None when the block is there already."""
        found = await self._collection.find_and_update(
            {"_id": key_of(blocker, blocked), "blockedBy": {"$ne": blocker}},
            {
                "$set": {
                    "status": "blocked",
                    "message": None,
                    "hushed": False,
                    "updatedAt": now,
                    "acceptedAt": None,
                },
                "$addToSet": {"blockedBy": blocker},
            },
            before=True,
        )
        return read_pair(found) if found else None

    async def unblock(self, blocker: str, blocked: str, *, now: datetime) -> None:
        """Take the block of one away; the pair is free when it was the last."""
        key = key_of(blocker, blocked)
        free = {"$set": {"blockedBy": [], "status": "none", "updatedAt": now}}
        if not await self._collection.update_one({"_id": key, "blockedBy": [blocker]}, free):
            await self._collection.update_one({"_id": key}, {"$pull": {"blockedBy": blocker}})

    async def forget(self, pair: Pair) -> Pair | None:
        """Remove the document of a pair, as it is now."""
        found = await self._collection.find_and_delete({"_id": key_of(pair.requester_id, pair.recipient_id)})
        return read_pair(found) if found else None

    async def _add(self, document: Document) -> bool:
        try:
            await self._collection.insert(document)
        except DuplicateKeyError:
            return False
        return True

    async def _one(self, where: Document) -> Pair | None:
        found = await self._collection.find_one(where)
        return read_pair(found) if found else None

    async def _change(self, where: Document, fields: Document) -> Pair | None:
        found = await self._collection.find_and_update(where, {"$set": fields})
        return read_pair(found) if found else None
