"""What is kept of notices: the lists, the preferences, and to whom a letter is due."""

from datetime import datetime, timedelta
from typing import Any

from crypto.ids import new_id
from handlers.notices.models import Due, Happening, Kept, NoticeWishes, Subject
from storage.mongo import ASCENDING, DESCENDING, Collection, Document, DuplicateKeyError, IndexModel

NOTICES = (
    IndexModel([("userId", ASCENDING), ("position", DESCENDING)], name="all"),
    IndexModel([("userId", ASCENDING), ("inApp", ASCENDING), ("position", DESCENDING)], name="list"),
    IndexModel(
        [("userId", ASCENDING), ("inApp", ASCENDING), ("read", ASCENDING), ("position", DESCENDING)], name="unread"
    ),
    IndexModel(
        [("userId", ASCENDING), ("open", ASCENDING)],
        name="open",
        unique=True,
        partialFilterExpression={"open": {"$exists": True}},
    ),
    IndexModel([("events", ASCENDING), ("userId", ASCENDING)], name="event"),
    IndexModel([("actors", ASCENDING)], name="actor"),
    IndexModel([("updatedAt", ASCENDING)], name="age"),
    IndexModel(
        [("userId", ASCENDING), ("mail", ASCENDING), ("position", DESCENDING)],
        name="mail",
        partialFilterExpression={"mail": {"$exists": True}},
    ),
)
MAIL = (IndexModel([("at", ASCENDING)], name="due"),)

ACTORS = 3
EVENTS_REMEMBERED = 20
"""Events by which a notice knows what it has counted."""
ATTEMPTS = 5


class NoticeStore:
    """The lists of everybody."""

    def __init__(self, notices: Collection) -> None:
        self._notices = notices

    async def add(
        self, one: Happening, *, in_app: bool, mail: bool, now: datetime, since: datetime
    ) -> tuple[Kept, bool] | None:
        """Count what happened, and whether it made a notice of its own; None when it was counted before.

        It joins the open notice of its key when that is not older than `since`.
        """
        for _ in range(ATTEMPTS):
            joined = await self._join(one, in_app=in_app, mail=mail, now=now, since=since)
            if joined is not None:
                return joined, False
            if await self._notices.find_one({"events": one.event_id, "userId": one.user_id}, fields={"_id": 1}):
                return None
            await self._notices.update_one({"userId": one.user_id, "open": one.key}, {"$unset": {"open": ""}})
            made = _new(one, in_app=in_app, mail=mail, now=now)
            try:
                await self._notices.insert(made)
            except DuplicateKeyError:
                continue  # another process opened one at the same moment
            return _kept(made), True
        raise RuntimeError(f"a notice found no place in {ATTEMPTS} attempts")

    async def trim(self, user_id: str, *, most: int) -> None:
        """Drop the oldest notices of a person beyond the newest `most`."""
        if await self._notices.count({"userId": user_id}, limit=most + 1) <= most:
            return
        newest = [("position", DESCENDING)]
        last = await self._notices.find(
            {"userId": user_id}, sort=newest, skip=most - 1, limit=1, fields={"position": 1}
        )
        if last:
            await self._notices.delete_many({"userId": user_id, "position": {"$lt": last[0]["position"]}})

    async def listed(self, user_id: str, *, unread: bool, before: str | None, limit: int) -> list[Kept]:
        """A person's notices, the topmost first."""
        where: Document = {"userId": user_id, "inApp": True}
        if unread:
            where["read"] = False
        if before is not None:
            where["position"] = {"$lt": before}
        return [_kept(one) for one in await self._notices.find(where, sort=[("position", DESCENDING)], limit=limit)]

    async def unread(self, user_id: str, *, upto: int) -> int:
        """How many of a person's notices are unread, counted no further than `upto`."""
        return await self._notices.count({"userId": user_id, "inApp": True, "read": False}, limit=upto)

    async def read(self, user_id: str, notice_id: str) -> bool | None:
        """Note that a person has read a notice: whether it was unread; None when he has no such notice."""
        mine = {"_id": notice_id, "userId": user_id, "inApp": True}
        if await self._notices.update_one({**mine, "read": False}, _READ):
            return True
        return False if await self._notices.find_one(mine, fields={"_id": 1}) else None

    async def read_all(self, user_id: str, *, up_to: str | None) -> int:
        """Note that a person has read all notices up to a position; how many were unread."""
        where: Document = {"userId": user_id, "inApp": True, "read": False}
        if up_to is not None:
            where["position"] = {"$lte": up_to}
        return await self._notices.update_many(where, _READ)

    async def get(self, user_id: str, notice_id: str) -> tuple[Kept, bool] | None:
        """A person's notice, and whether it is in the list of the app; None when there is none."""
        found = await self._notices.find_one({"_id": notice_id, "userId": user_id})
        return (_kept(found), bool(found["inApp"])) if found else None

    async def to_mail(self, user_id: str, *, most: int, limit: int) -> tuple[list[Kept], int]:
        """What of a person's notices is to be mailed, the latest first, and how many there are in all."""
        where = {"userId": user_id, "mail": True}
        found = await self._notices.find(where, sort=[("position", DESCENDING)], limit=most)
        return [_kept(one) for one in found], await self._notices.count(where, limit=limit)

    async def mailed(self, user_id: str, *, up_to: str) -> None:
        """Note that everything up to a position was mailed, or shall not be."""
        where = {"userId": user_id, "mail": True, "position": {"$lte": up_to}}
        await self._notices.update_many(where, {"$unset": {"mail": ""}})

    async def expire(self, before: datetime) -> int:
        """Drop what happened before a moment; how many notices."""
        return await self._notices.delete_many({"updatedAt": {"$lt": before}})

    async def without(self, actor: str, user_id: str | None = None) -> set[str]:
        """Take a person out of everybody's notices, or one's; whose notices were touched (at most 1,000)."""
        where: Document = {"actors": actor} | ({"userId": user_id} if user_id is not None else {})
        touched = {one["userId"] for one in await self._notices.find(where, fields={"userId": 1}, limit=1_000)}
        await self._notices.delete_many({**where, "actors": [actor]})
        await self._notices.update_many(where, {"$pull": {"actors": actor}, "$inc": {"count": -1}})
        return touched

    async def forget(self, user_id: str) -> None:
        """Drop a person's notices."""
        await self._notices.delete_many({"userId": user_id})

    async def _join(self, one: Happening, *, in_app: bool, mail: bool, now: datetime, since: datetime) -> Kept | None:
        where = {
            "userId": one.user_id,
            "open": one.key,
            "inApp": in_app,
            "updatedAt": {"$gte": since},
            "events": {"$ne": one.event_id},
        }
        others: Document = {"$filter": {"input": "$actors", "cond": {"$ne": ["$$this", one.actor]}}}
        first = [one.actor] if one.actor else []
        change: Document = {
            "position": new_id(),
            "updatedAt": now,
            "count": {"$add": ["$count", 1]},
            "actors": {"$slice": [{"$concatArrays": [first, others]}, ACTORS]},
            "events": {"$slice": [{"$concatArrays": [[one.event_id], "$events"]}, EVENTS_REMEMBERED]},
            "subject": {"$literal": _subject(one.subject)},
        }
        if mail:
            change["mail"] = True
        found = await self._notices.find_and_update(where, [{"$set": change}])
        return _kept(found) if found else None


