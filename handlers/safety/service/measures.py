"""Warnings and suspensions: taken by moderators, ended by them, by an appeal or by time."""

from datetime import timedelta
from functools import partial

from crypto.ids import new_id
from handlers.safety.events import Warned
from handlers.safety.models import Appeal, ListMeasures, Measure, MeasurePage, MyMeasure, MyMeasures
from handlers.safety.service.audit import Audit
from handlers.safety.service.errors import AlreadySuspended, NoSuchAccount, NotSuspended, Untouchable
from handlers.safety.store import AlreadyThere, MeasureStore
from handlers.users.models import Account, ReportReason
from handlers.users.service import Users
from handlers.users.service.ports import Transact
from server.actors import Actor
from server.clock import Clock
from server.events import Publisher
from server.events import Users as ToUsers

DUE_AT_ONCE = 200
SHOWN = 100
"""Of one's own measures."""


class Measures:
    """What was decided about people."""

    def __init__(
        self,
        store: MeasureStore,
        *,
        users: Users,
        audit: Audit,
        transact: Transact,
        publish: Publisher,
        clock: Clock,
    ) -> None:
        self._store = store
        self._users = users
        self._audit = audit
        self._transact = transact
        self._publish = publish
        self._clock = clock

    async def warn(
        self, actor: Actor, user_id: str, *, reason: ReportReason, message: str, case_id: str | None = None
    ) -> Measure:
        """Warn somebody, in the caller's unit of work. Raises NoSuchAccount, Untouchable."""
        await self._touchable(actor, user_id)
        measure = Measure(
            id=new_id(),
            user_id=user_id,
            kind="warning",
            reason=reason,
            message=message,
            case_id=case_id,
            by=actor.user_id,
            created_at=self._clock.now(),
            until=None,
            active=True,
        )
        await self._store.add(measure)
        await self._audit.note("user.warned", by=actor.user_id, user_id=user_id, about=measure.id, note=message)
        await self._publish(Warned(_mine(measure, None), to=ToUsers([user_id])))
        return measure

    async def suspend(
        self,
        actor: Actor,
        user_id: str,
        *,
        reason: ReportReason,
        message: str,
        days: int | None,
        case_id: str | None = None,
    ) -> Measure:
        """Shut somebody out, in the caller's unit of work: his sessions end and his connections are cut.

        Raises NoSuchAccount, Untouchable, AlreadySuspended.
        """
        account = await self._touchable(actor, user_id)
        if account.status == "suspended":
            raise AlreadySuspended
        now = self._clock.now()
        measure = Measure(
            id=new_id(),
            user_id=user_id,
            kind="suspension",
            reason=reason,
            message=message,
            case_id=case_id,
            by=actor.user_id,
            created_at=now,
            until=now + timedelta(days=days) if days else None,
            active=True,
        )
        try:
            await self._store.add(measure)
        except AlreadyThere as error:
            raise AlreadySuspended from error
        await self._users.suspend(user_id)
        await self._audit.note("user.suspended", by=actor.user_id, user_id=user_id, about=measure.id, note=message)
        return measure

    async def reinstate(self, actor: Actor, user_id: str, note: str | None) -> None:
        """Let somebody in again, in the caller's unit. Raises NoSuchAccount, Untouchable, NotSuspended."""
        account = await self._touchable(actor, user_id)
        if account.status != "suspended":
            raise NotSuspended
        measure = await self._store.suspension(user_id)
        if measure is not None:
            await self._store.end(measure.id, self._clock.now())
        await self._users.unsuspend(user_id)
        about = measure.id if measure else None
        await self._audit.note("user.reinstated", by=actor.user_id, user_id=user_id, about=about, note=note)

    async def end(self, measure: Measure) -> bool:
        """End a measure, in the caller's unit of work. False when it is over already."""
        if not await self._store.end(measure.id, self._clock.now()):
            return False
        if measure.kind == "suspension":
            account = await self._users.account(measure.user_id)
            if account is not None and account.status == "suspended":
                await self._users.unsuspend(measure.user_id)
        return True

    async def end_due(self) -> int:
        """End the suspensions whose time is over; how many. Each is a unit of work of its own."""
        ended = 0
        while due := await self._store.due(self._clock.now(), DUE_AT_ONCE):
            for measure in due:
                ended += await self._transact(partial(self._run_out, measure))
        return ended

    async def of(self, wanted: ListMeasures) -> MeasurePage:
        """What was decided about a person, the newest first, for moderators."""
        found = await self._store.of(wanted.user_id, wanted.cursor, wanted.limit + 1)
        measures = found[: wanted.limit]
        return MeasurePage(measures=measures, next_cursor=measures[-1].id if len(found) > wanted.limit else None)

    async def mine(self, actor: Actor) -> MyMeasures:
        """One's own warnings and suspensions."""
        found = await self._store.of(actor.user_id, None, SHOWN)
        appeals = await self._store.appeals_against([one.id for one in found])
        return MyMeasures(measures=[_mine(one, appeals.get(one.id)) for one in found])

    async def _run_out(self, measure: Measure) -> bool:
        if not await self.end(measure):
            return False
        await self._audit.note("user.reinstated", by=None, user_id=measure.user_id, about=measure.id)
        return True

    async def _touchable(self, actor: Actor, user_id: str) -> Account:
        account = await self._users.account(user_id)
        if account is None:
            raise NoSuchAccount
        if user_id == actor.user_id or (account.role != "user" and actor.role != "admin"):
            raise Untouchable
        return account


def _mine(measure: Measure, appeal: Appeal | None) -> MyMeasure:
    return MyMeasure(
        id=measure.id,
        kind=measure.kind,
        reason=measure.reason,
        message=measure.message,
        created_at=measure.created_at,
        until=measure.until,
        active=measure.active,
        appeal=appeal.status if appeal else None,
    )
