"""Writing down what AutoMod did, and telling the admins."""

from collections.abc import Sequence
from datetime import datetime

from crypto.ids import new_id
from handlers.automod.events import AutoModAlert
from handlers.automod.models.acts import Act, Hit, Outcome, Reason
from handlers.automod.store import ActStore
from server.clock import Clock
from server.events import Publisher, Users


def reasons_of(hits: Sequence[Hit]) -> list[Reason]:
    """What rules found, without what follows."""
    return [Reason(kind=hit.kind, name=hit.name, found=hit.found) for hit in hits]


class Notes:
    """The list of acts."""

    def __init__(self, store: ActStore, *, publish: Publisher, clock: Clock) -> None:
        self._store = store
        self._publish = publish
        self._clock = clock

    async def note(
        self,
        scope_id: str,
        outcome: Outcome,
        *,
        user_id: str | None,
        reasons: Sequence[Reason],
        by: str | None = None,
        edit: bool = False,
        held_id: str | None = None,
        silent_until: datetime | None = None,
        alert: Sequence[str] = (),
    ) -> None:
        """Write an act down, then tell these people of it."""
        act = Act(
            id=new_id(),
            conversation_id=scope_id,
            at=self._clock.now(),
            outcome=outcome,
            user_id=user_id,
            by=by,
            edit=edit,
            reasons=list(reasons),
            held_id=held_id,
            silent_until=silent_until,
        )
        await self._store.add(act)
        if alert:
            await self._publish(AutoModAlert(act, to=Users(alert)))
