"""The named questions to the collections of targets and matters."""

import hashlib
from collections.abc import Collection as Several
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from handlers.push.models import AFTER, BADGE, NOTICE, Matter, Platform, Target
from storage.mongo import ASCENDING, Collection, Document, DuplicateKeyError, IndexModel, UpdateOne

TARGETS = "push_targets"
MATTERS = "push_matters"
NODES = "push_nodes"

EVER = datetime(1970, 1, 1, tzinfo=UTC)
SHOWN = timedelta(days=30)
"""How long it is remembered what a device shows."""
MAX_EACH = 200
"""Targets of one person that are looked at: more than he can have sessions."""
_DUE = {"due": {"$exists": True}}

TARGET_INDEXES = (
    IndexModel([("userId", ASCENDING)], name="user"),
    IndexModel([("digest", ASCENDING)], name="digest", unique=True),
)
NODE_INDEXES = (IndexModel([("at", ASCENDING)], name="at"),)
MATTER_INDEXES = (
    IndexModel([("due", ASCENDING)], name="due", partialFilterExpression=_DUE),
    IndexModel([("conversationId", ASCENDING), ("userId", ASCENDING)], name="conversation"),
    IndexModel([("userId", ASCENDING)], name="user"),
    IndexModel([("sessionId", ASCENDING)], name="session"),
    IndexModel([("expiresAt", ASCENDING)], name="ttl", expireAfterSeconds=0),
)


@dataclass(frozen=True, slots=True)
class News:
    """Something that a target may have to hear of, and when it is time to see whether it must."""

    session_id: str
    user_id: str
    thread: str
    seq: int
    due: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """What a target shows of a thread is to be seen again, not before `due`; its badge not before AFTER that."""

    session_id: str
    user_id: str
    thread: str
    due: datetime


class TargetStore:
    """Where notifications go: one place for each session, and one session for each place."""

    def __init__(self, targets: Collection) -> None:
        self._targets = targets

    async def put(self, target: Target, now: datetime) -> bool:
        """Set where the notifications of a session go; whoever had that place loses it. False: try again."""
        digest = hashlib.sha256(f"{target.platform}:{target.token}".encode()).hexdigest()
        await self._targets.delete_many({"digest": digest, "_id": {"$ne": target.session_id}})
        values = {
            "userId": target.user_id,
            "deviceId": target.device_id,
            "platform": target.platform,
            "token": target.token,
            "p256dh": target.p256dh,
            "auth": target.auth,
            "digest": digest,
            "badge": target.badge,
            "at": now,
        }
        change = {"$set": values, "$inc": {"told": 1}}
        try:
            return await self._targets.update_one({"_id": target.session_id}, change, upsert=True)
        except DuplicateKeyError:
            return False

    async def get(self, session_id: str) -> Target | None:
        """The target of a session."""
        found = await self._targets.find_one({"_id": session_id})
        return _target(found) if found else None

    async def of_users(self, user_ids: Several[str]) -> list[Target]:
        """The targets of these people."""
        where = {"userId": {"$in": sorted(user_ids)}}
        return [_target(one) for one in await self._targets.find(where, limit=MAX_EACH * max(1, len(user_ids)))]

    async def badged(self, user_ids: Several[str]) -> list[Target]:
        """The targets of these people that show a number, or may."""
        where = {"userId": {"$in": sorted(user_ids)}, "badge": {"$ne": 0}}
        return [_target(one) for one in await self._targets.find(where, limit=MAX_EACH * max(1, len(user_ids)))]

    async def told(self, target: Target, badge: int) -> bool:
        """Note what a device was told. False: it was told something else at the same time, so it is not sure which."""
        where = {"_id": target.session_id, "token": target.token}
        noted: Document = {"$set": {"badge": badge}, "$inc": {"told": 1}}
        if await self._targets.update_one(where | {"told": {"$in": [target.told, None]}}, noted):
            return True
        await self._targets.update_one(where, {"$unset": {"badge": ""}, "$inc": {"told": 1}})
        return False

    async def doubt(self, session_id: str) -> None:
        """It is not known any more what a device shows."""
        await self._targets.update_one({"_id": session_id}, {"$unset": {"badge": ""}, "$inc": {"told": 1}})

    async def remove(self, session_ids: Sequence[str], *, token: str | None = None) -> None:
        """Forget the targets of sessions; with `token` only if it is still that one."""
        where: Document = {"_id": {"$in": list(session_ids)}}
        await self._targets.delete_many(where | ({"token": token} if token is not None else {}))

    async def forget(self, user_id: str) -> None:
        """Forget the targets of a person."""
        await self._targets.delete_many({"userId": user_id})


