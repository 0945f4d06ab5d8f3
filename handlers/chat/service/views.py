"""Entries of the log by the eyes of one member: what he may see of them, and how far his own messages have come."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from handlers.chat.models.messages import Delivered, Message, ReadBy
from handlers.chat.models.reading import Entry as Seen
from handlers.chat.models.records import MemberRecord
from handlers.chat.models.values import message_id
from handlers.chat.service.desk import hidden_from, unseen_by
from handlers.chat.service.lives import is_expiry
from handlers.chat.service.people import People
from handlers.chat.service.state import State
from handlers.chat.service.wire import change_of, message_of, summary_of
from handlers.chat.store import MemberStore
from handlers.chat.store.threads import ThreadStore
from server.clock import Clock
from storage.log import Entry, Log

MOST_SHARED = 100
"""Members of a group in which each sees how far the others have read."""

CHANGES = frozenset({"edit", "delete", "reaction", "vote", "close", "pin", "unpin", "hide", "card"})
LOOK_BACK = 20
"""Messages at the end of a conversation that are looked at for one that a member may see."""


@dataclass(frozen=True, slots=True)
class Eyes:
    """Somebody who looks at a conversation."""

    user_id: str
    join_seq: int
    aside: bool = True
    """Whether what was said in threads alone is wanted too."""

    def may_see(self, entry: Entry) -> bool:
        """Whether the entry is for this member at all."""
        if entry.kind == "noop" or entry.seq < self.join_seq:
            return False
        if entry.kind == "hide":
            return entry.sender == self.user_id
        if self.user_id in unseen_by(entry) or (not self.aside and "aside" in entry.body):
            return False
        return entry.kind not in CHANGES or entry.body.get("veil") in {None, self.user_id}


class Views:
    """Reads entries for members."""

    def __init__(self, log: Log, members: MemberStore, people: People, threads: ThreadStore, clock: Clock) -> None:
        self._log = log
        self._members = members
        self._people = people
        self._threads = threads
        self._clock = clock

    async def messages(self, state: State, eyes: Eyes, entries: Iterable[Entry]) -> list[Message]:
        """Messages as the member sees them, with what is in their threads; his own with their status."""
        shown = list(entries)
        own = any(entry.sender == eyes.user_id for entry in shown) and len(state.members) <= MOST_SHARED
        marks = await self.marks(state.id, eyes.user_id) if own else []
        messages = [_message(entry, eyes.user_id, marks) for entry in shown]
        return await self._with_threads(state.id, eyes, shown, messages)

    async def roots(self, user_id: str, entries: Mapping[tuple[str, int], Entry]) -> dict[tuple[str, int], Message]:
        """Messages of several conversations by their places, with what is in their threads."""
        found: dict[tuple[str, int], Message] = {}
        for conversation_id in {where[0] for where in entries}:
            some = [entry for where, entry in entries.items() if where[0] == conversation_id]
            plain = [message_of(entry, user_id) for entry in some]
            shown = await self._with_threads(conversation_id, Eyes(user_id, 0), some, plain)
            found |= {(conversation_id, one.seq): one for one in shown}
        return found

    async def _with_threads(
        self, conversation_id: str, eyes: Eyes, entries: Sequence[Entry], messages: list[Message]
    ) -> list[Message]:
        """Messages with what is in their threads; one question for all of them, and none when nobody has replied."""
        roots = [entry.seq for entry in entries if entry.marked]
        if not roots:
            return messages
        found = await self._threads.summaries(
            conversation_id, roots, viewer=eyes.user_id, since=eyes.join_seq, now=self._clock.now()
        )
        return [
            one.model_copy(update={"thread": summary_of(conversation_id, found[one.seq])}) if one.seq in found else one
            for one in messages
        ]

    async def entries(self, conversation_id: str, eyes: Eyes, entries: Sequence[Entry]) -> list[Seen]:
        """Entries for `sync`; in the place of each one that is not for the member stands a `noop`."""
        wanted = {entry.target for entry in entries if entry.kind in CHANGES and entry.target is not None}
        known = {entry.seq: entry for entry in entries}
        targets = known | await self._log.get_many(conversation_id, wanted - known.keys())
        return [self._seen(entry, eyes, targets) for entry in entries]

    async def heads(self, ids: Sequence[str]) -> dict[str, int]:
        """The last entry of each log."""
        return await self._log.heads(ids)

    async def last_messages(self, user_id: str, pairs: Sequence[tuple[State, MemberRecord]]) -> dict[str, Message]:
        """The last message in each conversation that the member may see."""
        newest = await self._log.last_messages([state.id for state, _ in pairs])
        found: dict[str, Entry] = {}
        for state, member in pairs:
            eyes = Eyes(user_id, member.sees_from)
            entry = newest.get(state.id)
            if entry is not None and user_id in unseen_by(entry):
                entry = await self._look_back(entry, eyes)
            if entry is not None and eyes.may_see(entry):
                found[state.id] = entry
        small = {state.id for state, _ in pairs if len(state.members) <= MOST_SHARED}
        own = {one for one, entry in found.items() if entry.sender == user_id and one in small}
        marks = await self._members.in_conversations(own)
        private = await self._people.private({user_id, *(one.user_id for some in marks.values() for one in some)})
        marks = {one: _open_to(user_id, some, private) for one, some in marks.items()}
        return {one: _message(entry, user_id, marks.get(one, [])) for one, entry in found.items()}

    async def marks(self, conversation_id: str, viewer: str) -> list[MemberRecord]:
        """The members with how far they have come, as far as the viewer may know that of anybody."""
        members = await self._members.in_conversation(conversation_id)
        private = await self._people.private({viewer, *(one.user_id for one in members)})
        return _open_to(viewer, members, private)

    async def put_away(self, user_id: str, members: Iterable[MemberRecord]) -> set[str]:
        """Those conversations that the member has put away and in which nothing was said to him since."""
        return await self._quiet(user_id, [(member, member.hidden_seq) for member in members if member.hidden_seq])

    async def archived(self, user_id: str, members: Iterable[MemberRecord]) -> set[str]:
        """Those conversations that the member has archived, and that nothing has brought back since."""
        archived = [member for member in members if member.archived]
        back = [(member, member.comes_back_after) for member in archived]
        kept = {member.conversation_id for member, after in back if after is None}
        return kept | await self._quiet(user_id, [(member, after) for member, after in back if after is not None])

    async def back(self, user_id: str, members: Sequence[MemberRecord]) -> dict[str, datetime | None]:
        """Of conversations that the member has archived or put away those that are back, and until when.

        Something said since has brought each back, up to when that expires (None: it does not).
        """
        coming = [one for one in members if not (one.archived and one.comes_back_after is None)]
        newest = await self._newest(user_id, coming)
        places = {
            one.conversation_id: max(one.hidden_seq, (one.comes_back_after or 0) if one.archived else 0)
            for one in coming
        }
        return {one: entry.expires_at for one, entry in newest.items() if entry.seq > places[one]}

    async def _quiet(self, user_id: str, places: Sequence[tuple[MemberRecord, int]]) -> set[str]:
        """Those conversations in which the member was said nothing after the place."""
        newest = await self._newest(user_id, [member for member, _ in places])
        return {
            member.conversation_id
            for member, place in places
            if member.conversation_id not in newest or newest[member.conversation_id].seq <= place
        }

    async def _newest(self, user_id: str, members: Sequence[MemberRecord]) -> dict[str, Entry]:
        """The newest message that was said to the member in each of these conversations."""
        newest = await self._log.last_messages([member.conversation_id for member in members])
        found: dict[str, Entry] = {}
        for member in members:
            entry, eyes = newest.get(member.conversation_id), Eyes(user_id, member.sees_from)
            if entry is not None and user_id in unseen_by(entry):
                entry = await self._look_back(entry, eyes)
            if entry is not None:
                found[member.conversation_id] = entry
        return found

    async def _look_back(self, newest: Entry, eyes: Eyes) -> Entry | None:
        before: int | None = newest.seq
        while before is not None:
            entries = await self._log.read(
                newest.conversation,
                after=eyes.join_seq - 1,
                before=before,
                limit=LOOK_BACK,
                descending=True,
                kinds=("message",),
            )
            for entry in entries:
                if eyes.may_see(entry):
                    return entry
            before = entries[-1].seq if len(entries) == LOOK_BACK else None
        return None

    def _seen(self, entry: Entry, eyes: Eyes, targets: dict[int, Entry]) -> Seen:
        if not eyes.may_see(entry):
            return _noop(entry)
        if entry.kind == "message":
            return _entry(entry, message=message_of(entry, eyes.user_id))
        if entry.kind not in CHANGES:
            return _entry(entry, data=change_of(entry).model_dump(mode="json", by_alias=True))
        target, place = targets.get(entry.target or 0), entry.target or 0
        if entry.kind == "hide" or (is_expiry(entry) and place >= eyes.join_seq):
            return _entry(entry, target=message_id(entry.conversation, place))
        if target is None or not eyes.may_see(target):
            return _noop(entry)
        return _entry(
            entry, target=message_id(entry.conversation, target.seq), message=message_of(target, eyes.user_id)
        )


def _open_to(viewer: str, members: Sequence[MemberRecord], private: Collection[str]) -> list[MemberRecord]:
    """Without those who keep it to themselves; nobody, when the viewer does."""
    return [] if viewer in private else [one for one in members if one.user_id not in private]


def _noop(entry: Entry) -> Seen:
    return Seen(seq=entry.seq, kind="noop", sender_id=None, at=entry.at)


def _entry(entry: Entry, **rest: object) -> Seen:
    return Seen.model_validate(
        {"seq": entry.seq, "kind": entry.kind, "sender_id": entry.sender or None, "at": entry.at, **rest}, by_name=True
    )


def recipients(message_seq: int, sender_id: str, members: Iterable[MemberRecord]) -> list[MemberRecord]:
    """The members a message was for."""
    return [member for member in members if member.user_id != sender_id and member.join_seq <= message_seq]


def _message(entry: Entry, viewer: str, members: Iterable[MemberRecord]) -> Message:
    """A message as the viewer sees it; his own with how far it has come."""
    message = message_of(entry, viewer)
    return with_receipts(message, entry, members) if entry.sender == viewer else message


def with_receipts(message: Message, entry: Entry, members: Iterable[MemberRecord]) -> Message:
    """A message with how far it has come. Whoever must not see it has not received it."""
    others = recipients(entry.seq, entry.sender, members)
    reached = [one for one in others if one.user_id not in hidden_from(entry)]
    read = [one for one in reached if one.shown_read_seq >= entry.seq]
    delivered = [one for one in reached if one.shown_delivered_seq >= entry.seq]
    status: Literal["sent", "delivered", "read"] = "sent"
    if others and len(read) == len(others):
        status = "read"
    elif delivered:
        status = "delivered"
    return message.model_copy(
        update={
            "status": status,
            "delivered_to": [
                Delivered(user_id=one.user_id, delivered_at=one.delivered_at) for one in delivered if one.delivered_at
            ],
            "read_by": [ReadBy(user_id=one.user_id, read_at=one.read_at) for one in read if one.read_at],
        }
    )