_READ: Document = {"$set": {"read": True}, "$unset": {"open": "", "mail": ""}}


class PreferenceStore:
    """How everybody wants to be told."""

    def __init__(self, preferences: Collection) -> None:
        self._preferences = preferences

    async def of(self, user_id: str) -> NoticeWishes:
        """A person's preferences; the defaults when none are set."""
        found = await self._preferences.find_one({"_id": user_id})
        return NoticeWishes.model_validate(found or {})

    async def change(self, user_id: str, values: dict[str, Any]) -> NoticeWishes:
        """Set some by their paths on the wire, such as `kinds.sign_in.email`; all as they are now."""
        found = await self._preferences.find_and_update({"_id": user_id}, {"$set": values}, upsert=True)
        return NoticeWishes.model_validate(found or {})

    async def forget(self, user_id: str) -> None:
        """Drop a person's preferences."""
        await self._preferences.delete_one({"_id": user_id})


class MailStore:
    """To whom a letter is due, and when."""

    def __init__(self, mail: Collection) -> None:
        self._mail = mail

    async def plan(self, user_id: str, at: datetime) -> None:
        """A letter is due at that moment, or before if one is planned already."""
        await self._mail.update_one(
            {"_id": user_id}, {"$min": {"at": at}, "$setOnInsert": {"attempts": 0}}, upsert=True
        )

    async def take(self, now: datetime, hold: timedelta) -> Due | None:
        """Somebody to whom a letter is due; nobody else takes him for the time of `hold`."""
        where = {"at": {"$lte": now}}
        change = {"$set": {"at": now + hold}, "$inc": {"attempts": 1}}
        found = await self._mail.find_and_update(where, change, sort=[("at", ASCENDING)])
        return Due(user_id=found["_id"], attempts=found["attempts"]) if found else None

    async def done(self, due: Due, taken_until: datetime) -> None:
        """Nothing is due to that person any more, unless something was planned meanwhile."""
        if not await self._mail.delete_one({"_id": due.user_id, "at": {"$gte": taken_until}}):
            await self._mail.update_one({"_id": due.user_id}, {"$set": {"attempts": 0}})

    async def again(self, due: Due, at: datetime) -> None:
        """Try once more at that moment."""
        await self._mail.update_one({"_id": due.user_id}, {"$set": {"at": at}})

    async def forget(self, user_id: str) -> None:
        """Nothing is due to that person."""
        await self._mail.delete_one({"_id": user_id})


def _new(one: Happening, *, in_app: bool, mail: bool, now: datetime) -> Document:
    document: Document = {
        "_id": new_id(),
        "userId": one.user_id,
        "position": new_id(),
        "kind": one.kind,
        "open": one.key,
        "inApp": in_app,
        "count": 1,
        "actors": [one.actor] if one.actor else [],
        "events": [one.event_id],
        "subject": _subject(one.subject),
        "read": False,
        "createdAt": now,
        "updatedAt": now,
    }
    return document | ({"mail": True} if mail else {})


def _subject(subject: Subject) -> Document:
    return subject.model_dump(by_alias=True, exclude_none=True)


def _kept(found: Document) -> Kept:
    return Kept(
        id=found["_id"],
        user_id=found["userId"],
        position=found["position"],
        kind=found["kind"],
        count=found["count"],
        actors=found["actors"],
        subject=Subject.model_validate(found["subject"]),
        read=found["read"],
        created_at=found["createdAt"],
        updated_at=found["updatedAt"],
    )
