"""Joining a group by a link: with an end, for so many people, and with an admin's consent where the link says so.

Making and revoking a link, and everybody who comes by it, are entries of the group's log. So whoever joins by what he
has read of a link finds out when it was revoked or used by somebody else in the meantime, on whatever server.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Literal

from crypto.ids import new_id
from crypto.tokens import digest, new_secret, same
from handlers.chat.events import ConversationRequest
from handlers.chat.models.links import (
    Answer,
    Joined,
    Joining,
    JoinRequest,
    JoinRequests,
    Link,
    Links,
    MadeLink,
    NewLink,
    OneLink,
)
from handlers.chat.service.access import Access, Enter
from handlers.chat.service.errors import GroupFull
from handlers.chat.service.listing import Listing
from handlers.chat.service.roster import Plan, Roster
from handlers.chat.service.screening import Screening, closing
from handlers.chat.service.state import State, States
from handlers.chat.store import Effect, LinkStore, MemberStore
from handlers.chat.store.links import MOST_LINKS, StoredLink
from server.actors import Actor
from server.clock import Clock
from server.errors import Conflict, Forbidden, NotFound
from server.events import Publisher, Users
from server.hub.channels import FEW
from server.routes import Limit
from server.slices import Spender

ENTRIES = Limit(10, 1.0, by="target")
"""Messaging rules §5: so many come into a group by its links at once, then one a second."""
VOID = "This link does not lead into a group any more: ask for another one."


class JoinLinks:
    """Makes links, and lets people in by them."""

    def __init__(
        self,
        *,
        access: Enter,
        states: States,
        roster: Roster,
        links: LinkStore,
        members: MemberStore,
        listing: Listing,
        publish: Publisher,
        clock: Clock,
        max_members: int,
        screening: Screening,
        spend: Spender,
    ) -> None:
        self._access = access
        self._states = states
        self._roster = roster
        self._links = links
        self._members = members
        self._listing = listing
        self._publish = publish
        self._clock = clock
        self._max_members = max_members
        self._screening = screening
        self._spend = spend

    async def make(self, actor: Actor, wanted: NewLink) -> MadeLink:
        """A new link. Raises NotFound, Forbidden, Conflict (too many)."""
        token, now = new_secret(), self._clock.now()
        link = Link(
            id=new_id(),
            conversation_id=wanted.conversation_id,
            created_by=actor.user_id,
            created_at=now,
            expires_at=None if wanted.expires_in is None else now + timedelta(seconds=wanted.expires_in),
            max_uses=wanted.max_uses,
            uses=0,
            approval=wanted.approval,
        )
        known: list[Link] = []

        async def enter() -> Access:
            nonlocal known
            access = await self._access(wanted.conversation_id, actor)
            known = await self._links.of_group(wanted.conversation_id, now)
            return access

        def plan(access: Access) -> Plan:
            access.must_manage()
            if len(known) >= MOST_LINKS:
                raise Conflict(f"A group has at most {MOST_LINKS} links: revoke one first.")
            return _settings(access.state, lambda _: [self._links.making(link, digest(token))], fields=["links"])

        await self._roster.change_by(actor, enter, plan)
        return MadeLink(**link.model_dump(), token=token)

    async def list(self, actor: Actor, conversation_id: str) -> Links:
        """The links of a group. Raises NotFound, Forbidden."""
        (await self._access(conversation_id, actor)).must_manage()
        return Links(links=await self._links.of_group(conversation_id, self._clock.now()))

    async def revoke(self, actor: Actor, wanted: OneLink) -> None:
        """Let a link bring nobody in any more. Raises NotFound, Forbidden."""
        found: StoredLink | None = None

        async def enter() -> Access:
            nonlocal found
            access = await self._access(wanted.conversation_id, actor)
            found = await self._links.get(wanted.link_id)
            return access

        def plan(access: Access) -> Plan | None:
            access.must_manage()
            if found is None or found.link.conversation_id != wanted.conversation_id:
                raise NotFound("There is no such link.")
            if found.revoked:
                return None
            return _settings(access.state, lambda _: [self._links.revoking(wanted.link_id)], fields=["links"])

        await self._roster.change_by(actor, enter, plan)

    async def join(self, actor: Actor, wanted: Joining) -> Joined:
        """Come in by a link, or wait for an admin. Raises NotFound, Forbidden (removed before), GroupFull, Conflict."""
        link = await self._open(wanted.token)
        conversation_id = link.conversation_id
        await self._spend("chat.join:group", [(conversation_id, ENTRIES)])
        if not link.approval and await self._enter(actor, wanted.token, link):
            return await self._inside(actor, conversation_id)
        access = await self._at_the_door(actor, wanted.token, conversation_id)
        if actor.user_id not in access.state.members:
            return await self._wait(actor, access.state, link)
        return await self._inside(actor, conversation_id)

    async def _enter(self, actor: Actor, token: str, link: Link) -> bool:
        """Come in if the group takes people without an admin's consent now. The one who is too many closes it."""
        outcome: Literal["in", "closed", "closing"] = "in"

        def plan(access: Access) -> Plan | None:
            nonlocal outcome
            state = access.state
            if actor.user_id in state.members:
                outcome = "in"
                return None
            if state.record.join_approval:
                outcome = "closed"
                return None
            if self._screening.stormed(state):
                outcome = "closing"
                return closing(state)
            outcome = "in"
            return self._coming(state, actor.user_id, link.id, action="joined")

        enter = partial(self._at_the_door, actor, token, link.conversation_id)
        await self._roster.change_by(actor, enter, plan)
        if outcome == "closing":
            await self._screening.locked(link.conversation_id)
        return outcome == "in"

    async def queue(self, actor: Actor, conversation_id: str) -> JoinRequests:
        """Who waits. Raises NotFound, Forbidden."""
        (await self._access(conversation_id, actor)).must_manage()
        return JoinRequests(requests=await self._links.queue(conversation_id))

    async def answer(self, actor: Actor, wanted: Answer) -> None:
        """Let somebody in who waits, or not. Raises NotFound, Forbidden, GroupFull, Conflict (the link is used up)."""
        conversation_id, user_id = wanted.conversation_id, wanted.user_id
        link: StoredLink | None = None

        async def enter() -> Access:
            nonlocal link
            access = await self._access(conversation_id, actor)
            link_id = await self._links.link_of_request(conversation_id, user_id)
            link = None if link_id is None else await self._links.get(link_id)
            return access

        def plan(access: Access) -> Plan:
            access.must_manage()
            state, answering = access.state, self._links.answering(conversation_id, user_id)
            if link is None:
                raise NotFound("This person does not wait to join.")
            if not wanted.accept or user_id in state.members:
                return _settings(state, lambda _: [answering], fields=["requests"], about=[user_id])
            if link.link.max_uses is not None and link.link.uses >= link.link.max_uses:
                raise Conflict("The link has brought in as many as it may: add this person yourself.")
            coming = self._coming(state, user_id, link.link.id, action="added")
            return Plan(coming.body, lambda seq: [*coming.effects(seq), answering], size=coming.size)

        await self._roster.change_by(actor, enter, plan)

    async def forget(self, user_id: str) -> None:
        """A person who is gone waits nowhere."""
        await self._links.withdraw(user_id)

    async def _open(self, token: str) -> Link:
        wanted = digest(token)
        found = await self._links.of_digest(wanted)
        if found is None or not same(found.digest, wanted) or not found.open(self._clock.now()):
            raise NotFound(VOID)
        return found.link

    async def _at_the_door(self, actor: Actor, token: str, conversation_id: str) -> Access:
        """The group as it is, for somebody who may come in by the link; what is read of that is never older."""
        state = await self._states.current(conversation_id)
        if state is None or not state.record.is_active:
            raise NotFound(VOID)
        if actor.user_id not in state.members:
            await self._open(token)
            if await self._members.was_removed(conversation_id, actor.user_id):
                raise Forbidden("You were removed from this group: only its admins can add you again.")
        return Access(state, actor.user_id)

    def _coming(self, state: State, user_id: str, link_id: str, *, action: str) -> Plan:
        size = len(state.members) + 1
        if size > self._max_members:
            raise GroupFull(f"A group has at most {self._max_members} members.")
        at = self._clock.now()
        return Plan(
            {"action": action, "users": [user_id]},
            lambda seq: [
                *self._members.joining(
                    state.id,
                    {user_id: "member"},
                    seq=seq,
                    at=at,
                    large=size > FEW,
                    history=state.record.history_visible,
                ),
                self._links.using(link_id),
            ],
            size=size,
        )

    async def _wait(self, actor: Actor, state: State, link: Link) -> Joined:
        request = JoinRequest(conversation_id=state.id, user_id=actor.user_id, at=self._clock.now())
        fresh = await self._links.wait(request, link.id)
        if fresh is None:
            raise Conflict("Too many people wait to join this group: try again later.")
        if fresh:
            admins = [one for one in state.everybody if state.manages(one)]
            await self._publish(ConversationRequest(request, to=Users(admins)))
        return Joined(status="waiting", conversation_id=state.id, conversation=None)

    async def _inside(self, actor: Actor, conversation_id: str) -> Joined:
        mine = await self._listing.one(actor, conversation_id)
        return Joined(status="joined", conversation_id=conversation_id, conversation=mine)


def _settings(
    state: State, effects: Callable[[int], list[Effect]], *, fields: list[str], about: list[str] | None = None
) -> Plan:
    """A plan that changes no member. `about`: whom it concerns, for the list of admin actions only."""
    body: dict[str, object] = {"action": "settings", "fields": fields}
    if about:
        body["about"] = about
    return Plan(body, effects, size=len(state.members), kind="settings")
