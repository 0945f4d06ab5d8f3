"""`sync`: what somebody missed, without a hole, or with a plain word that there is more."""

from collections.abc import Mapping

from handlers.chat.models.conversations import Conversation
from handlers.chat.models.reading import MAX_SYNC_EACH, Missed, Sync, Synced
from handlers.chat.models.records import MemberRecord
from handlers.chat.service.state import States
from handlers.chat.service.views import Eyes, Views
from handlers.chat.service.wire import conversation_of
from handlers.chat.store import ConversationStore, MemberStore
from server.actors import Actor
from storage.log import Log

MAX_JOINED = 100
"""Conversations in one answer that the one who asks did not name."""


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

    async def missed(self, actor: Actor, wanted: Sync) -> Synced:
        """Go through the conversations in the order of their ids, as far as the limits reach.

        Whoever asks is connected already, so what is said meanwhile arrives live: nothing falls between.
        """
        named = wanted.conversations
        mine = await self._mine(actor, wanted)
        walk = sorted(one for one in {*named, *mine} if wanted.cursor is None or one > wanted.cursor)
        heads = await self._log.heads([one for one in walk if one in named and one in mine])
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
        named = await self._members.of_user_among(actor.user_id, wanted.conversations)
        if wanted.only:
            return named
        return {member.conversation_id: member for member in await self._members.of_user(actor.user_id)} | named

    async def _read(self, member: MemberRecord, after: int, head: int, room: int) -> Missed:
        """The next entries of one conversation; dense from the first that the member may see."""
        conversation_id = member.conversation_id
        first = max(after + 1, member.sees_from)
        limit = min(MAX_SYNC_EACH, room)
        entries = await self._log.read(conversation_id, after=first - 1, before=head + 1, limit=limit)
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
