"""What members may do in a group: the admins' rule for all, restrictions of single ones, slow mode, the audit."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta

from crypto.ids import new_id
from handlers.chat.models.conversations import MyConversation
from handlers.chat.models.messages import NewMessage
from handlers.chat.models.rights import MEMBERS_MAY, AuditPage, ChangedPermissions, ListedAudit, NewRestriction, Right
from handlers.chat.service.access import Access, Enter
from handlers.chat.service.checks import WITH_MEDIA, refuse
from handlers.chat.service.errors import Restricted, SlowDown
from handlers.chat.service.listing import Listing
from handlers.chat.service.roster import Plan, Roster
from handlers.chat.service.state import State, States
from handlers.chat.store import AuditStore, MemberStore
from handlers.chat.words import has_link
from server.actors import Actor
from server.clock import Clock
from server.errors import Conflict, Forbidden, NotFound
from storage.log import Entry, Guard

LONGEST = timedelta(days=366)
"""How far ahead the end of a restriction may be."""

Check = Callable[[State], Awaitable[None]]
"""Looks at a group as it is now; what it raises refuses what somebody wants to do there."""

_REFUSED: dict[Right, str] = {
    "send": "write here",
    "media": "send pictures, videos, recordings or files here",
    "links": "send links here",
    "polls": "make polls here",
    "pin": "pin messages here",
}


def rights_for(message: NewMessage) -> list[Right]:
    """What somebody must be allowed to do who says this."""
    poll = message.poll
    texts = [message.content, *([poll.question, *poll.options] if poll else [])]
    return needed(message.type, *texts)


def needed(type_: str, *texts: str) -> list[Right]:
    """What somebody must be allowed to do who says something of this type with these texts."""
    found: list[Right] = ["send"]
    if type_ in WITH_MEDIA:
        found.append("media")
    if type_ == "poll":
        found.append("polls")
    if any(has_link(text) for text in texts):
        found.append("links")
    return found


class Floor:
    """Decides who may speak in a group, and how often. It decides by what is now in the database."""

    def __init__(self, *, access: Enter, states: States, members: MemberStore, clock: Clock) -> None:
        self._access = access
        self._states = states
        self._members = members
        self._clock = clock

    async def take(
        self, actor: Actor, access: Access, needs: Sequence[Right], *, op: str | None, also: Check | None = None
    ) -> Guard:
        """Let somebody speak. Raises Restricted and SlowDown; so does the guard, if the rules have just changed.

        With the same `op` the same message has its turn once, however often it is sent. At last the guard asks `also`.
        """
        turn = f"{actor.device_id}/{op}" if op else new_id()
        if self._refused(access.state, actor.user_id, needs) is not None:
            access = await self._access(access.conversation_id, actor)  # he may just have been allowed to elsewhere
        await self._let(access.state, actor.user_id, needs, turn)

        async def guard(_: Sequence[Entry]) -> None:
            state = await self._states.current(access.conversation_id)
            if state is None or actor.user_id not in state.members:
                raise NotFound("There is no such conversation.")
            await self._let(state, actor.user_id, needs, turn)
            if also is not None:
                await also(state)

        return guard

    async def enter(self, actor: Actor, access: Access, needs: Sequence[Right]) -> Access:
        """The access of somebody who may do this, which is no new message. Raises Restricted."""
        if self._refused(access.state, actor.user_id, needs) is not None:
            access = await self._access(access.conversation_id, actor)
        self.must(access.state, actor.user_id, needs)
        return access

    def must(self, state: State, user_id: str, needs: Collection[Right]) -> None:
        """Raises Restricted unless the member may do all this."""
        refused = self._refused(state, user_id, needs)
        if refused is not None:
            raise Restricted(f"In this group you may not {_REFUSED.get(refused, 'do this')} now: ask its admins.")

    def _refused(self, state: State, user_id: str, needs: Collection[Right]) -> Right | None:
        now = self._clock.now()
        return next((right for right in needs if not state.may(user_id, right, now)), None)

    async def _let(self, state: State, user_id: str, needs: Sequence[Right], turn: str) -> None:
        self.must(state, user_id, needs)
        span = timedelta(seconds=state.record.slow_mode)
        if not span or state.record.type == "direct" or state.manages(user_id):
            return
        now = self._clock.now()
        last = await self._members.take_turn(state.id, user_id, turn, now=now, span=span)
        if last is not None:
            wait = max(timedelta(milliseconds=1), last + span - now)
            raise SlowDown(
                f"In this group you may write every {state.record.slow_mode} seconds: wait.",
                retry_after_ms=wait // timedelta(milliseconds=1),
            )


class Rules:
    """The admins' side: who may do what, how fast, and what was done."""

    def __init__(
        self,
        *,
        access: Enter,
        roster: Roster,
        members: MemberStore,
        listing: Listing,
        audit: AuditStore,
        clock: Clock,
    ) -> None:
        self._access = access
        self._roster = roster
        self._members = members
        self._listing = listing
        self._audit = audit
        self._clock = clock

    async def permit(self, actor: Actor, wanted: ChangedPermissions) -> MyConversation:
        """Set what members may do, and slow mode. Raises NotFound, Forbidden, Invalid."""
        given = wanted.model_dump(exclude={"conversation_id"}, exclude_unset=True, by_alias=True)
        for name, value in given.items():
            if value is None:
                refuse(name, "cannot be cleared")

        def plan(access: Access) -> Plan | None:
            access.must_manage()
            state = access.state
            before = state.permissions | {"slowMode": state.record.slow_mode}
            changed = {name: value for name, value in given.items() if before[name] != value}
            if not changed:
                return None
            rights = {name: changed.get(name, before[name]) for name in MEMBERS_MAY if name != "invite"}
            values = {
                "permissions": rights,
                "slow_mode": changed.get("slowMode", state.record.slow_mode),
                "allow_invites": changed.get("invite", state.record.allow_invites),
            }
            body: dict[str, object] = {"action": "settings", "fields": sorted(changed)}
            return Plan(body, lambda _: [], size=len(state.members), values=values, kind="settings")

        await self._roster.change(actor, wanted.conversation_id, plan)
        return await self._listing.one(actor, wanted.conversation_id)

    async def restrict(self, actor: Actor, wanted: NewRestriction) -> MyConversation:
        """Refuse a member something, or nothing any more. Raises NotFound, Forbidden, Conflict, Invalid."""
        until = self._end(wanted)
        denied = sorted(wanted.denied)

        def plan(access: Access) -> Plan | None:
            access.must_manage()
            state = access.state
            member = state.members.get(wanted.user_id)
            if member is None:
                raise NotFound("This person is not a member.")
            if member.role != "member":
                raise Conflict("Owner and admins cannot be restricted: the owner makes them a member first.")
            if (sorted(member.denied), member.denied_until, member.silent_until) == (denied, until, None):
                return None
            body: dict[str, object] = {"action": "restricted", "users": [wanted.user_id], "denied": denied}
            if until is not None:
                body["until"] = until
            return Plan(
                body,
                lambda _: [self._members.restricting(state.id, wanted.user_id, denied, until)],
                size=len(state.members),
            )

        await self._roster.change(actor, wanted.conversation_id, plan)
        return await self._listing.one(actor, wanted.conversation_id)

    async def audit(self, actor: Actor, wanted: ListedAudit) -> AuditPage:
        """What was done to a group. Raises NotFound, Forbidden."""
        access = await self._access(wanted.conversation_id, actor)
        access.must_manage()
        found = await self._audit.page(access.conversation_id, before=wanted.before, limit=wanted.limit + 1)
        page = found[: wanted.limit]
        return AuditPage(entries=page, next_before=page[-1].seq if len(found) > len(page) else None)

    def _end(self, wanted: NewRestriction) -> datetime | None:
        until, now = wanted.until, self._clock.now()
        if until is None:
            return None
        if not wanted.denied:
            refuse("until", "goes with what is denied")
        if not now < until <= now + LONGEST:
            refuse("until", f"must be in the future and at most {LONGEST.days} days ahead")
        return until


def may_invite(access: Access, now: datetime) -> None:
    """Raises Forbidden unless the member may bring people into this group."""
    if access.state.record.type == "direct":
        raise Forbidden("A direct conversation has two people: make a group.")
    if not access.state.may(access.user_id, "invite", now):
        raise Forbidden("Only the group's admins can do this.")
