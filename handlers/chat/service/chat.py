"""The chat as one service: its parts put together."""

import asyncio
from collections.abc import Callable, Collection, Sequence

from handlers.chat.service.access import Access, Gate
from handlers.chat.service.attachments import Attachments
from handlers.chat.service.badges import Badges
from handlers.chat.service.bulletins import Bulletins
from handlers.chat.service.changes import Changes
from handlers.chat.service.checkup import Checkup
from handlers.chat.service.conversations import Conversations
from handlers.chat.service.deletions import Deletions
from handlers.chat.service.desk import Desk
from handlers.chat.service.drafts import Drafts
from handlers.chat.service.editions import Editions
from handlers.chat.service.fill import Repairs
from handlers.chat.service.folders import FolderShelf
from handlers.chat.service.forwards import Forwards
from handlers.chat.service.history import History
from handlers.chat.service.links import JoinLinks
from handlers.chat.service.listing import Listing
from handlers.chat.service.messages import Messages
from handlers.chat.service.notes import Notes
from handlers.chat.service.noticing import Notices
from handlers.chat.service.participants import Participants
from handlers.chat.service.people import People
from handlers.chat.service.pins import Pins
from handlers.chat.service.polls import Polls
from handlers.chat.service.ports import Screen
from handlers.chat.service.preferences import Preferring
from handlers.chat.service.previews import Previews
from handlers.chat.service.receipts import Receipts
from handlers.chat.service.requests import Requests
from handlers.chat.service.rights import Floor, Rules
from handlers.chat.service.roster import Roster
from handlers.chat.service.scheduled import Scheduled
from handlers.chat.service.screening import Screening
from handlers.chat.service.sealed import Sealed
from handlers.chat.service.search import Finder
from handlers.chat.service.stars import Stars
from handlers.chat.service.state import States
from handlers.chat.service.strangers import Strangers
from handlers.chat.service.summons import Summons
from handlers.chat.service.sync import Resume
from handlers.chat.service.threads import Threads
from handlers.chat.service.timers import Timers
from handlers.chat.service.typists import TypingNotices
from handlers.chat.service.unread import Unreads
from handlers.chat.service.views import Views
from handlers.chat.settings import ChatSettings
from handlers.chat.store import AuditStore, ConversationStore, LinkStore, MemberStore, MentionStore, SearchStore
from handlers.chat.store.shelf import Shelf
from handlers.chat.store.typists import TypistStore
from handlers.media.service import Media
from handlers.presence.service import Presence
from handlers.social.service import Social
from handlers.users.service import Users
from server.actors import Actor
from server.clock import Clock
from server.events import Publisher
from server.hub.frames import Frame
from server.hub.screens import Screens
from server.slices import Spender
from storage.log import Log
from storage.numbers import Numbers
from storage.tasks import end


