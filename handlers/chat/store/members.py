"""Named questions to the collection of members: who is in which conversation, and how far he has read."""

from collections.abc import Collection as Several
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic.alias_generators import to_camel

from handlers.chat.models.records import MemberRecord
from handlers.chat.models.values import Role
from handlers.chat.store.conversations import Effect
from storage.mongo import ASCENDING, Collection, Document, IndexModel, UpdateMany, UpdateOne

MEMBERS = "members"

MAX_CONVERSATIONS = 10_000
"""Conversations of one person that any question looks at."""
MAX_MEMBERS = 2_000
"""More than any conversation can have: the bound of reads that want all members."""

LARGE = "large"

MEMBER_INDEXES = (
    IndexModel([("conversationId", ASCENDING), ("active", ASCENDING), ("joinSeq", ASCENDING)], name="conversation"),
    IndexModel([("userId", ASCENDING), ("active", ASCENDING)], name="user"),
    IndexModel(
        [("userId", ASCENDING), ("conversationId", ASCENDING)],
        name=LARGE,
        partialFilterExpression={"large": True, "active": True},
    ),
)

_FIELDS = {field.name: to_camel(field.name) for field in fields(MemberRecord)}
_STAYING = frozenset({"denied", "denied_until", "silent_until", "asked"})
"""What leaving and coming back does not end."""


def member_key(conversation_id: str, user_id: str) -> str:
    """The `_id` of a member: a person is in a conversation at most once."""
    return f"{conversation_id}/{user_id}"


def _member(document: Document) -> MemberRecord:
    return MemberRecord(**{name: document[stored] for name, stored in _FIELDS.items() if stored in document})


def in_large(user_ids: Iterable[str]) -> Document:
    """The condition of these people's places in large conversations."""
    return {"userId": {"$in": sorted(user_ids)}, "large": True, "active": True}


@dataclass(frozen=True, slots=True)
class Mark:
    """Up to where somebody has read and received; what is not `shown`, the others do not learn."""

    conversation_id: str
    user_id: str
    read: int
    delivered: int
    shown: bool = True
    said_at: datetime | None = None
    """Of a message that only its sender sees: when it was said."""
    begins: bool = False
    """Whether there may be messages whose timer begins with this reading."""
    opened: bool = False
    """Whether the conversation was opened for reading: then it is not marked as unread any more, wherever it was read.
    Who only says something ends a mark that is older than what he says."""


