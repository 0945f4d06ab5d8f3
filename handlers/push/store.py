"""The named questions to the collections of targets and matters."""

import hashlib
from collections.abc import Collection as Several
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from handlers.push.models import NOTICE, Matter, Platform, Target
from storage.mongo import ASCENDING, Collection, Document, DuplicateKeyError, IndexModel, UpdateOne

TARGETS = "push_targets"
MATTERS = "push_matters"

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
            "at": now,
        }
        try:
            return await self._targets.update_one({"_id": target.session_id}, {"$set": values}, upsert=True)
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

    async def take(self, now: datetime, span: timedelta) -> Matter | None:
        """Take the matter that is due longest, hidden from the others for `span`."""
        found = await self._matters.find_and_update(
            {"due": {"$lte": now}, "until": {"$lte": now}},
            {"$set": {"due": now + span, "until": now + span}, "$inc": {"attempts": 1}},
            sort=[("due", ASCENDING)],
        )
        return _matter(found) if found else None

    async def settle(self, matter: Matter, *, pushed: int) -> None:
        """A matter was dealt with. If more has come meanwhile, it stays due as that says."""
        shown = {"pushed": pushed, "attempts": 0, "until": EVER}
        where = {"_id": matter.id, "version": matter.version}
        if not await self._matters.update_one(where, {"$set": shown, "$unset": {"due": "", "first": ""}}):
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

    async def remove(self, session_ids: Sequence[str]) -> None:
        """Forget what sessions had to hear."""
        await self._matters.delete_many({"sessionId": {"$in": list(session_ids)}})

    async def forget(self, user_id: str) -> None:
        """Forget what a person had to hear."""
        await self._matters.delete_many({"userId": user_id})


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
    )


def _matter(document: Document) -> Matter:
    return Matter(
        id=document["_id"],
        session_id=document["sessionId"],
        user_id=document["userId"],
        thread=document["conversationId"],
        seq=document["seq"],
        first=document.get("first") or document["seq"],
        pushed=document["pushed"],
        attempts=document["attempts"],
        version=document["version"],
    )
