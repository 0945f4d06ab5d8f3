"""Beginning a conversation, changing it, and putting it away."""

from dataclasses import replace
from typing import Any

from crypto.ids import new_id
from handlers.chat.models.conversations import (
    ChangedConversation,
    MyConversation,
    NewConversation,
    OneParticipant,
)
from handlers.chat.models.records import ConversationRecord, pair_of
from handlers.chat.models.values import Role
from handlers.chat.service.access import Access, Enter
from handlers.chat.service.bulletins import Bulletins
from handlers.chat.service.checks import refuse, wire_name
from handlers.chat.service.desk import Desk
from handlers.chat.service.errors import GroupFull
from handlers.chat.service.listing import Listing
from handlers.chat.service.participants import Participants
from handlers.chat.service.people import People
from handlers.chat.service.preferences import Preferring
from handlers.chat.service.requests import Requests
from handlers.chat.service.state import State
from handlers.chat.service.strangers import Strangers
from handlers.chat.store import ConversationStore, Effect, MemberStore, auditing
from server.actors import Actor
from server.clock import Clock
from server.errors import Forbidden, Unavailable
from server.hub.channels import FEW
from storage.log import Draft, Refused
from storage.numbers import Numbers

OF_GROUPS = ("name", "description", "avatar", "allow_invites", "history_visible")
INFO = frozenset({"name", "description", "avatar", "theme"})
"""What members change who have the right `changeInfo`."""
SETTINGS = (*OF_GROUPS, "message_retention", "theme")
CLEAR = ("name", "allow_invites", "history_visible", "message_retention", "is_archived", "keep_archived", "muted")
"""What always has a value."""


