"""What a stranger may do before he is accepted, and how somebody accepts or ignores him.

A direct conversation that was begun by somebody who is no friend is a request to the other one. That it is one is part
of its state, so whoever enters the conversation knows it without asking for it; that it is accepted is an entry.
"""

import re
from collections.abc import Sequence

from crypto.ids import new_id
from handlers.chat.models.conversations import MyConversation
from handlers.chat.models.messages import NewMessage
from handlers.chat.models.records import pair_of
from handlers.chat.models.values import MessageType
from handlers.chat.service.access import Access, Enter
from handlers.chat.service.bulletins import Bulletins
from handlers.chat.service.desk import Desk
from handlers.chat.service.errors import CannotReach, NoRequest, RequestPending
from handlers.chat.service.listing import Listing
from handlers.chat.service.people import People
from handlers.chat.service.preferences import Preferring
from handlers.chat.service.rights import needed, rights_for
from handlers.chat.service.state import State, States
from handlers.chat.settings import ChatSettings
from handlers.chat.store import ConversationStore, Effect, MemberStore
from server.actors import Actor
from server.clock import Clock
from storage.log import Draft

WAIT = "This person has not accepted the conversation yet: "

_ADDRESS = re.compile(r"\b[a-z0-9-]{1,63}\.[a-z]{2,24}\b", re.IGNORECASE)
"""Of a stranger also what only looks like the name of a site counts as a link: clients make links of it."""


class _Accepted(Exception):
    """Somebody else has accepted the conversation first."""


class Requests:
    """Requests of strangers."""

    def __init__(
        self,
        *,
        access: Enter,
        states: States,
        desk: Desk,
        bulletins: Bulletins,
        conversations: ConversationStore,
        members: MemberStore,
        people: People,
        listing: Listing,
        own: Preferring,
        clock: Clock,
        settings: ChatSettings,
    ) -> None:
        self._access = access
        self._states = states
        self._desk = desk
        self._bulletins = bulletins
        self._conversations = conversations
        self._members = members
        self._people = people
        self._listing = listing
        self._own = own
        self._clock = clock
        self._longest = settings.request_text

    async def enter(self, actor: Actor, access: Access) -> Access:
        """The access of somebody who wants to do more than to read. Raises RequestPending."""
        if access.state.request_to is None:
            return access
        access = await self._settled(actor, access)
        if access.state.request_to == actor.user_id:
            raise RequestPending("Accept this conversation first, or answer it.")
        if access.state.request_to is not None:
            raise RequestPending(f"{WAIT}wait until it is.")
        return access

    async def admit(self, actor: Actor, access: Access, message: NewMessage) -> Access:
        """Let somebody speak: who answers accepts, a stranger has to keep it short. Raises RequestPending, CannotReach.

        A conversation that is accepted costs nothing here.
        """
        if access.state.request_to is None:
            return access
        access = await self._settled(actor, access)
        asked = access.state.request_to
        if asked == actor.user_id:
            await self._accept(actor, access)
            return await self._access(access.conversation_id, actor)
        if asked is not None:
            if not await self._people.welcomes_strangers(asked):
                raise CannotReach("You cannot write to this person.")
            self._must_be_plain(message.type, message.content, rights_for(message))
        return access

    async def take(self, actor: Actor, access: Access, op: str | None) -> str | None:
        """Count a stranger's message; what `give_back` takes. None when nothing is counted. Raises RequestPending.

        The same message, sent again, is the same.
        """
        if access.state.request_to in {None, actor.user_id}:
            return None
        turn = f"{actor.device_id}/{op or new_id()}"
        if not await self._members.ask(access.conversation_id, actor.user_id, turn):
            raise RequestPending(f"{WAIT}it takes no second message before.")
        return turn

    async def give_back(self, actor: Actor, access: Access, turn: str | None) -> None:
        """The message was not taken in: another one may be sent."""
        if turn is not None:
            await self._members.ask_no_more(access.conversation_id, actor.user_id, turn)

    async def edits(self, actor: Actor, access: Access, content: str) -> Access:
        """The access of somebody who edits: before he is accepted, the same holds as for the message itself."""
        if access.state.request_to is None:
            return access
        access = await self._settled(actor, access)
        if access.state.request_to is not None:
            self._must_be_plain("text", content, needed("text", content))
        return access

    async def accept(self, actor: Actor, conversation_id: str) -> MyConversation:
        """Accept a request; twice is once. Raises NotFound, NoRequest (it is one's own)."""
        access = await self._access(conversation_id, actor)
        if access.state.request_to is not None:
            self._must_be_asked(actor, access)
            await self._accept(actor, access)
        return await self._listing.one(actor, conversation_id)

    async def ignore(self, actor: Actor, conversation_id: str) -> None:
        """Put a request away; the one who asks does not learn it. Raises NotFound, NoRequest."""
        access = await self._access(conversation_id, actor)
        self._must_be_asked(actor, access)
        await self._own.write(access, {"ignored": True})

    async def must_be_asked(self, actor: Actor, conversation_id: str) -> None:
        """Raises NotFound and NoRequest unless it is a request to this person."""
        self._must_be_asked(actor, await self._access(conversation_id, actor))

    async def befriended(self, user_ids: Sequence[str]) -> None:
        """Two people have become friends: requests between them are accepted."""
        one, other = user_ids
        for encrypted in (False, True):
            record = await self._conversations.of_pair(pair_of(one, other, encrypted=encrypted))
            state = None if record is None else await self._states.of_record(record)
            if state is not None and state.request_to is not None:
                await self._accept(self._in_name_of(state.request_to), Access(state, state.request_to))

    async def _settled(self, actor: Actor, access: Access) -> Access:
        """The conversation as it is now; a request between two who are friends by now is accepted by this."""
        access = await self._access(access.conversation_id, actor)
        asked, asks = access.state.request_to, access.state.peer(access.state.request_to or "")
        if asked is None or asks is None or not await self._people.friends(asked, asks):
            return access
        await self._accept(self._in_name_of(asked), Access(access.state, asked))
        return await self._access(access.conversation_id, actor)

    def _must_be_asked(self, actor: Actor, access: Access) -> None:
        if access.state.request_to != actor.user_id:
            raise NoRequest("This conversation is no request to you.")

    def _must_be_plain(self, type_: MessageType, content: str, needs: Sequence[str]) -> None:
        if type_ != "text":
            raise RequestPending(f"{WAIT}it takes only text.")
        if len(content) > self._longest:
            raise RequestPending(f"{WAIT}it takes up to {self._longest} characters.")
        if "links" in needs or _ADDRESS.search(content):
            raise RequestPending(f"{WAIT}it takes no links.")

    async def _accept(self, actor: Actor, access: Access) -> None:
        conversation_id, at = access.conversation_id, self._clock.now()

        def check(state: State) -> None:
            if state.request_to is None:
                raise _Accepted

        def effects(seq: int) -> list[Effect]:
            return [
                self._members.accepting(conversation_id, actor.user_id),
                self._conversations.changing(conversation_id, {}, seq=seq, at=at),
            ]

        draft = Draft(
            conversation=conversation_id,
            kind="settings",
            sender=actor.user_id,
            device=actor.device_id,
            body={"action": "accepted", "users": [actor.user_id]},
            effects=effects,
            guard=self._desk.guard(access, check),
            known=access.state.seq,
        )
        try:
            await self._desk.submit(draft, self._bulletins.tell)
        except _Accepted:
            return

    def _in_name_of(self, user_id: str) -> Actor:
        """The one who was asked, who may not be here."""
        return Actor(user_id, "user", frozenset(), session_id="", device_id="", expires_at=self._clock.now())
