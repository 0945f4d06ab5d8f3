"""Search in the log: messages by words, sender, kind and time, each combination from one index.

The indexes end in the order of the answer (`at`, then `_id`), so a search in up to 200 conversations merges as many
short scans and reads little more than one page, however much there is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from handlers.chat.body import LIMITED
from handlers.chat.store.index import stored
from handlers.chat.words import MARKED
from storage.log import Entry
from storage.log.entries import decode
from storage.mongo import ASCENDING, DESCENDING, Collection, Document, IndexModel

WORDS, SENDERS = "searchWords", "searchSenders"

_ORDER = (("c", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING))

SEARCH_INDEXES = (
    IndexModel(
        [("b.words", ASCENDING), *_ORDER],
        name=WORDS,
        partialFilterExpression={"k": "message", "b.words": {"$exists": True}},
    ),
    IndexModel([("u", ASCENDING), *_ORDER], name=SENDERS, partialFilterExpression={"k": "message"}),
)

SCANS = 200
"""Scans that MongoDB merges for one question; with more it would sort everything that it finds."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a search goes on: after this message in the order of time, the newest first."""

    at: datetime
    key: bytes


@dataclass(frozen=True, slots=True)
class Sought:
    """What a message must be, all of it: these words and marks, one of these senders, one of these types, this time."""

    terms: Sequence[str] = ()
    senders: Sequence[str] = ()
    types: Sequence[str] | None = None
    """None: of any type."""
    before: datetime | None = None
    since: datetime | None = None

    @property
    def marks(self) -> Sequence[str]:
        """The marks of the types, if it is them that an index shall find."""
        return marks_of(self.types or ()) if not self.terms else ()

    @property
    def index(self) -> str | None:
        """The index that answers; None when none does. A type is taken to be rarer than a sender."""
        if self.terms or self.marks:
            return WORDS
        return SENDERS if self.senders else None

    @property
    def scans(self) -> int:
        """Scans of the index for each conversation."""
        return len(self.senders) if self.index == SENDERS else max(1, len(self.marks))


def marks_of(types: Sequence[str]) -> Sequence[str]:
    """The marks by which these types are found; none, when one of them has none: text, which most messages are."""
    return [f":{one}" for one in types] if set(types) <= MARKED else []


class SearchStore:
    """Finds messages."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def find(
        self,
        sought: Sought,
        conversation_ids: Sequence[str],
        *,
        viewer: str,
        now: datetime,
        after: Spot | None,
        limit: int,
    ) -> list[tuple[Spot, Entry]]:
        """Such messages in these conversations, the newest first."""
        found: list[tuple[Spot, Entry]] = []
        at_once = max(1, SCANS // sought.scans)
        for start in range(0, len(conversation_ids), at_once):
            some = conversation_ids[start : start + at_once]
            where = having(sought, some, viewer=viewer, now=now, after=after)
            rows = await self._collection.find(where, sort=ORDER, limit=limit, hint=sought.index)
            found += [(Spot(row["at"], bytes(row["_id"])), decode(row)) for row in rows]
            if start:
                found = sorted(found, key=_place, reverse=True)[:limit]
        return found


ORDER = [("at", DESCENDING), ("_id", DESCENDING)]


def _place(found: tuple[Spot, Entry]) -> tuple[datetime, bytes]:
    return found[0].at, found[0].key


def having(
    sought: Sought, conversation_ids: Sequence[str], *, viewer: str, now: datetime, after: Spot | None
) -> Document:
    """The condition of such messages that the viewer may see, as far as the log alone can tell."""
    where: Document = {
        "c": {"$in": [stored(one) for one in conversation_ids]},
        "k": "message",
        "b.hiddenFrom": {"$nin": [viewer, *LIMITED]},
        "b.goneFor": {"$ne": viewer},
        "b.deletedAt": None,
        "b.type": {"$ne": "system"},
        "$and": [{"$or": [{"x": None}, {"x": {"$gt": now}}]}],
        # An `$or` would be planned as two scans: what is over for its sender, and what was on the page before.
        "$nor": [{"u": viewer, "o": {"$lte": now}}],
    }
    if sought.terms:
        where["b.words"] = {"$all": sorted(sought.terms, key=_rarity, reverse=True)}
    elif sought.marks:
        where["b.words"] = {"$in": list(sought.marks)}
    if sought.senders:
        where["u"] = {"$in": list(sought.senders)}
    if sought.types is not None:
        where["b.type"] = {"$in": list(sought.types)}
    times = [{"$lt": sought.before}] * (sought.before is not None) + [{"$gte": sought.since}] * (
        sought.since is not None
    )
    if after is not None:
        times.append({"$lte": after.at})
        where["$nor"].append({"at": after.at, "_id": {"$gte": after.key}})
    where["$and"] += [{"at": time} for time in times]
    return where


def _rarity(term: str) -> tuple[bool, int]:
    """The longest word is taken for the rarest; a mark is on many messages."""
    return not term.startswith(":"), len(term)
