"""One's conversations as a list, and one of them: with the last message and what is unread."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from handlers.chat.cursors import read_cursor, write_cursor
from handlers.chat.models.conversations import ConversationPage, ListedConversations, ListedRequests, MyConversation
from handlers.chat.models.folders import Folder
from handlers.chat.models.messages import Message
from handlers.chat.models.records import MemberRecord
from handlers.chat.models.values import ConversationType
from handlers.chat.service.access import Enter
from handlers.chat.service.badges import Badges
from handlers.chat.service.checks import refuse
from handlers.chat.service.folders import is_in
from handlers.chat.service.notes import Notes
from handlers.chat.service.state import State, States
from handlers.chat.service.unread import Count, Unreads
from handlers.chat.service.views import Views
from handlers.chat.service.wire import conversation_fields, participants_of
from handlers.chat.store import Activity, ConversationStore, MemberStore
from server.actors import Actor
from server.clock import Clock
from server.errors import NotFound


class Listing:
    """Shows people their conversations."""

    def __init__(
        self,
        *,
        access: Enter,
        states: States,
        conversations: ConversationStore,
        members: MemberStore,
        notes: Notes,
        unreads: Unreads,
        badges: Badges,
        views: Views,
        folder: Callable[[Actor, str], Awaitable[Folder]],
        clock: Clock,
    ) -> None:
        self._access = access
        self._states = states
        self._conversations = conversations
        self._members = members
        self._notes = notes
        self._unreads = unreads
        self._badges = badges
        self._views = views
        self._folder = folder
        self._clock = clock

    async def one(self, actor: Actor, conversation_id: str) -> MyConversation:
        """One conversation. Raises NotFound."""
        await self._notes.settle_in(conversation_id)
        access = await self._access(conversation_id, actor)
        member = await self._members.get(conversation_id, actor.user_id)
        if member is None:
            raise NotFound("There is no such conversation.")
        archived = await self._views.archived(actor.user_id, [member])
        (shown,) = await self._shown(actor.user_id, [(access.state, member)], archived)
        return shown

    async def page(self, actor: Actor, wanted: ListedConversations) -> ConversationPage:
        """A page of the member's conversations, the latest first; requests of strangers are apart. Raises Invalid."""

        def belongs(member: MemberRecord, archived: bool) -> bool:
            return archived is wanted.archived and not member.requested

        folder = await self._folder(actor, wanted.folder_id) if wanted.folder_id is not None else None
        return await self._page(actor, belongs, wanted, type_=wanted.type, folder=folder)

    async def requests(self, actor: Actor, wanted: ListedRequests) -> ConversationPage:
        """A page of the requests of strangers to somebody, the latest first. Raises Invalid."""

        def belongs(member: MemberRecord, _: bool) -> bool:
            return member.requested and member.ignored is wanted.ignored

        return await self._page(actor, belongs, wanted)

    async def _page(
        self,
        actor: Actor,
        belongs: Callable[[MemberRecord, bool], bool],
        wanted: ListedConversations | ListedRequests,
        *,
        type_: ConversationType | None = None,
        folder: Folder | None = None,
    ) -> ConversationPage:
        await self._notes.settle()
        after = _after(wanted.cursor) if wanted.cursor else None
        everything = await self._members.of_user(actor.user_id)
        archived = await self._views.archived(actor.user_id, everything)
        mine = {one.conversation_id: one for one in everything if belongs(one, one.conversation_id in archived)}
        activity = await self._conversations.activity(list(mine), type_)
        away = await self._views.put_away(actor.user_id, mine.values())
        own = [_as_seen(one, mine[one.conversation_id]) for one in activity if one.conversation_id not in away]
        if folder is not None:
            own = await self._within(folder, actor.user_id, own, mine)
        listed = sorted(own, key=_order, reverse=True)
        if after is not None:
            listed = [one for one in listed if _order(one) < after]
        page = listed[: wanted.limit]
        states = await self._states_of([one.conversation_id for one in page])
        pairs = [
            (states[one.conversation_id], mine[one.conversation_id]) for one in page if one.conversation_id in states
        ]
        shown, badge = await asyncio.gather(
            self._shown(actor.user_id, pairs, archived), self._badges.among(actor.user_id, everything)
        )
        return ConversationPage(
            conversations=shown,
            total=badge.number,
            next_cursor=write_cursor(*_order(page[-1])) if len(listed) > len(page) else None,
        )

    async def _within(
        self, folder: Folder, user_id: str, listed: Sequence[Activity], mine: Mapping[str, MemberRecord]
    ) -> list[Activity]:
        """Those of these conversations that are in the folder."""
        unread: set[str] = set()
        if folder.rules.unread:
            members = [mine[one.conversation_id] for one in listed]
            counts = await self._unreads.of(user_id, members)
            unread = {one.conversation_id for one in members if counts[one.conversation_id].unread or one.marked_unread}
        now = self._clock.now()
        return [
            one
            for one in listed
            if is_in(
                folder,
                one.type,
                mine[one.conversation_id],
                unread=one.conversation_id in unread,
                muted=mine[one.conversation_id].mutes(now),
            )
        ]

    async def _states_of(self, ids: Sequence[str]) -> dict[str, State]:
        records = await self._conversations.many(ids)
        states = await asyncio.gather(*(self._states.of_record(record) for record in records.values()))
        return {state.id: state for state in states if state is not None}

    async def _shown(
        self, user_id: str, pairs: Sequence[tuple[State, MemberRecord]], archived: Collection[str]
    ) -> list[MyConversation]:
        members = [member for _, member in pairs]
        counts = await self._unreads.of(user_id, members)
        last = await self._views.last_messages(user_id, pairs)
        heads = await self._views.heads([state.id for state, _ in pairs])
        now = self._clock.now()
        return [
            _mine(
                state,
                replace(member, archived=state.id in archived, muted=member.mutes(now)),
                count=counts[state.id],
                last=last.get(state.id),
                head=heads[state.id],
            )
            for state, member in pairs
        ]


def _mine(state: State, member: MemberRecord, *, count: Count, last: Message | None, head: int) -> MyConversation:
    fields = conversation_fields(state) | {
        "is_archived": member.archived,
        "last_message_at": last.created_at if last else None,
        "last_message_id": last.id if last else None,
    }
    return MyConversation(
        **fields,
        participants=participants_of(state),
        role=member.role,
        keep_archived=member.keep_archived,
        archived_seq=member.comes_back_after,
        muted=member.muted,
        muted_until=member.muted_until if member.muted else None,
        joined_seq=member.sees_from,
        my_read_seq=member.read_seq,
        my_delivered_seq=member.delivered_seq,
        head=head,
        unread=count.unread,
        mentions=count.mentions,
        marked_unread=member.marked_unread,
        last_message=last,
    )


def _as_seen(one: Activity, member: MemberRecord) -> Activity:
    """A conversation's activity with what only this member knows of."""
    if member.said_at is not None and member.said_at > one.at:
        return Activity(one.conversation_id, member.said_at, one.type)
    return one


def _order(one: Activity) -> tuple[datetime, str]:
    return one.at, one.conversation_id


def _after(cursor: str) -> tuple[datetime, str]:
    try:
        return read_cursor(cursor)
    except ValueError:
        refuse("cursor", "is not one of ours")
