"""What is unread, counted by brute force from nothing but the stored log and what people did."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.mongo import Mongo

Documents = list[dict[str, Any]]


@dataclass(slots=True)
class Deeds:
    """What people did that is in no log."""

    read: dict[tuple[str, str], int] = field(default_factory=dict)
    """Up to where somebody said that he has read a conversation."""
    muted: dict[tuple[str, str], datetime | None] = field(default_factory=dict)
    """What he has muted, up to when (None: without an end); joining again begins anew."""
    archived: dict[tuple[str, str], int | None] = field(default_factory=dict)
    """What he has archived, after which entry (None: for good)."""
    blocks: set[tuple[str, str]] = field(default_factory=set)
    marked: dict[tuple[str, str], int] = field(default_factory=dict)
    """After which entry he has marked what as unread; reading it, leaving and saying something there end that."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How everything stands for one person."""

    unread: Mapping[str, tuple[int, int]]
    """Unread messages and mentions, by conversation."""
    badge: int


async def logs_of(mongo: Mongo, conversations: Collection[str]) -> dict[str, Documents]:
    """The entries of conversations as they lie in the database."""
    ends = [UUID(one).bytes for one in conversations]
    where = {"$or": [{"_id": {"$gte": end + bytes(8), "$lte": end + b"\xff" * 8}} for end in ends]}
    found: dict[str, Documents] = {one: [] for one in conversations}
    for entry in await mongo.collection("log").raw.find(where).sort("_id").to_list(None):
        found[str(UUID(bytes=bytes(entry["c"])))].append(entry)
    return found


def recount(logs: Mapping[str, Documents], user: str, deeds: Deeds, now: datetime) -> Counts:
    """Everything of one person, counted again."""
    unread: dict[str, tuple[int, int]] = {}
    badge = 0
    for where, entries in logs.items():
        since = _position(entries, user, deeds.read.get((user, where), 0))
        if since is None:
            continue
        silent = {other for blocker, other in deeds.blocks if blocker == user}
        gone = {one["t"] for one in entries if _takes_away(one, user)}
        new = [one for one in entries if one["s"] > since and one["s"] not in gone]
        open_ = [one for one in new if _counts(one, user, silent, now)]
        unread[where] = len(open_), sum(user in one["b"].get("mentions", ()) for one in open_)
        marked = deeds.marked.get((user, where))
        own = [one["s"] for one in entries if _said(one) and one["u"] == user]
        open_or_marked = bool(open_) or (marked is not None and max(own, default=0) <= marked)
        muted = (user, where) in deeds.muted and ((until := deeds.muted[user, where]) is None or until > now)
        away = (user, where) in deeds.archived and not _is_back(entries, user, deeds.archived[user, where], now)
        badge += open_or_marked and not muted and not away
    return Counts(unread, badge)


def _position(entries: Iterable[dict[str, Any]], user: str, read: int) -> int | None:
    """Up to where somebody has read; None for who is no member."""
    since: int | None = None
    for entry in entries:
        body = entry["b"]
        if entry["k"] == "member" and user in body.get("users", ()):
            if body["action"] in {"created", "added"}:
                since = entry["s"]
            elif body["action"] in {"left", "removed"}:
                since = None
        elif _said(entry) and entry["u"] == user and since is not None:
            since = entry["s"]
    return None if since is None else max(since, read)


def _takes_away(entry: dict[str, Any], user: str) -> bool:
    return bool(entry["k"] == "delete" or (entry["k"] == "hide" and entry["u"] == user))


def _said(entry: dict[str, Any]) -> bool:
    """Whether somebody has said it, and not the server in his name."""
    return bool(entry["k"] == "message" and entry["b"].get("type") != "system")


def _is_back(entries: Documents, user: str, place: int | None, now: datetime) -> bool:
    """Whether what was archived is back, by something that can be seen of what was said since."""
    hidden = {one["t"] for one in entries if one["k"] == "hide" and one["u"] == user}
    return place is not None and any(
        one["k"] == "message"
        and one["s"] > place
        and one["s"] not in hidden
        and user not in one["b"].get("hiddenFrom", ())
        and (one.get("x") is None or one["x"] > now)
        and (one["u"] != user or one.get("o") is None or one["o"] > now)
        for one in entries
    )


def _counts(entry: dict[str, Any], user: str, silent: Collection[str], now: datetime) -> bool:
    return bool(
        _said(entry)
        and entry["u"] != user
        and entry["u"] not in silent
        and user not in entry["b"].get("hiddenFrom", ())
        and (entry.get("x") is None or entry["x"] > now)
    )