class MatterStore:
    """What targets still have to hear: one document for each target and thread, taken by one worker at a time."""

    def __init__(self, matters: Collection) -> None:
        self._matters = matters

    async def add(self, news: Iterable[News], now: datetime) -> None:
        """Note what happened. What waits already is not put off, and one that is being worked on comes again."""
        await self._matters.write(
            [
                UpdateOne(
                    {"_id": f"{one.session_id}/{one.thread}"},
                    {
                        "$max": {"seq": one.seq},
                        "$min": {"due": one.due, "first": one.seq},
                        "$inc": {"version": 1},
                        "$set": {"expiresAt": now + SHOWN},
                        "$setOnInsert": {
                            "sessionId": one.session_id,
                            "userId": one.user_id,
                            "conversationId": one.thread,
                            "notice": one.thread.startswith(NOTICE),
                            "pushed": 0,
                            "attempts": 0,
                            "until": EVER,
                        },
                    },
                    upsert=True,
                )
                for one in news
            ],
            ordered=False,
        )

    async def look(self, looks: Iterable[Look], now: datetime) -> None:
        """See what devices show: of a conversation, if they may show something of it, or their badge."""
        await self._matters.write([_look(one, now) for one in looks], ordered=False)

    async def look_at_all(self, user_id: str, now: datetime) -> None:
        """See again everything that the devices of a person show."""
        await self._look_again({"userId": user_id}, now, now)

    async def look_again(self, conversation_id: str, user_id: str | None, now: datetime, soon: datetime) -> None:
        """See again what devices (of one person, or of all) show of a conversation: now, or soon what waits already."""
        where: Document = {"conversationId": conversation_id}
        if user_id is not None:
            where["userId"] = user_id
        await self._look_again(where, now, soon)

    async def look_at_notices(self, user_id: str, now: datetime) -> None:
        """See again what a person's devices show of notices."""
        await self._look_again({"userId": user_id, "notice": True}, now, now)

    async def _look_again(self, where: Document, now: datetime, soon: datetime) -> None:
        again: Document = {"$inc": {"version": 1}}
        await self._matters.update_many(where | {"due": {"$exists": True}}, again | {"$min": {"due": soon}})
        await self._matters.update_many(where | {"due": {"$exists": False}}, again | {"$set": {"due": now}})

    async def known(self, news: Several[News]) -> set[tuple[str, str, int]]:
        """Those of these (by session, thread and seq) that are noted already."""
        keys = {f"{one.session_id}/{one.thread}" for one in news}
        found = await self._matters.find({"_id": {"$in": sorted(keys)}}, limit=max(1, len(keys))) if keys else []
        upto = {one["_id"]: one["seq"] for one in found}
        return {
            (one.session_id, one.thread, one.seq)
            for one in news
            if upto.get(f"{one.session_id}/{one.thread}", 0) >= one.seq
        }

    async def take(self, now: datetime, span: timedelta) -> Matter | None:
        """Take the matter that is due longest, hidden from the others for `span`."""
        found = await self._matters.find_and_update(
            {"due": {"$lte": now}, "until": {"$lte": now}},
            {"$set": {"due": now + span, "until": now + span}, "$inc": {"attempts": 1}},
            sort=[("due", ASCENDING)],
        )
        return _matter(found) if found else None

    async def settle(self, matter: Matter, *, pushed: int, again: datetime | None = None) -> None:
        """A matter was dealt with, up to then if it is to be seen `again`. If more has come meanwhile, it stays due."""
        shown: Document = {"pushed": pushed, "attempts": 0, "until": EVER}
        over: Document = {"$set": shown, "$unset": {"due": "", "first": ""}}
        if again is not None:
            over = {"$set": shown | {"due": again}, "$max": {"expiresAt": again + SHOWN}, "$unset": {"first": ""}}
        if not await self._matters.update_one({"_id": matter.id, "version": matter.version}, over):
            await self._matters.update_one({"_id": matter.id}, {"$set": shown})

    async def drop(self, matter: Matter) -> None:
        """There is nothing (more) to hear or to show; what has come meanwhile stays."""
        if not await self._matters.delete_one({"_id": matter.id, "version": matter.version}):
            change = {"$set": {"pushed": 0, "attempts": 0, "until": EVER}}
            await self._matters.update_one({"_id": matter.id}, change)

    async def delay(self, matter: Matter, until: datetime, *, first: int | None = None) -> None:
        """Not before then; with `first`, because only what came from there on still waits, which is no failure."""
        change: Document = {"until": until} | ({} if first is None else {"first": first, "attempts": 0})
        where = {"_id": matter.id, "version": matter.version}
        if not await self._matters.update_one(where, {"$set": change | {"due": until}}):
            await self._matters.update_one({"_id": matter.id}, {"$set": {"until": until}})

    async def put_back(self, matter: Matter, until: datetime) -> None:
        """It was not worked on, for something else is being told to the same device: not before then."""
        where, off = {"_id": matter.id, "version": matter.version}, {"$inc": {"attempts": -1}}
        if not await self._matters.update_one(where, off | {"$set": {"until": until, "due": until}}):
            await self._matters.update_one({"_id": matter.id}, off | {"$set": {"until": until}})

    async def remove(self, session_ids: Sequence[str]) -> None:
        """Forget what sessions had to hear."""
        await self._matters.delete_many({"sessionId": {"$in": list(session_ids)}})

    async def forget(self, user_id: str) -> None:
        """Forget what a person had to hear."""
        await self._matters.delete_many({"userId": user_id})