class Conversations:
    """The conversations of this server."""

    def __init__(
        self,
        *,
        access: Enter,
        desk: Desk,
        bulletins: Bulletins,
        conversations: ConversationStore,
        members: MemberStore,
        participants: Participants,
        requests: Requests,
        strangers: Strangers,
        people: People,
        listing: Listing,
        numbers: Numbers,
        own: Preferring,
        clock: Clock,
        max_members: int,
    ) -> None:
        self._access = access
        self._desk = desk
        self._bulletins = bulletins
        self._conversations = conversations
        self._members = members
        self._participants = participants
        self._requests = requests
        self._strangers = strangers
        self._people = people
        self._listing = listing
        self._numbers = numbers
        self._own = own
        self._clock = clock
        self._max_members = max_members

    async def create(self, actor: Actor, new: NewConversation) -> MyConversation:
        """Begin a conversation, or hand out the direct one that is there. Raises Invalid, CannotReach, GroupFull."""
        if new.is_encrypted and new.history_visible:
            refuse("historyVisible", "nobody can show newcomers what was encrypted before they came")
        others = sorted(set(new.participant_ids) - {actor.user_id})
        if new.type == "direct":
            return await self._direct(actor, new, others)
        if new.name is None:
            refuse("name", "is needed for a group")
        if len(others) >= self._max_members:
            raise GroupFull(f"A group has at most {self._max_members} members.")
        friends = await self._people.must_reach(actor.user_id, others, field="participantIds")
        await self._strangers.invited(set(others) - friends)
        record = await self._record(actor, new)
        roles: dict[str, Role] = {actor.user_id: "owner", **dict.fromkeys(others, "member")}
        return await self._begin(actor, record, roles)

    async def _direct(self, actor: Actor, new: NewConversation, others: list[str]) -> MyConversation:
        if len(others) != 1:
            refuse("participantIds", "must name exactly one other person")
        for field in OF_GROUPS:
            if field in new.model_fields_set and getattr(new, field) not in {None, False}:
                refuse(wire_name(NewConversation, field), "is for groups")
        pair = pair_of(actor.user_id, others[0], encrypted=new.is_encrypted)
        known = await self._conversations.of_pair(pair)
        if known is not None:
            return await self._again(actor, known.id)
        friends = await self._people.must_reach(actor.user_id, others, field="participantIds")
        strange = others[0] not in friends and await self._strangers.begins(actor.user_id)
        record = replace(await self._record(actor, new), pair=pair)
        try:
            roles: dict[str, Role] = {actor.user_id: "member", others[0]: "member"}
            return await self._begin(actor, record, roles, asked=others[0] if strange else None)
        except Refused as error:
            known = await self._conversations.of_pair(pair) if error.conflict else None
            if known is None:
                raise Unavailable("The conversation could not be made: try again.", retry_after_ms=500) from error
        return await self._again(actor, known.id)

    async def _again(self, actor: Actor, conversation_id: str) -> MyConversation:
        """A direct conversation that was there is listed again."""
        await self._members.prefer(conversation_id, actor.user_id, {"hidden_seq": 0})
        return await self._listing.one(actor, conversation_id)

    async def _record(self, actor: Actor, new: NewConversation) -> ConversationRecord:
        now = self._clock.now()
        return ConversationRecord(
            id=new_id(),
            nid=await self._numbers.next("conversation"),
            type=new.type,
            created_by=actor.user_id,
            created_at=now,
            updated_at=now,
            state_seq=1,
            name=new.name,
            description=new.description,
            avatar=new.avatar,
            allow_invites=new.allow_invites,
            history_visible=new.history_visible,
            message_retention=new.message_retention,
            is_encrypted=new.is_encrypted,
        )

    async def _begin(
        self, actor: Actor, record: ConversationRecord, roles: dict[str, Role], *, asked: str | None = None
    ) -> MyConversation:
        """The first entry of a log, and with it the conversation and its members. Raises Refused for a known pair.

        To whom is `asked`, it is a request.
        """

        def effects(seq: int) -> list[Effect]:
            large = len(roles) > FEW
            at = record.created_at
            joining = self._members.joining(record.id, roles, seq=seq, at=at, large=large, asked=asked)
            return [self._conversations.inserting(record), *joining]

        draft = Draft(
            conversation=record.id,
            kind="member",
            sender=actor.user_id,
            device=actor.device_id,
            body={"action": "created", "users": sorted(roles)},
            effects=effects,
        )
        await self._desk.submit(draft, self._bulletins.tell)
        return await self._listing.one(actor, record.id)

    async def change(self, actor: Actor, wanted: ChangedConversation) -> MyConversation:
        """Change settings of the conversation, and those of the member alone. Raises Invalid, NotFound, Forbidden."""
        access = await self._access(wanted.conversation_id, actor)
        given = {name: getattr(wanted, name) for name in SETTINGS if name in wanted.model_fields_set}
        for name in CLEAR:
            if name in wanted.model_fields_set and getattr(wanted, name) is None:
                refuse(wire_name(ChangedConversation, name), "cannot be cleared")
        if wanted.theme is not None:
            given["theme"] = wanted.theme.model_dump(exclude_none=True)
        if "theme" in given and await self._hidden(access):
            del given["theme"]
        if given:
            access = await self._requests.enter(actor, access)
            await self._set(actor, access, given)
        await self._own.set(access, wanted)
        return await self._listing.one(actor, access.conversation_id)

    async def _hidden(self, access: Access) -> bool:
        """Whether the other one blocks the member, and so does not see how he decorates. Raises Forbidden."""
        peer = access.state.peer(access.user_id)
        return peer is not None and await self._people.open_block(access.user_id, peer)

    async def _set(self, actor: Actor, access: Access, given: dict[str, Any]) -> None:
        def may(state: State) -> None:
            if state.record.type == "direct":
                if any(name in OF_GROUPS for name in given):
                    raise Forbidden("A direct conversation has no name, description, picture or invitations.")
            elif not (set(given) <= INFO and state.may(actor.user_id, "changeInfo", self._clock.now())) and (
                not state.manages(actor.user_id)
            ):
                raise Forbidden("Only the group's admins can do this.")

        may(access.state)
        record = access.state.record
        changes = {name: value for name, value in given.items() if getattr(record, name) != value}
        if not changes:
            return
        now = self._clock.now()
        body = {"action": "settings", "fields": sorted(wire_name(ChangedConversation, name) for name in changes)}

        def effects(seq: int) -> list[Effect]:
            changing = self._conversations.changing(record.id, changes, seq=seq, at=now)
            if record.type == "direct":
                return [changing]
            return [changing, auditing(record.id, body, seq=seq, by=actor.user_id, at=now)]

        draft = Draft(
            conversation=record.id,
            kind="settings",
            sender=actor.user_id,
            device=actor.device_id,
            body=dict(body),
            effects=effects,
            guard=self._desk.guard(access, may),
            known=access.state.seq,
        )
        await self._desk.submit(draft, self._bulletins.tell)

    async def delete(self, actor: Actor, conversation_id: str) -> None:
        """Put a direct conversation away until there is a new message, or leave a group."""
        access = await self._access(conversation_id, actor)
        if access.state.record.type == "direct":
            await self._own.put_away(access)
            return
        await self._participants.remove(actor, OneParticipant(conversation_id=conversation_id, user_id=actor.user_id))