class Chat:
    """Conversations and what is said in them. Commands call the parts; other slices may use them too."""

    def __init__(
        self,
        *,
        log: Log,
        conversations: ConversationStore,
        members: MemberStore,
        mentions: MentionStore,
        index: SearchStore,
        audit: AuditStore,
        links: LinkStore,
        users: Users,
        social: Social,
        presence: Presence,
        media: Media,
        numbers: Numbers,
        publish: Publisher,
        clock: Clock,
        max_members: int,
        settings: ChatSettings,
        shelf: Shelf,
        screen: Callable[[], Screen],
        strangers: Strangers,
        spend: Spender,
        typists: TypistStore,
        screens: Screens,
    ) -> None:
        self._log = log
        self._members = members
        self._states = States(conversations, members)
        self._gate = Gate(self._states)
        self._desk = Desk(log, self._states, publish)
        self.shelf = shelf
        self._notes = Notes(conversations, members, shelf.timers, clock)
        self._repairs = Repairs(log, self._states)
        self._noting: asyncio.Task[None] | None = None
        people = People(users, social)
        bulletins = Bulletins(self._states, publish)
        views = Views(log, members, people, shelf.threads, clock)
        unreads = Unreads(log, mentions, people, clock)
        badges = Badges(members=members, unreads=unreads, views=views, clock=clock)
        self.folders = FolderShelf(store=shelf.folders, members=members, publish=publish, settings=settings)
        self.listing = Listing(
            access=self.access,
            states=self._states,
            conversations=conversations,
            members=members,
            notes=self._notes,
            unreads=unreads,
            badges=badges,
            views=views,
            folder=self.folders.get,
            clock=clock,
        )
        roster = Roster(
            access=self.access,
            desk=self._desk,
            bulletins=bulletins,
            conversations=conversations,
            members=members,
            clock=clock,
        )
        summons = Summons(
            access=self.access,
            conversations=conversations,
            here=presence.connected_devices,
            clock=clock,
            settings=settings,
        )
        floor = Floor(access=self.access, states=self._states, members=members, clock=clock)
        self.screening = Screening(
            screen,
            access=self.access,
            states=self._states,
            roster=roster,
            conversations=conversations,
            members=members,
            clock=clock,
        )
        self.rules = Rules(
            access=self.access, roster=roster, members=members, listing=self.listing, audit=audit, clock=clock
        )
        self.links = JoinLinks(
            access=self.access,
            states=self._states,
            roster=roster,
            links=links,
            members=members,
            listing=self.listing,
            publish=publish,
            clock=clock,
            max_members=max_members,
            screening=self.screening,
            spend=spend,
        )
        self.participants = Participants(
            access=self.access,
            roster=roster,
            conversations=conversations,
            members=members,
            people=people,
            strangers=strangers,
            listing=self.listing,
            clock=clock,
            max_members=max_members,
        )
        own = Preferring(log=log, members=members, publish=publish, clock=clock)
        self.requests = Requests(
            access=self.access,
            states=self._states,
            desk=self._desk,
            bulletins=bulletins,
            conversations=conversations,
            members=members,
            people=people,
            listing=self.listing,
            own=own,
            clock=clock,
            settings=settings,
        )
        self.conversations = Conversations(
            access=self.access,
            desk=self._desk,
            bulletins=bulletins,
            conversations=conversations,
            members=members,
            participants=self.participants,
            requests=self.requests,
            people=people,
            strangers=strangers,
            listing=self.listing,
            numbers=numbers,
            own=own,
            clock=clock,
            max_members=max_members,
        )
        self.attachments = Attachments(media, access=self.access, members=members, carriers=shelf.carriers, clock=clock)
        self.threads = Threads(
            access=self.access,
            log=log,
            states=self._states,
            members=members,
            people=people,
            views=views,
            store=shelf.threads,
            publish=publish,
            clock=clock,
            settings=settings,
        )
        self.typing = TypingNotices(
            access=self.access,
            people=people,
            store=typists,
            screens=screens,
            count=presence.count,
            publish=publish,
            clock=clock,
            used=presence.used,
            settings=settings,
        )
        self.messages = Messages(
            access=self.access,
            desk=self._desk,
            log=log,
            states=self._states,
            people=people,
            notes=self._notes,
            floor=floor,
            summons=summons,
            requests=self.requests,
            attachments=self.attachments,
            clock=clock,
            used=presence.used,
            screening=self.screening,
            stops_typing=self.typing.said,
            threads=self.threads,
        )
        self.sealed = Sealed(
            self.messages, access=self.access, floor=floor, requests=self.requests, people=people, used=presence.used
        )
        self.changes = Changes(
            access=self.access,
            desk=self._desk,
            log=log,
            states=self._states,
            people=people,
            floor=floor,
            summons=summons,
            requests=self.requests,
            clock=clock,
            settings=settings,
            screening=self.screening,
        )
        self.scheduled = Scheduled(
            self.messages,
            attachments=self.attachments,
            access=self.access,
            store=shelf.scheduled,
            publish=publish,
            clock=clock,
            settings=settings,
        )
        self.history = History(access=self.access, log=log, views=views, notes=self._notes)
        self.forwards = Forwards(self.history, self.messages, settings)
        self.deletions = Deletions(
            access=self.access,
            desk=self._desk,
            changes=self.changes,
            history=self.history,
            attachments=self.attachments,
        )
        self.editions = Editions(self.history, shelf.editions)
        self.polls = Polls(
            self.changes, log=log, states=self._states, desk=self._desk, store=shelf.editions, clock=clock
        )
        self.previews = Previews(
            log=log,
            states=self._states,
            desk=self._desk,
            users=users,
            store=shelf.previews,
            clock=clock,
            settings=settings,
        )
        self.pins = Pins(
            self.changes,
            access=self.access,
            log=log,
            views=views,
            floor=floor,
            store=shelf.pins,
            clock=clock,
            settings=settings,
        )
        self.receipts = Receipts(
            access=self.access,
            log=log,
            members=members,
            timers=shelf.timers,
            notes=self._notes,
            people=people,
            unreads=unreads,
            badges=badges,
            history=self.history,
            views=views,
            publish=publish,
            clock=clock,
            used=presence.used,
        )
        self.notices = Notices(
            access=self.access,
            log=log,
            members=members,
            unreads=unreads,
            states=self._states,
            badges=badges,
            views=views,
            users=users,
            clock=clock,
        )
        self.stars = Stars(
            access=self.access,
            history=self.history,
            log=log,
            members=members,
            store=shelf.stars,
            publish=publish,
            clock=clock,
            settings=settings,
        )
        self.drafts = Drafts(
            access=self.access, members=members, store=shelf.drafts, publish=publish, clock=clock, settings=settings
        )
        self.timers = Timers(
            access=self.access,
            desk=self._desk,
            states=self._states,
            bulletins=bulletins,
            conversations=conversations,
            people=people,
            listing=self.listing,
            notes=self._notes,
            store=shelf.timers,
            clock=clock,
            settings=settings,
        )
        self.search = Finder(access=self.access, conversations=conversations, members=members, index=index, clock=clock)
        self.checkup = Checkup(log=log, members=members)
        self.sync = Resume(log=log, states=self._states, conversations=conversations, members=members, views=views)

    async def access(self, conversation_id: str, actor: Actor, *, guarded: bool = False) -> Access:
        """A member's way into a conversation, the only one there is. Raises NotFound; see `Gate.access`."""
        return await self._gate.access(conversation_id, actor, guarded=guarded)

    async def fill(self, conversation_id: str, first: int, last: int) -> Sequence[Frame]:
        """Entries of a conversation as frames, for the hub."""
        return await self._repairs.fill(conversation_id, first, last)

    async def heads(self, conversation_ids: Sequence[str]) -> dict[str, int]:
        """The last entries of conversations, for the hub."""
        return await self._log.heads(conversation_ids)

    async def large_of(self, user_ids: Sequence[str]) -> dict[str, list[str]]:
        """Of each of these people: the conversations with so many members that they have a channel of their own."""
        return await self._members.large_of(user_ids)

    def when_read(self, heard: Callable[[Collection[tuple[str, str]]], None]) -> None:
        """Whom to tell, without a wait, that people (conversation, user) have read by saying something there."""
        self._notes.heard = heard

    async def start(self) -> None:
        """Begin to write."""
        await self._log.start()
        self._noting = asyncio.get_running_loop().create_task(self._notes.run(), name="chat notes")
        self.previews.start()

    async def stop(self) -> None:
        """Finish what was begun: entries, events and notes."""
        await self.screening.stop()
        await self.previews.stop()
        await self._log.close()
        await self._desk.stop()
        await self.threads.stop()
        if self._noting is not None:
            await end(self._noting)
            await self._notes.try_to_settle()
