"""Reports: filed by anybody, worked off by moderators."""

from datetime import timedelta

from crypto.ids import new_id
from handlers.chat.service import Chat, NoRequest
from handlers.safety.models import (
    Case,
    CaseFile,
    CasePage,
    Evidence,
    Filed,
    ListCases,
    NewCase,
    ReportedRequest,
    Resolution,
)
from handlers.safety.service.audit import Audit
from handlers.safety.service.errors import NobodyToBlame, NoSuchCase, NotARequest, NotYours, OwnMessage
from handlers.safety.service.evidence import Witness
from handlers.safety.service.measures import Measures
from handlers.safety.settings import SafetySettings
from handlers.safety.store import AlreadyFiled, CaseStore
from handlers.users.models import Reported
from handlers.users.service import Users
from handlers.users.service.ports import Transact
from server.actors import Actor
from server.clock import Clock


class Cases:
    """The moderators' queue."""

    def __init__(
        self,
        store: CaseStore,
        *,
        chat: Chat,
        witness: Witness,
        measures: Measures,
        users: Users,
        audit: Audit,
        transact: Transact,
        clock: Clock,
        settings: SafetySettings,
    ) -> None:
        self._store = store
        self._chat = chat
        self._witness = witness
        self._measures = measures
        self._users = users
        self._audit = audit
        self._transact = transact
        self._clock = clock
        self._held = timedelta(minutes=settings.claim_minutes)

    async def file(self, actor: Actor, new: NewCase) -> Filed:
        """Report a message or a conversation; a second report of the same returns the first.

        Raises NotFound for what the reporter cannot see, OwnMessage.
        """
        target = new.message_id or new.conversation_id or ""
        case_id = new_id()
        user_id: str | None
        if new.message_id is not None:
            user_id, evidence = await self._witness.of_message(actor, case_id, new.message_id)
        else:
            user_id, evidence = await self._witness.of_conversation(actor, case_id, target)
        if user_id == actor.user_id:
            raise OwnMessage
        case = Case(
            id=case_id,
            subject="message" if new.message_id else "conversation",
            user_id=user_id,
            conversation_id=new.conversation_id or target.partition(":")[0],
            message_id=new.message_id,
            reporter_id=actor.user_id,
            reason=new.reason,
            details=new.details,
            status="open",
            created_at=self._clock.now(),
        )
        return _filed(await self._add(case, evidence, target))

    async def file_request(self, actor: Actor, wanted: ReportedRequest) -> Filed:
        """Report the request of a stranger, and put it away. Raises NotFound, NotARequest."""
        try:
            await self._chat.requests.must_be_asked(actor, wanted.conversation_id)
        except NoRequest as error:
            raise NotARequest from error
        new = NewCase(conversation_id=wanted.conversation_id, reason=wanted.reason, details=wanted.details)
        filed = await self.file(actor, new)
        await self._chat.requests.ignore(actor, wanted.conversation_id)
        return filed

    async def hear(self, reported: Reported) -> None:
        """A person was reported: that is a case too, under the id of the report. Hearing it twice does no harm."""
        report = reported.report
        case = Case(
            id=report.id,
            subject="user",
            user_id=report.user_id,
            conversation_id=None,
            message_id=None,
            reporter_id=reported.reporter_id,
            reason=report.reason,
            details=reported.details,
            status="open",
            created_at=report.created_at,
        )
        await self._add(case, None, report.user_id)

    async def queue(self, wanted: ListCases) -> CasePage:
        """Cases, the oldest first."""
        found = await self._store.queue(wanted.status, wanted.cursor, wanted.limit + 1)
        cases = found[: wanted.limit]
        return CasePage(cases=cases, next_cursor=cases[-1].id if len(found) > wanted.limit else None)

    async def look(self, actor: Actor, case_id: str) -> CaseFile:
        """A case with its evidence; that somebody looked is noted. In the caller's unit. Raises NoSuchCase."""
        case = await self._store.get(case_id)
        if case is None:
            raise NoSuchCase
        await self._audit.note("case.seen", by=actor.user_id, user_id=case.user_id, about=case.id)
        return CaseFile(case=case, evidence=await self._store.evidence(case.id, self._clock.now()))

    async def claim(self, actor: Actor, case_id: str) -> Case:
        """Take a case, in the caller's unit. Taking it again renews it. Raises NoSuchCase, NotYours."""
        now = self._clock.now()
        if await self._store.get(case_id) is None:
            raise NoSuchCase
        case = await self._store.claim(case_id, actor.user_id, now, stale=now - self._held)
        if case is None:
            raise NotYours("Another moderator has this case, or it is closed: take another one.")
        await self._audit.note("case.claimed", by=actor.user_id, user_id=case.user_id, about=case.id)
        return case

    async def resolve(self, actor: Actor, wanted: Resolution) -> Case:
        """Close a case that one has claimed, with a measure if it needs one; in the caller's unit.

        Raises NoSuchCase, NotYours, NobodyToBlame, and what `Measures` raises; then nothing has changed.
        """
        if await self._store.get(wanted.case_id) is None:
            raise NoSuchCase
        case = await self._store.close(
            wanted.case_id, actor.user_id, self._clock.now(), outcome=wanted.outcome, note=wanted.note
        )
        if case is None:
            raise NotYours("Claim the case first; another moderator has it, or it is closed.")
        await self._audit.note(
            f"case.{wanted.outcome}", by=actor.user_id, user_id=case.user_id, about=case.id, note=wanted.note
        )
        if wanted.message is not None:
            await self._punish(actor, case, wanted, wanted.message)
        if case.subject == "user":
            await self._users.reports.close(case.id)
        return case

    async def forget_evidence(self) -> int:
        """Remove the evidence whose time is over; of how many cases."""
        return await self._store.forget_evidence(self._clock.now())

    async def forget(self, user_id: str) -> None:
        """Remove what cases and evidence hold of a person who is erased."""
        await self._transact(lambda: self._store.forget(user_id, new_id()))

    async def _punish(self, actor: Actor, case: Case, wanted: Resolution, message: str) -> None:
        if case.user_id is None:
            raise NobodyToBlame
        if wanted.outcome == "suspended":
            await self._measures.suspend(
                actor, case.user_id, reason=case.reason, message=message, days=wanted.days, case_id=case.id
            )
        else:
            await self._measures.warn(actor, case.user_id, reason=case.reason, message=message, case_id=case.id)

    async def _add(self, case: Case, evidence: Evidence | None, target: str) -> Case:
        try:
            await self._transact(lambda: self._store.add(case, evidence))
        except AlreadyFiled:
            found = await self._store.of(case.reporter_id, target)
            if found is None:
                raise
            return found
        return case


def _filed(case: Case) -> Filed:
    return Filed(
        id=case.id,
        subject=case.subject,
        message_id=case.message_id,
        conversation_id=case.conversation_id,
        reason=case.reason,
        status="closed" if case.status == "closed" else "open",
        created_at=case.created_at,
    )
