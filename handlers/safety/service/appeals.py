"""Objections to warnings and suspensions."""

from crypto.ids import new_id
from handlers.auth.models import Login
from handlers.auth.service import Auth
from handlers.auth.service.errors import InvalidCredentials
from handlers.safety.events import AppealDecided
from handlers.safety.models import (
    Appeal,
    AppealFromOutside,
    AppealPage,
    AppealStatus,
    Decision,
    ListAppeals,
    Measure,
    NewAppeal,
)
from handlers.safety.service.audit import Audit
from handlers.safety.service.errors import AlreadyAppealed, NoSuchAppeal, NothingToAppeal, OwnMeasure
from handlers.safety.service.measures import Measures
from handlers.safety.store import AlreadyThere, MeasureStore
from handlers.users.service.ports import Transact
from server.actors import Actor, Caller
from server.clock import Clock
from server.errors import Unauthenticated
from server.events import Publisher
from server.events import Users as ToUsers


class Appeals:
    """Hears each person once about each measure."""

    def __init__(
        self,
        store: MeasureStore,
        *,
        measures: Measures,
        auth: Auth,
        audit: Audit,
        transact: Transact,
        publish: Publisher,
        clock: Clock,
    ) -> None:
        self._store = store
        self._measures = measures
        self._auth = auth
        self._audit = audit
        self._transact = transact
        self._publish = publish
        self._clock = clock

    async def object(self, actor: Actor, new: NewAppeal) -> Appeal:
        """Object to a measure against oneself. Raises NothingToAppeal, AlreadyAppealed."""
        measure = await self._store.get(new.measure_id)
        if measure is None or measure.user_id != actor.user_id:
            raise NothingToAppeal
        return await self._file(measure, new.text)

    async def from_outside(self, caller: Caller, given: AppealFromOutside) -> Appeal:
        """Object to one's suspension.

        Raises Unauthenticated, Overloaded, NothingToAppeal, AlreadyAppealed, and what the guard of sign-ins raises.
        """
        login = Login(
            email=given.email,
            username=given.username,
            password=given.password,
            proof_of_work=given.proof_of_work,
        )
        try:
            account = await self._auth.prove(caller, login)
        except InvalidCredentials as error:
            raise Unauthenticated(error.message) from error
        measure = await self._store.suspension(account.id)
        if measure is None:
            raise NothingToAppeal
        return await self._file(measure, given.text)

    async def queue(self, wanted: ListAppeals) -> AppealPage:
        """Appeals, the oldest first."""
        found = await self._store.appeals(wanted.status, wanted.cursor, wanted.limit + 1)
        appeals = found[: wanted.limit]
        return AppealPage(appeals=appeals, next_cursor=appeals[-1].id if len(found) > wanted.limit else None)

    async def decide(self, actor: Actor, decision: Decision) -> Appeal:
        """Grant or refuse an appeal, in the caller's unit. Raises NoSuchAppeal, OwnMeasure."""
        appeal = await self._store.appeal(decision.appeal_id)
        measure = await self._store.get(appeal.measure_id) if appeal else None
        if appeal is None or measure is None or appeal.user_id == actor.user_id:
            raise NoSuchAppeal
        if measure.by == actor.user_id and actor.role != "admin":
            raise OwnMeasure
        status: AppealStatus = "granted" if decision.granted else "refused"
        decided = await self._store.decide(appeal.id, status, decision.answer, self._clock.now())
        if decided is None:
            raise NoSuchAppeal
        if decision.granted:
            await self._measures.end(measure)
        await self._audit.note(
            f"appeal.{status}", by=actor.user_id, user_id=appeal.user_id, about=appeal.id, note=decision.answer
        )
        await self._publish(AppealDecided(decided, to=ToUsers([appeal.user_id])))
        return decided

    async def _file(self, measure: Measure, text: str) -> Appeal:
        if not measure.active:
            raise NothingToAppeal
        appeal = Appeal(
            id=new_id(),
            measure_id=measure.id,
            user_id=measure.user_id,
            text=text,
            status="open",
            created_at=self._clock.now(),
        )

        async def add() -> None:
            await self._store.add_appeal(appeal)
            await self._audit.note("appeal.filed", by=appeal.user_id, user_id=appeal.user_id, about=appeal.id)

        try:
            await self._transact(add)
        except AlreadyThere as error:
            raise AlreadyAppealed from error
        return appeal
