"""`sync`: what somebody missed, without a hole, or with a plain word that there is more.

When a process has died thousands come at the same moment, most of them to the same few conversations: they ask the
database together.
"""

import asyncio
from collections.abc import Mapping, Sequence

from handlers.chat.models.conversations import Conversation
from handlers.chat.models.reading import MAX_SYNC_EACH, Missed, Sync, Synced
from handlers.chat.models.records import MemberRecord
from handlers.chat.service.state import States
from handlers.chat.service.views import Eyes, Views
from handlers.chat.service.wire import conversation_of
from handlers.chat.store import ConversationStore, MemberStore
from handlers.chat.store.members import member_key
from server.actors import Actor
from server.together import Together
from storage.log import Entry, Log

MAX_JOINED = 100
"""Conversations in one answer that the one who asks did not name."""
RANGES = 16
"""Readings of the log that are under way at once for all who ask."""
FEW = 8
"""Who names up to so many conversations asks together with others."""

_Range = tuple[str, int, int, int]
"""A conversation, after which entry, before which, and how many at most."""


class Resume:
    """Answers `sync`."""

    def __init__(
        self, *, log: Log, states: States, conversations: ConversationStore, members: MemberStore, views: Views
    ) -> None:
        self._log = log
        self._states = states
        self._conversations = conversations
        self._members = members
        self._views = views
        self._together = Together(members.many)
        self._heads = Together(log.heads)
        self._entries = Together(self._ranges, most=RANGES)

    async def missed(self, actor: Actor, wanted: Sync) -> Synced:
        """Go through the conversations in the order of their ids, as far as the limits reach.

        Whoever asks is connected already, so what is said meanwhile arrives live: nothing falls between.
        """
        named = wanted.conversations
        mine = await self._mine(actor, wanted)
        walk = sorted(one for one in {*named, *mine} if wanted.cursor is None or one > wanted.cursor)
        heads = await self._heads_of([one for one in walk if one in named and one in mine])
        answer = _Answer(room=wanted.limit)
        for conversation_id in walk:
            if answer.room <= 0 or len(answer.unnamed) >= MAX_JOINED:
                answer.limited = True
                break
            member = mine.get(conversation_id)
            if member is None:
                answer.left.append(conversation_id)
            elif conversation_id not in named:
                answer.unnamed.append(conversation_id)
            elif heads[conversation_id] > named[conversation_id]:
                missed = await self._read(member, named[conversation_id], heads[conversation_id], answer.room)
                answer.take(missed)
            answer.last = conversation_id
        return Synced(
            conversations=answer.missed,
            joined=await self._joined(actor.user_id, answer.unnamed, mine),
            left=answer.left,
            limited=answer.limited,
            cursor=answer.last if answer.limited else None,
        )

    async def _mine(self, actor: Actor, wanted: Sync) -> Mapping[str, MemberRecord]:
        named = dict(await self._named(actor.user_id, list(wanted.conversations)))
        if wanted.only:
            return named
        return {member.conversation_id: member for member in await self._members.of_user(actor.user_id)} | named

    async def _named(self, user_id: str, conversation_ids: Sequence[str]) -> Mapping[str, MemberRecord]:
        if len(conversation_ids) > FEW:
            return await self._members.of_user_among(user_id, conversation_ids)
        found = await asyncio.gather(*(self._together(member_key(one, user_id)) for one in conversation_ids))
        return {member.conversation_id: member for member in found if member is not None}

    async def _heads_of(self, conversation_ids: Sequence[str]) -> Mapping[str, int]:
        if len(conversation_ids) > FEW:
            return await self._log.heads(conversation_ids)
        heads = await asyncio.gather(*map(self._heads, conversation_ids))
        return dict(zip(conversation_ids, heads, strict=True))

    async def _ranges(self, ranges: Sequence[_Range]) -> Mapping[_Range, Sequence[Entry]]:
        found = await asyncio.gather(
            *(self._log.read(one, after=after, before=before, limit=limit) for one, after, before, limit in ranges)
        )
        return dict(zip(ranges, found, strict=True))

    async def _read(self, member: MemberRecord, after: int, head: int, room: int) -> Missed:
        """The next entries of one conversation; dense from the first that the member may see."""
        conversation_id = member.conversation_id
        first = max(after + 1, member.sees_from)
        limit = min(MAX_SYNC_EACH, room)
        entries = await self._entries((conversation_id, first - 1, head + 1, limit))
        last = entries[-1].seq if entries else head
        eyes = Eyes(member.user_id, member.sees_from)
        return Missed(
            conversation_id=conversation_id,
            from_=first,
            to=last,
            entries=await self._views.entries(conversation_id, eyes, entries),
            more=last < head,
        )

    async def _joined(self, user_id: str, ids: list[str], mine: Mapping[str, MemberRecord]) -> list[Conversation]:
        away = await self._views.put_away(user_id, [mine[one] for one in ids])
        archived = await self._views.archived(user_id, [mine[one] for one in ids])
        records = await self._conversations.many([one for one in ids if one not in away])
        found = []
        for one in ids:
            state = await self._states.of_record(records[one]) if one in records else None
            if state is not None:
                found.append(conversation_of(state).model_copy(update={"is_archived": one in archived}))
        return found


class _Answer:
    """An answer as it grows."""

    def __init__(self, *, room: int) -> None:
        self.room = room
        self.missed: list[Missed] = []
        self.unnamed: list[str] = []
        self.left: list[str] = []
        self.limited = False
        self.last: str | None = None

    def take(self, missed: Missed) -> None:
        self.missed.append(missed)
        self.room -= len(missed.entries)