class MemberStore:
    """Who is in which conversation, and how far he has read."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def get(self, conversation_id: str, user_id: str) -> MemberRecord | None:
        """The member; None for a stranger and for one who has left."""
        document = await self._collection.find_one({"_id": member_key(conversation_id, user_id), "active": True})
        return _member(document) if document else None

    async def in_conversation(self, conversation_id: str) -> list[MemberRecord]:
        """The members of a conversation, the oldest first."""
        documents = await self._collection.find(
            {"conversationId": conversation_id, "active": True}, sort=[("joinSeq", ASCENDING)], limit=MAX_MEMBERS
        )
        return [_member(document) for document in documents]

    async def in_conversations(self, ids: Several[str]) -> dict[str, list[MemberRecord]]:
        """The members of several conversations that have few."""
        found: dict[str, list[MemberRecord]] = {one: [] for one in ids}
        if ids:
            where = {"conversationId": {"$in": sorted(ids)}, "active": True}
            for document in await self._collection.find(where, limit=MAX_MEMBERS * len(ids)):
                found[document["conversationId"]].append(_member(document))
        return found

    async def of_user(self, user_id: str) -> list[MemberRecord]:
        """Every conversation that the person is a member of."""
        documents = await self._collection.find({"userId": user_id, "active": True}, limit=MAX_CONVERSATIONS)
        return [_member(document) for document in documents]

    async def of_user_among(self, user_id: str, conversation_ids: Iterable[str]) -> dict[str, MemberRecord]:
        """The person as a member of those of these conversations that he is in."""
        keys = [member_key(one, user_id) for one in conversation_ids]
        if not keys:
            return {}
        documents = await self._collection.find({"_id": {"$in": keys}, "active": True}, limit=len(keys))
        return {document["conversationId"]: _member(document) for document in documents}

    async def many(self, keys: Several[str]) -> dict[str, MemberRecord | None]:
        """The members with these keys (see `member_key`), each None when there is no such member."""
        documents = await self._collection.find({"_id": {"$in": list(keys)}, "active": True}, limit=len(keys))
        return dict.fromkeys(keys) | {document["_id"]: _member(document) for document in documents}

    async def large_of(self, user_ids: Several[str]) -> dict[str, list[str]]:
        """Of each of these people: the large conversations that he is a member of."""
        found: dict[str, list[str]] = {one: [] for one in user_ids}
        where = in_large(found)
        wanted = {"_id": 0, "userId": 1, "conversationId": 1}
        limit = MAX_CONVERSATIONS * max(1, len(found))
        for document in await self._collection.find(where, fields=wanted, limit=limit, hint=LARGE):
            found[document["userId"]].append(document["conversationId"])
        return found

    def joining(
        self,
        conversation_id: str,
        roles: Mapping[str, Role],
        *,
        seq: int,
        at: datetime,
        large: bool,
        history: bool = False,
        asked: str | None = None,
    ) -> list[Effect]:
        """The writes that make people members from the entry `seq` on, also those who were members before.

        `history`: they may see what was said before, too. `asked` is the one of them to whom the conversation is a
        request: it is not listed before something is said.
        """
        writes: list[Effect] = []
        for user_id, role in roles.items():
            fresh = MemberRecord(
                conversation_id,
                user_id,
                role,
                join_seq=seq,
                joined_at=at,
                read_seq=seq,
                delivered_seq=seq,
                shown_read_seq=seq,
                shown_delivered_seq=seq,
                large=large,
                seen_from=1 if history else None,
                requested=user_id == asked,
                hidden_seq=seq if user_id == asked else 0,
            )
            document = {stored: getattr(fresh, name) for name, stored in _FIELDS.items() if name not in _STAYING}
            key = {"_id": member_key(conversation_id, user_id)}
            writes.append((MEMBERS, UpdateOne(key, {"$set": document}, upsert=True)))
        return writes

    def leaving(self, conversation_id: str, user_ids: Several[str], *, seq: int, removed: bool = False) -> Effect:
        """The write by which these are no longer members, as of the entry `seq`."""
        keys = [member_key(conversation_id, user_id) for user_id in user_ids]
        return MEMBERS, UpdateMany(
            {"_id": {"$in": keys}}, {"$set": {"active": False, "leftSeq": seq, "removed": removed}}
        )

    def sizing(self, conversation_id: str, *, large: bool) -> Effect:
        """The write that notes with every member whether the conversation is large."""
        return MEMBERS, UpdateMany({"conversationId": conversation_id, "active": True}, {"$set": {"large": large}})

    def ranking(self, conversation_id: str, roles: Mapping[str, Role]) -> list[Effect]:
        """The writes that give members these roles."""
        return [
            (MEMBERS, UpdateOne({"_id": member_key(conversation_id, user_id)}, {"$set": {"role": role}}))
            for user_id, role in roles.items()
        ]

    def accepting(self, conversation_id: str, user_id: str) -> Effect:
        """The write after which a conversation is no request to this member any more."""
        open_ = {"requested": False, "ignored": False, "hiddenSeq": 0}
        return MEMBERS, UpdateOne({"_id": member_key(conversation_id, user_id)}, {"$set": open_})

    async def ask(self, conversation_id: str, user_id: str, turn: str) -> bool:
        """Note the one message of somebody who is not accepted, in one step for all processes. False: it is another."""
        key = {"_id": member_key(conversation_id, user_id)}
        return await self._collection.update_one(key | {"asked": {"$in": [None, turn]}}, {"$set": {"asked": turn}})

    async def ask_no_more(self, conversation_id: str, user_id: str, turn: str) -> None:
        """Undo what `ask` noted."""
        key = {"_id": member_key(conversation_id, user_id)}
        await self._collection.update_one(key | {"asked": turn}, {"$set": {"asked": None}})

    async def was_removed(self, conversation_id: str, user_id: str) -> bool:
        """Whether an admin ended the person's membership, and nobody has added him since."""
        where = {"_id": member_key(conversation_id, user_id), "removed": True}
        return await self._collection.find_one(where, fields={"_id": 1}) is not None

    def restricting(self, conversation_id: str, user_id: str, denied: Sequence[str], until: datetime | None) -> Effect:
        """The write that sets what a member may not do."""
        values = {"denied": list(denied), "deniedUntil": until, "silentUntil": None}
        return MEMBERS, UpdateOne({"_id": member_key(conversation_id, user_id)}, {"$set": values})

    def silencing(self, conversation_id: str, user_id: str, until: datetime) -> Effect:
        """The write that lets a member do nothing until then."""
        return MEMBERS, UpdateOne({"_id": member_key(conversation_id, user_id)}, {"$set": {"silentUntil": until}})

    async def take_turn(
        self, conversation_id: str, user_id: str, turn: str, *, now: datetime, span: timedelta
    ) -> datetime | None:
        """Take a member's turn to speak, in one step for all processes. None: it is his, now or since an earlier try.

        Otherwise the time of his last turn, which was less than `span` ago.
        """
        key = {"_id": member_key(conversation_id, user_id)}
        free = {"$or": [{"turnAt": None}, {"turnAt": {"$lte": now - span}}]}
        if await self._collection.update_one(key | free, {"$set": {"turnAt": now, "turn": turn}}):
            return None
        found = await self._collection.find_one(key, fields={"turnAt": 1, "turn": 1})
        if found is None or found.get("turn") == turn:
            return None
        last: datetime = found["turnAt"]
        return last

    async def prefer(self, conversation_id: str, user_id: str, values: Mapping[str, Any]) -> MemberRecord | None:
        """Set what concerns the member alone; the member afterwards, or None for a stranger."""
        where = {"_id": member_key(conversation_id, user_id), "active": True}
        stored = {_FIELDS[name]: value for name, value in values.items()}
        document = await self._collection.find_and_update(where, {"$set": stored})
        return _member(document) if document else None

    async def advance(self, mark: Mark, *, at: datetime) -> tuple[MemberRecord, MemberRecord] | None:
        """Move a member's watermarks forward, never back; the member before and after. None for a stranger."""
        where = {"_id": member_key(mark.conversation_id, mark.user_id), "active": True}
        document = await self._collection.find_and_update(where, _forward(mark, at), before=True)
        if document is None:
            return None
        before = _member(document)
        return before, _moved(before, mark, at)

    async def mark_unread(self, conversation_id: str, user_id: str, *, head: int) -> MemberRecord | None:
        """Note that the member marks the conversation as unread; the member afterwards, None for a stranger."""
        where = {"_id": member_key(conversation_id, user_id), "active": True}
        document = await self._collection.find_and_update(where, {"$set": {"unreadSeq": head}})
        return _member(document) if document else None

    async def advance_many(self, marks: Iterable[Mark], *, at: datetime) -> None:
        """Move the watermarks of many members; one who joined only after the mark stays as he is."""
        await self._collection.write(
            [
                UpdateOne(
                    {
                        "_id": member_key(mark.conversation_id, mark.user_id),
                        "active": True,
                        "joinSeq": {"$lte": mark.delivered},
                    },
                    _forward(mark, at),
                )
                for mark in marks
            ],
            ordered=False,
        )