class NodeStore:
    """The processes that note what devices must hear of, and when each gave its last sign of life."""

    def __init__(self, nodes: Collection) -> None:
        self._nodes = nodes

    async def lives(self, node: str, now: datetime) -> None:
        """A process lives, and has noted everything up to now."""
        await self._nodes.update_one({"_id": node}, {"$set": {"at": now}, "$unset": {"until": ""}}, upsert=True)

    async def take_dead(self, before: datetime, now: datetime, span: timedelta) -> tuple[str, datetime] | None:
        """Take a process that has given no sign of life since `before`, hidden from others for `span`; and its last."""
        where = {"at": {"$lte": before}, "$or": [{"until": None}, {"until": {"$lte": now}}]}
        found = await self._nodes.find_and_update(where, {"$set": {"until": now + span}}, sort=[("at", ASCENDING)])
        return None if found is None else (found["_id"], found["at"])

    async def ended(self, node: str) -> None:
        """A process has ended, and nothing is left to make up for."""
        await self._nodes.delete_one({"_id": node})


def _target(document: Document) -> Target:
    platform: Platform = document["platform"]
    return Target(
        session_id=document["_id"],
        user_id=document["userId"],
        device_id=document["deviceId"],
        platform=platform,
        token=document["token"],
        p256dh=document["p256dh"],
        auth=document["auth"],
        badge=document.get("badge"),
        told=document.get("told", 0),
    )


def _look(one: Look, now: datetime) -> UpdateOne:
    due = one.due + AFTER if one.thread == BADGE else one.due
    key, look = f"{one.session_id}/{one.thread}", {"$inc": {"version": 1}, "$min": {"due": due}}
    if one.thread != BADGE:
        return UpdateOne({"_id": key, "$or": [{"pushed": {"$gt": 0}}, {"due": {"$exists": True}}]}, look)
    fresh = {
        "sessionId": one.session_id,
        "userId": one.user_id,
        "conversationId": BADGE,
        "notice": False,
        "seq": 0,
        "pushed": 0,
        "attempts": 0,
        "until": EVER,
    }
    lasting = {"expiresAt": max(now, one.due) + SHOWN}
    return UpdateOne({"_id": key}, look | {"$max": lasting, "$setOnInsert": fresh}, upsert=True)


def _matter(document: Document) -> Matter:
    return Matter(
        id=document["_id"],
        session_id=document["sessionId"],
        user_id=document["userId"],
        thread=document["conversationId"],
        seq=document["seq"],
        first=document.get("first"),
        pushed=document["pushed"],
        attempts=document["attempts"],
        version=document["version"],
    )
