"""What this process remembers of conversations: who is in them and in which role, as of an entry of the log.

A remembered state may be old: another process may have removed somebody a moment ago. It is safe all the same, because
whoever appends by it says up to where it is complete (`seq`), and the log asks back when there is a younger entry of
members or settings. Whoever reads by it compares it with the conversation's document first (`current`).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial

from handlers.chat.models.records import ConversationRecord, MemberRecord
from handlers.chat.models.rights import MEMBERS_MAY, Right
from handlers.chat.models.values import Role
from handlers.chat.store import ConversationStore, MemberStore
from server.errors import Unavailable
from server.events import Members

ATTEMPTS = 5
"""Readings of a conversation that changes all the time, before giving up."""


@dataclass(frozen=True)
class State:
    """A conversation and its members, as of the entry `seq`."""

    record: ConversationRecord
    members: Mapping[str, MemberRecord]
    """By user. What is personal in them (watermarks, archived, muted) may be old; role and sees_from are not."""

    @property
    def id(self) -> str:
        """The conversation."""
        return self.record.id

    @property
    def seq(self) -> int:
        """The last entry of members or settings that is in here."""
        return self.record.state_seq

    @cached_property
    def everybody(self) -> tuple[str, ...]:
        """All members."""
        return tuple(sorted(self.members))

    @cached_property
    def admins(self) -> tuple[str, ...]:
        """Owner and admins of a group."""
        return tuple(one for one in self.everybody if self.manages(one))

    @cached_property
    def newest(self) -> int:
        """The entry from which on everybody sees everything."""
        return max((member.sees_from for member in self.members.values()), default=0)

    @cached_property
    def request_to(self) -> str | None:
        """Who has still to accept this direct conversation; None once it is accepted, and in a group."""
        if self.record.pair is None:
            return None
        return next((member.user_id for member in self.members.values() if member.requested), None)

    def audience(self, seq: int, hidden_from: Collection[str] = ()) -> Sequence[str]:
        """Who may see the entry `seq`."""
        if seq >= self.newest and not hidden_from:
            return self.everybody
        return [
            user_id
            for user_id in self.everybody
            if self.members[user_id].sees_from <= seq and user_id not in hidden_from
        ]

    def told(self, seq: int, ids: Collection[str], *, spread: bool = False) -> Members:
        """The audience of an event of the entry `seq`. `spread`: it changes who is in the conversation."""
        return Members(self.id, seq, ids, everybody=self.everybody, spread=spread)

    def others(self, user_id: str) -> list[str]:
        """All members but one."""
        return [one for one in self.everybody if one != user_id]

    def role(self, user_id: str) -> Role | None:
        """The member's role; None for a stranger."""
        member = self.members.get(user_id)
        return member.role if member else None

    def manages(self, user_id: str) -> bool:
        """Whether the member is the owner or an admin of a group."""
        return self.record.type != "direct" and self.role(user_id) in {"owner", "admin"}

    @property
    def permissions(self) -> dict[Right, bool]:
        """What members of the group may do who are not admins."""
        return MEMBERS_MAY | dict(self.record.permissions) | {"invite": self.record.allow_invites}

    def may(self, user_id: str, right: Right, now: datetime) -> bool:
        """Whether the member may do this. In a direct conversation nothing is refused by rule."""
        if self.record.type == "direct" or self.manages(user_id):
            return True
        member = self.members.get(user_id)
        if member is None or member.denies(right, now):
            return False
        return self.permissions[right]

    def peer(self, user_id: str) -> str | None:
        """The other one in a direct conversation; None in a group."""
        if self.record.pair is None:
            return None
        one, _, other = self.record.pair.partition("/")
        return other if one == user_id else one


class States:
    """The states of the conversations used last, at most `capacity` members in all."""

    def __init__(self, conversations: ConversationStore, members: MemberStore, *, capacity: int = 100_000) -> None:
        self._conversations = conversations
        self._members = members
        self._capacity = capacity
        self._weight = 0
        self._states: OrderedDict[str, State] = OrderedDict()
        self._loading: dict[str, asyncio.Task[State | None]] = {}

    async def remembered(self, conversation_id: str) -> State | None:
        """The state as this process has it, perhaps old; read when it has none. None: there is no such conversation."""
        state = self._states.get(conversation_id)
        if state is not None:
            self._states.move_to_end(conversation_id)
            return state
        return await self._load_once(conversation_id)

    async def current(self, conversation_id: str) -> State | None:
        """The state as it is in the database now."""
        record = await self._conversations.get(conversation_id)
        return None if record is None else await self.of_record(record)

    async def of_record(self, record: ConversationRecord) -> State | None:
        """The state that belongs to a conversation's document, which was just read."""
        state = self._states.get(record.id)
        if state is not None and state.seq == record.state_seq:
            self._states.move_to_end(record.id)
            return replace(state, record=record)
        state = await self._load_once(record.id)
        if state is not None and state.seq < record.state_seq:  # that reading had begun before the document was read
            return await self._load(record.id)
        return state

    def latest(self, state: State) -> State:
        """The youngest state that this process has of the conversation, `state` or a younger one."""
        known = self._states.get(state.id)
        return known if known is not None and known.seq > state.seq else state

    async def _load_once(self, conversation_id: str) -> State | None:
        """Read a conversation, or wait for a reading that is under way."""
        running = self._loading.get(conversation_id)
        if running is None:
            running = asyncio.get_running_loop().create_task(self._load(conversation_id), context=Context())
            self._loading[conversation_id] = running
            running.add_done_callback(partial(self._loaded, conversation_id))
        return await asyncio.shield(running)

    def _loaded(self, conversation_id: str, task: asyncio.Task[State | None]) -> None:
        self._loading.pop(conversation_id, None)
        if not task.cancelled():
            task.exception()  # whoever waits has it; when nobody does it is no error that it was not fetched

    async def _load(self, conversation_id: str) -> State | None:
        before = await self._conversations.get(conversation_id)
        for _ in range(ATTEMPTS):
            if before is None:
                return None
            members = await self._members.in_conversation(conversation_id)
            after = await self._conversations.get(conversation_id)
            if after is not None and after.state_seq == before.state_seq:
                state = State(after, {member.user_id: member for member in members})
                self._keep(state)
                return state
            before = after
        raise Unavailable("This conversation is changing too fast: try again in a moment.", retry_after_ms=500)

    def _keep(self, state: State) -> None:
        known = self._states.get(state.id)
        if known is not None:
            if known.seq > state.seq:
                return
            self._weight -= len(known.members) + 1
        self._states[state.id] = state
        self._states.move_to_end(state.id)
        self._weight += len(state.members) + 1
        while self._weight > self._capacity and len(self._states) > 1:
            _, oldest = self._states.popitem(last=False)
            self._weight -= len(oldest.members) + 1