def _forward(mark: Mark, at: datetime) -> list[dict[str, Any]]:
    values: dict[str, Any] = {}
    for name, to in (("read", mark.read), ("delivered", mark.delivered)):
        values[f"{name}Seq"] = {"$max": [f"${name}Seq", to]}
        values[f"{name}At"] = {"$cond": [{"$lt": [f"${name}Seq", to]}, at, f"${name}At"]}
        if mark.shown:
            shown = f"shown{name.capitalize()}Seq"
            values[shown] = {"$max": [f"${shown}", to]}
    if mark.opened:
        values["unreadSeq"] = 0
    elif mark.read:
        values["unreadSeq"] = {"$cond": [{"$lt": ["$unreadSeq", mark.read]}, 0, "$unreadSeq"]}
    if mark.said_at is not None:
        values["saidAt"] = {"$max": ["$saidAt", mark.said_at]}
    return [{"$set": values}]


def _moved(before: MemberRecord, mark: Mark, at: datetime) -> MemberRecord:
    return replace(
        before,
        read_seq=max(before.read_seq, mark.read),
        read_at=at if mark.read > before.read_seq else before.read_at,
        delivered_seq=max(before.delivered_seq, mark.delivered),
        delivered_at=at if mark.delivered > before.delivered_seq else before.delivered_at,
        shown_read_seq=max(before.shown_read_seq, mark.read if mark.shown else 0),
        shown_delivered_seq=max(before.shown_delivered_seq, mark.delivered if mark.shown else 0),
        unread_seq=0 if mark.opened or before.unread_seq < mark.read else before.unread_seq,
    )
