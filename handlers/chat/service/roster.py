"""How a group's members and rules change: a plan is made from the group as it is, and holds only while it is so."""

from collections.abc import Awaitable, Callable, Sequence

from handlers.chat.service.access import Access, Enter
from handlers.chat.service.bulletins import Bulletins
from handlers.chat.service.desk import Desk
from handlers.chat.service.state import State
from handlers.chat.store import ConversationStore, Effect, MemberStore, auditing
from server.actors import Actor
from server.clock import Clock
from server.errors import Unavailable
from server.hub.channels import FEW
from storage.log import Draft, Entry

ATTEMPTS = 8
"""How often a change is planned anew because somebody else changed the group first."""


class Moved(Exception):
    """The group is no longer as it was when the change was planned."""


class Plan:
    """What shall become of a group: the entry's body, the writes that go with it, how many members there are then.

    `values` are fields of the conversation, `kind` the kind of the entry, `by` who does it when it is not the one who
    asks.
    """

    def __init__(
        self,
        body: dict[str, object],
        effects: Callable[[int], list[Effect]],
        *,
        size: int,
        values: dict[str, object] | None = None,
        kind: str = "member",
        by: str | None = None,
    ) -> None:
        self.body = body
        self.effects = effects
        self.size = size
        self.values = values or {}
        self.kind = kind
        self.by = by


Planner = Callable[[Access], Plan | None]
"""From the group as it is to a plan; None when there is nothing to do. What it raises refuses the change."""


class Roster:
    """Changes groups, one plan after the other."""

    def __init__(
        self,
        *,
        access: Enter,
        desk: Desk,
        bulletins: Bulletins,
        conversations: ConversationStore,
        members: MemberStore,
        clock: Clock,
    ) -> None:
        self._access = access
        self._desk = desk
        self._bulletins = bulletins
        self._conversations = conversations
        self._members = members
        self._clock = clock

    async def change(self, actor: Actor, conversation_id: str, planner: Planner) -> None:
        """Plan and append, until nobody has changed the group between the two."""
        await self.change_by(actor, lambda: self._access(conversation_id, actor), planner)

    async def change_by(self, actor: Actor, enter: Callable[[], Awaitable[Access]], planner: Planner) -> None:
        """The same for somebody who comes in by another way than as a member."""
        for _ in range(ATTEMPTS):
            access = await enter()
            plan = planner(access)
            if plan is None:
                return
            try:
                await self._desk.submit(self._draft(actor, access.state, plan), self._bulletins.tell)
            except Moved:
                continue
            return
        raise Unavailable("This group is changing too fast: try again in a moment.", retry_after_ms=500)

    def _draft(self, actor: Actor, state: State, plan: Plan) -> Draft:
        at, by = self._clock.now(), plan.by or actor.user_id
        gone = plan.body.get("action") in {"removed", "left"} and len(state.members) == 1
        values = plan.values | ({"is_active": False} if gone else {})

        def effects(seq: int) -> list[Effect]:
            crossed = (len(state.members) > FEW) != (plan.size > FEW)
            sizing = [self._members.sizing(state.id, large=plan.size > FEW)] if crossed else []
            noting = auditing(state.id, plan.body, seq=seq, by=by, at=at)
            changing = self._conversations.changing(state.id, values, seq=seq, at=at)
            return [*plan.effects(seq), *sizing, changing, noting]

        return Draft(
            conversation=state.id,
            kind=plan.kind,
            sender=by,
            device=actor.device_id if by == actor.user_id else "",
            body=dict(plan.body),
            effects=effects,
            guard=_as_planned,
            known=state.seq,
        )


async def _as_planned(_: Sequence[Entry]) -> None:
    raise Moved
