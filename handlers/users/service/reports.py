"""Telling moderators that something is wrong with somebody."""

from collections.abc import Callable

from crypto.ids import new_id
from handlers.users.events import UserReported
from handlers.users.models import NewReport, Report, Reported
from handlers.users.service.errors import NoSuchUser, NotYourself
from handlers.users.service.ports import Relations, Transact
from handlers.users.store import AlreadyReported, ReportStore, UserStore
from server.actors import Actor
from server.clock import Clock
from server.events import Nobody, Publisher


class Reports:
    """The reports about people."""

    def __init__(
        self,
        store: ReportStore,
        users: UserStore,
        *,
        clock: Clock,
        relations: Callable[[], Relations],
        transact: Transact,
        publish: Publisher,
    ) -> None:
        self._store = store
        self._users = users
        self._clock = clock
        self._relations = relations
        self._transact = transact
        self._publish = publish

    async def report(self, actor: Actor, new: NewReport) -> Report:
        """Report somebody; a second report of the same person returns the first.

        Raises NoSuchUser for whom the reporter cannot see; whom he blocked himself he may report all the same.
        """
        if new.user_id == actor.user_id:
            raise NotYourself("You cannot report yourself.")
        if not await self._may_report(actor.user_id, new.user_id):
            raise NoSuchUser
        found = await self._store.of(actor.user_id, new.user_id)
        if found is not None:
            return found
        report = Report(
            id=new_id(), user_id=new.user_id, reason=new.reason, status="open", created_at=self._clock.now()
        )

        async def file() -> None:
            await self._store.add(report, reporter_id=actor.user_id, details=new.details)
            about = Reported(report=report, reporter_id=actor.user_id, details=new.details)
            await self._publish(UserReported(about, to=Nobody(), id=report.id))

        try:
            await self._transact(file)
        except AlreadyReported:
            found = await self._store.of(actor.user_id, new.user_id)
            if found is None:
                raise
            return found
        return report

    async def close(self, report_id: str) -> None:
        """Note that a moderator has dealt with a report; in the caller's unit of work."""
        await self._store.close(report_id)

    async def forget(self, user_id: str) -> None:
        """Remove what the reports say of a person who is erased."""
        await self._store.forget(user_id, new_id())

    async def _may_report(self, reporter: str, about: str) -> bool:
        if await self._users.active(about) is None:
            return False
        relations = self._relations()
        if not await relations.blocked_among(reporter, [about]):
            return True
        return await relations.has_blocked(reporter, about)
