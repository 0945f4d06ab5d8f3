"""Questions about who is whose friend and who is blocked, each answered by an index of the friendships."""

from collections.abc import Collection as Several
from collections.abc import Iterable

from handlers.social.models import Pair, Stance
from handlers.social.store.pairs import key_of, read_pair, read_stance
from storage.mongo import Collection, Document

MAX_FRIENDS_READ = 10_000
"""Friends of one person that a question looks at."""
MAX_TIES_READ = 50_000
"""Friendships of friends that a suggestion looks at."""


def _friends_of(user_id: str) -> Document:
    return {"$or": [{"requesterId": user_id, "status": "accepted"}, {"recipientId": user_id, "status": "accepted"}]}


class GraphStore:
    """Reads the graph that the friendships make."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def friends_of(self, user_ids: Several[str]) -> dict[str, list[str]]:
        """Of each of these people: everybody who is a friend."""
        people: dict[str, list[str]] = {one: [] for one in user_ids}
        some = {"$in": list(people)}
        found = await self._collection.find(
            {"$or": [{"requesterId": some, "status": "accepted"}, {"recipientId": some, "status": "accepted"}]},
            fields={"_id": 0, "requesterId": 1, "recipientId": 1},
            limit=MAX_FRIENDS_READ * max(1, len(people)),
        )
        for pair in found:
            one, other = pair["requesterId"], pair["recipientId"]
            if one in people:
                people[one].append(other)
            if other in people:
                people[other].append(one)
        return people

    async def count_friends(self, user_id: str, *, upto: int) -> int:
        """How many friends a person has, counted no further than `upto`."""
        return await self._collection.count(_friends_of(user_id), limit=upto)

    async def friends_among(self, user_id: str, others: Several[str]) -> set[str]:
        """Those of the others who are the person's friends."""
        return await self._among(user_id, others, {"status": "accepted"})

    async def blocked_among(self, user_id: str, others: Several[str]) -> set[str]:
        """Those of the others who blocked the person, or whom the person blocked."""
        return await self._among(user_id, others, {"status": "blocked"})

    async def blockers(self, pairs: Several[tuple[str, str]]) -> dict[tuple[str, str], list[str]]:
        """Of those of the pairs (each in order) between whom there is a block: who of the two blocks."""
        keys = {key_of(*pair): pair for pair in pairs}
        if not keys:
            return {}
        where = {"_id": {"$in": list(keys)}, "status": "blocked"}
        found = await self._collection.find(where, fields={"blockedBy": 1}, limit=len(keys))
        return {keys[one["_id"]]: one["blockedBy"] for one in found}

    async def known_among(self, user_id: str, others: Several[str]) -> set[str]:
        """Those of the others with whom there is something: a friendship, a request, a refusal, a block."""
        return await self._among(user_id, others, {"status": {"$ne": "none"}})

    async def stances(self, user_id: str, others: Several[str]) -> dict[str, Stance]:
        """How the person stands to those of the others who are friends, or with whom there is a block."""
        keys = _keys(user_id, others)
        if not keys:
            return {}
        where = {"_id": {"$in": keys}, "status": {"$in": ["accepted", "blocked"]}}
        found = await self._collection.find(where, fields={"status": 1, "low": 1, "high": 1}, limit=len(keys))
        return dict(read_stance(user_id, one) for one in found)

    async def pairs_among(self, user_id: str, others: Several[str]) -> list[Pair]:
        """The pairs of the person with the others, in whatever state."""
        keys = _keys(user_id, others)
        if not keys:
            return []
        return [read_pair(one) for one in await self._collection.find({"_id": {"$in": keys}}, limit=len(keys))]

    async def mutual_counts(self, user_id: str, others: Several[str]) -> dict[str, int]:
        """How many friends the person has in common with each of the others."""
        wanted = set(others) - {user_id}
        friends = (await self.friends_of([user_id]))[user_id] if wanted else []
        counts = dict.fromkeys(wanted, 0)
        if not friends:
            return counts
        these, known = {"$in": sorted(wanted)}, {"$in": friends}
        found = await self._collection.aggregate(
            [
                {
                    "$match": {
                        "$or": [
                            {"requesterId": these, "status": "accepted", "recipientId": known},
                            {"recipientId": these, "status": "accepted", "requesterId": known},
                        ]
                    }
                },
                {"$project": {"_id": 0, "ends": ["$requesterId", "$recipientId"], "requesterId": 1, "recipientId": 1}},
                {"$unwind": "$ends"},
                # A friend who is one of those asked about counts for the other end of the tie, not for itself.
                {
                    "$project": {
                        "who": "$ends",
                        "by": {"$cond": [{"$eq": ["$ends", "$requesterId"]}, "$recipientId", "$requesterId"]},
                    }
                },
                {"$match": {"who": these, "by": known}},
                {"$group": {"_id": "$who", "count": {"$sum": 1}}},
            ],
            limit=len(wanted),
        )
        return counts | {one["_id"]: one["count"] for one in found}

    async def friends_of_friends(self, user_id: str, *, limit: int) -> dict[str, int]:
        """Friends of the person's friends who are no friends yet, with the number of friends in common, most first."""
        friends = (await self.friends_of([user_id]))[user_id]
        if not friends:
            return {}
        known = {"$in": friends}
        found = await self._collection.aggregate(
            [
                {
                    "$match": {
                        "$or": [
                            {"requesterId": known, "status": "accepted"},
                            {"recipientId": known, "status": "accepted"},
                        ]
                    }
                },
                {"$limit": MAX_TIES_READ},
                {"$project": {"_id": 0, "ends": ["$requesterId", "$recipientId"]}},
                {"$unwind": "$ends"},
                {"$match": {"ends": {"$nin": [*friends, user_id]}}},
                {"$group": {"_id": "$ends", "count": {"$sum": 1}}},
                {"$sort": {"count": -1, "_id": 1}},
            ],
            limit=limit,
        )
        return {one["_id"]: one["count"] for one in found}

    async def _among(self, user_id: str, others: Several[str], where: Document) -> set[str]:
        keys = _keys(user_id, others)
        if not keys:
            return set()
        found = await self._collection.find({"_id": {"$in": keys}, **where}, fields={"_id": 1}, limit=len(keys))
        return {person for one in found for person in one["_id"].split(":")} - {user_id}


def _keys(user_id: str, others: Iterable[str]) -> list[str]:
    return [key_of(user_id, other) for other in set(others) if other != user_id]
