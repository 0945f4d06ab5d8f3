"""Safety as one service: its parts put together."""

from handlers.auth.service import Auth
from handlers.chat.service import Chat
from handlers.safety.service.appeals import Appeals
from handlers.safety.service.audit import Audit
from handlers.safety.service.cases import Cases
from handlers.safety.service.evidence import Witness
from handlers.safety.service.measures import Measures
from handlers.safety.service.offices import Offices
from handlers.safety.settings import SafetySettings
from handlers.safety.store import AuditStore, CaseStore, MeasureStore
from handlers.users.service import Users
from handlers.users.service.ports import Transact
from server.clock import Clock
from server.events import Publisher


class Safety:
    """Reports, measures, appeals and the audit log. Commands call the parts."""

    def __init__(
        self,
        *,
        cases: CaseStore,
        measures: MeasureStore,
        audit: AuditStore,
        users: Users,
        auth: Auth,
        chat: Chat,
        transact: Transact,
        publish: Publisher,
        clock: Clock,
        settings: SafetySettings,
    ) -> None:
        self._measures = measures
        self.audit = Audit(audit, clock)
        self.measures = Measures(
            measures, users=users, audit=self.audit, transact=transact, publish=publish, clock=clock
        )
        self.offices = Offices(users=users, audit=self.audit, transact=transact)
        self.cases = Cases(
            cases,
            chat=chat,
            witness=Witness(chat, clock=clock, settings=settings),
            measures=self.measures,
            users=users,
            audit=self.audit,
            transact=transact,
            clock=clock,
            settings=settings,
        )
        self.appeals = Appeals(
            measures,
            measures=self.measures,
            auth=auth,
            audit=self.audit,
            transact=transact,
            publish=publish,
            clock=clock,
        )

    async def forget(self, user_id: str) -> None:
        """Remove what is kept of a person who is erased. The audit log keeps his id."""
        await self.cases.forget(user_id)
        await self._measures.forget(user_id)
