"""Who is in a group: adding, removing, leaving, and roles."""

from handlers.chat.models.conversations import ChangedParticipant, MyConversation, NewParticipants, OneParticipant
from handlers.chat.models.values import Role
from handlers.chat.service.access import Access, Enter
from handlers.chat.service.errors import GroupFull
from handlers.chat.service.listing import Listing
from handlers.chat.service.people import People
from handlers.chat.service.rights import may_invite
from handlers.chat.service.roster import Plan, Roster
from handlers.chat.service.state import State
from handlers.chat.service.strangers import Strangers
from handlers.chat.service.wire import by_age
from handlers.chat.store import ConversationStore, Effect, MemberStore
from handlers.chat.store.drafts import undrafting
from handlers.chat.store.stars import unstarring_there
from handlers.chat.store.threads import dropping_there
from server.actors import Actor
from server.clock import Clock
from server.errors import Conflict, Forbidden, NotFound
from server.hub.channels import FEW


class Participants:
    """The members of groups."""

    def __init__(
        self,
        *,
        access: Enter,
        roster: Roster,
        conversations: ConversationStore,
        members: MemberStore,
        people: People,
        strangers: Strangers,
        listing: Listing,
        clock: Clock,
        max_members: int,
    ) -> None:
        self._access = access
        self._roster = roster
        self._conversations = conversations
        self._members = members
        self._people = people
        self._strangers = strangers
        self._listing = listing
        self._clock = clock
        self._max_members = max_members

    async def add(self, actor: Actor, wanted: NewParticipants) -> MyConversation:
        """Add people. Raises NotFound, Forbidden, CannotReach, GroupFull."""
        access = await self._access(wanted.conversation_id, actor)
        may_invite(access, self._clock.now())
        await self._strangers.adds_to(wanted.conversation_id)
        strangers = {one for one in wanted.user_ids if one not in access.state.members}
        friends = await self._people.must_reach(actor.user_id, strangers, field="userIds")
        await self._strangers.invited(strangers - friends)

        def plan(access: Access) -> Plan | None:
            may_invite(access, self._clock.now())
            state = access.state
            added = sorted(strangers - state.members.keys())
            if not added:
                return None
            if len(state.members) + len(added) > self._max_members:
                raise GroupFull(f"A group has at most {self._max_members} members.")
            roles: dict[str, Role] = dict.fromkeys(added, "member")
            at, size = self._clock.now(), len(state.members) + len(added)
            return Plan(
                {"action": "added", "users": added},
                lambda seq: self._members.joining(
                    state.id, roles, seq=seq, at=at, large=size > FEW, history=state.record.history_visible
                ),
                size=size,
            )

        await self._roster.change(actor, wanted.conversation_id, plan)
        return await self._listing.one(actor, wanted.conversation_id)

    async def remove(self, actor: Actor, who: OneParticipant) -> None:
        """Remove somebody, or leave. Raises NotFound, Forbidden."""

        def plan(access: Access) -> Plan:
            state = access.state
            if state.record.type == "direct":
                raise Forbidden("A direct conversation always has its two people; delete it to put it away.")
            role = state.role(who.user_id)
            leaving = who.user_id == actor.user_id
            if not leaving:
                access.must_manage()
            if role is None:
                raise NotFound("This person is not a member.")
            if not leaving and role != "member" and state.role(actor.user_id) != "owner":
                raise Forbidden("Only the owner can remove an admin.")
            return self._departure(state, who.user_id, action="left" if leaving else "removed")

        await self._roster.change(actor, who.conversation_id, plan)

    async def change_role(self, actor: Actor, wanted: ChangedParticipant) -> MyConversation:
        """Give a member another role. Raises NotFound, Forbidden, Conflict."""

        def plan(access: Access) -> Plan | None:
            state, user_id = access.state, wanted.user_id
            if state.record.type == "direct" or state.role(actor.user_id) != "owner":
                raise Forbidden("Only the owner of a group can give roles.")
            if user_id not in state.members:
                raise NotFound("This person is not a member.")
            if state.role(user_id) == wanted.role:
                return None
            if user_id == actor.user_id:
                raise Conflict("A group has one owner: make somebody else the owner first.")
            roles: dict[str, Role] = {user_id: wanted.role}
            if wanted.role == "owner":
                roles[actor.user_id] = "admin"
            return Plan(
                {"action": "role", "users": [user_id], "role": wanted.role},
                lambda _: self._members.ranking(state.id, roles),
                size=len(state.members),
            )

        await self._roster.change(actor, wanted.conversation_id, plan)
        return await self._listing.one(actor, wanted.conversation_id)

    async def forget(self, user_id: str) -> None:
        """Let a person who is gone leave every group. Direct conversations stay with the other one."""
        now = self._clock.now()
        actor = Actor(user_id, "user", frozenset(), session_id="", device_id="", expires_at=now)
        for member in await self._members.of_user(user_id):
            record = await self._conversations.get(member.conversation_id)
            if record is not None and record.type != "direct":
                await self.remove(actor, OneParticipant(conversation_id=record.id, user_id=user_id))

    def _departure(self, state: State, user_id: str, *, action: str) -> Plan:
        """The plan by which a member goes, and a new owner comes if it was the owner."""
        body: dict[str, object] = {"action": action, "users": [user_id]}
        rest = by_age(member for member in state.members.values() if member.user_id != user_id)
        heirs = [member for member in rest if member.role == "admin"] or rest
        heir = heirs[0].user_id if heirs and state.role(user_id) == "owner" else None
        if heir is not None:
            body["promoted"] = heir

        def effects(seq: int) -> list[Effect]:
            writes = [
                self._members.leaving(state.id, [user_id], seq=seq, removed=action == "removed"),
                unstarring_there(state.id, user_id),
                dropping_there(state.id, user_id),
                undrafting(state.id, user_id),
            ]
            if heir is not None:
                writes += self._members.ranking(state.id, {heir: "owner"})
            return writes

        return Plan(body, effects, size=len(rest))
