"""What people may do about others who misbehave, and what moderators may do about that."""

from handlers.auth.service.errors import ChallengeNeeded
from handlers.safety.models import (
    Appeal,
    AppealFromOutside,
    AppealPage,
    Appointment,
    AuditPage,
    Case,
    CaseFile,
    CasePage,
    Decision,
    Filed,
    ListAppeals,
    ListAudit,
    ListCases,
    ListMeasures,
    ListOffices,
    Measure,
    MeasurePage,
    MyMeasures,
    NewAppeal,
    NewCase,
    NewSuspension,
    NewWarning,
    Office,
    OfficePage,
    OneCase,
    Reinstating,
    ReportedRequest,
    Resolution,
)
from handlers.safety.service import (
    AlreadyAppealed,
    AlreadySuspended,
    LastAdmin,
    NobodyToBlame,
    NoSuchAccount,
    NoSuchAppeal,
    NoSuchCase,
    NotActive,
    NotAdmin,
    NotARequest,
    NothingToAppeal,
    NotSuspended,
    NotYours,
    OwnMeasure,
    OwnMessage,
    Safety,
    Untouchable,
)
from server.actors import Actor, Caller
from server.errors import NotFound, Overloaded, RateLimited, Unauthenticated, Unavailable
from server.routes import Limit, Routes

routes = Routes("safety")

_REPORTS = (Limit(20, 4320, pool="reports"),)
"""Messaging rules §5: 20 a day, reports of people (in the users slice) among them."""
_APPEALS = (Limit(5, 720),)
_OUTSIDE = (Limit(5, 333, by="address", strict=True),)
"""A password is checked: the limits of signing in, whose guard counts too."""
_READS = (Limit(60, 0.5),)
_ACTS = (Limit(60, 1),)


@routes.command(
    "POST /api/reports",
    event="reports:create",
    needs="safety:report",
    status=201,
    limits=_REPORTS,
    errors=(NotFound, OwnMessage),
)
async def report(safety: Safety, actor: Actor, body: NewCase) -> Filed:
    """Report a message or a conversation to the moderators.

    They get a copy of the message and of up to 20 around it, which is kept for 90 days at most. Nobody else learns of
    the report. Reporting the same again returns the first report.
    """
    return await safety.cases.file(actor, body)


@routes.command(
    "POST /api/message-requests/{conversationId}/report",
    event="requests:report",
    needs="safety:report",
    status=201,
    limits=_REPORTS,
    errors=(NotFound, NotARequest, Unavailable),
)
async def report_request(safety: Safety, actor: Actor, body: ReportedRequest) -> Filed:
    """Report the request of a stranger to the moderators, with its message as evidence, and put it away.

    The stranger learns neither. To block as well is a command of its own.
    """
    return await safety.cases.file_request(actor, body)


@routes.command("GET /api/safety/measures", event="safety:measures", needs="safety:report", limits=_READS)
async def mine(safety: Safety, actor: Actor) -> MyMeasures:
    """List your own warnings and suspensions, and how your appeals stand."""
    return await safety.measures.mine(actor)


@routes.command(
    "POST /api/appeals",
    event="appeals:create",
    needs="safety:report",
    status=201,
    limits=_APPEALS,
    errors=(NothingToAppeal, AlreadyAppealed),
)
async def appeal(safety: Safety, actor: Actor, body: NewAppeal) -> Appeal:
    """Object to a warning, once."""
    return await safety.appeals.object(actor, body)


@routes.command(
    "POST /api/appeals/suspension",
    public=True,
    status=201,
    limits=_OUTSIDE,
    errors=(Unauthenticated, NothingToAppeal, AlreadyAppealed, ChallengeNeeded, RateLimited, Overloaded),
)
async def appeal_suspension(safety: Safety, caller: Caller, body: AppealFromOutside) -> Appeal:
    """Object to your suspension, once; you cannot sign in meanwhile, so your password proves who you are."""
    return await safety.appeals.from_outside(caller, body)


@routes.command("GET /api/moderation/reports", event="moderation:reports", needs="safety:moderate", limits=_READS)
async def queue(safety: Safety, body: ListCases) -> CasePage:
    """List the cases of a status, the oldest first."""
    return await safety.cases.queue(body)


@routes.command(
    "GET /api/moderation/reports/{caseId}",
    event="moderation:report",
    needs="safety:moderate",
    unit=True,
    limits=_READS,
    errors=(NoSuchCase,),
)
async def look(safety: Safety, actor: Actor, body: OneCase) -> CaseFile:
    """See a case with its evidence. That you looked is noted in the audit log."""
    return await safety.cases.look(actor, body.case_id)


@routes.command(
    "POST /api/moderation/reports/{caseId}/claim",
    event="moderation:claim",
    needs="safety:moderate",
    unit=True,
    limits=_ACTS,
    errors=(NoSuchCase, NotYours),
)
async def claim(safety: Safety, actor: Actor, body: OneCase) -> Case:
    """Take a case, so that no other moderator works on it; after 30 minutes another may take it."""
    return await safety.cases.claim(actor, body.case_id)


@routes.command(
    "POST /api/moderation/reports/{caseId}/resolve",
    event="moderation:resolve",
    needs="safety:moderate",
    unit=True,
    limits=_ACTS,
    errors=(NoSuchCase, NotYours, NobodyToBlame, NoSuchAccount, Untouchable, AlreadySuspended),
)
async def resolve(safety: Safety, actor: Actor, body: Resolution) -> Case:
    """Close a case that you have taken: dismiss it, or warn or suspend the person whom it is about."""
    return await safety.cases.resolve(actor, body)


@routes.command(
    "POST /api/moderation/users/{userId}/warn",
    event="moderation:warn",
    needs="safety:moderate",
    unit=True,
    status=201,
    limits=_ACTS,
    errors=(NoSuchAccount, Untouchable),
)
async def warn(safety: Safety, actor: Actor, body: NewWarning) -> Measure:
    """Warn somebody without a case."""
    return await safety.measures.warn(actor, body.user_id, reason=body.reason, message=body.message)


@routes.command(
    "POST /api/moderation/users/{userId}/suspend",
    event="moderation:suspend",
    needs="safety:moderate",
    unit=True,
    status=201,
    limits=_ACTS,
    errors=(NoSuchAccount, Untouchable, AlreadySuspended),
)
async def suspend(safety: Safety, actor: Actor, body: NewSuspension) -> Measure:
    """Shut somebody out, for some days or until it is lifted. Connections are cut on every server within 2 seconds."""
    return await safety.measures.suspend(actor, body.user_id, reason=body.reason, message=body.message, days=body.days)


@routes.command(
    "POST /api/moderation/users/{userId}/reinstate",
    event="moderation:reinstate",
    needs="safety:moderate",
    unit=True,
    limits=_ACTS,
    errors=(NoSuchAccount, Untouchable, NotSuspended),
)
async def reinstate(safety: Safety, actor: Actor, body: Reinstating) -> None:
    """Let somebody in again."""
    await safety.measures.reinstate(actor, body.user_id, body.note)


@routes.command(
    "GET /api/moderation/users/{userId}/measures",
    event="moderation:measures",
    needs="safety:moderate",
    limits=_READS,
)
async def measures(safety: Safety, body: ListMeasures) -> MeasurePage:
    """List what was decided about somebody, the newest first."""
    return await safety.measures.of(body)


@routes.command("GET /api/moderation/appeals", event="moderation:appeals", needs="safety:moderate", limits=_READS)
async def appeals(safety: Safety, body: ListAppeals) -> AppealPage:
    """List the appeals of a status, the oldest first."""
    return await safety.appeals.queue(body)


@routes.command(
    "POST /api/moderation/appeals/{appealId}/decide",
    event="moderation:decide",
    needs="safety:moderate",
    unit=True,
    limits=_ACTS,
    errors=(NoSuchAppeal, OwnMeasure),
)
async def decide(safety: Safety, actor: Actor, body: Decision) -> Appeal:
    """Grant an appeal, which ends the measure, or refuse it. Not against your own measure, unless you are an admin."""
    return await safety.appeals.decide(actor, body)


@routes.command("GET /api/moderation/audit", event="moderation:audit", needs="safety:audit", limits=_READS)
async def audit(safety: Safety, body: ListAudit) -> AuditPage:
    """Read the audit log, the newest lines first."""
    return await safety.audit.page(body)


@routes.command("GET /api/moderation/offices", event="moderation:offices", needs="safety:appoint", limits=_READS)
async def offices(safety: Safety, body: ListOffices) -> OfficePage:
    """List the moderators and admins."""
    return await safety.offices.page(body)


@routes.command(
    "PUT /api/moderation/users/{userId}/role",
    event="moderation:appoint",
    needs="safety:appoint",
    unit=True,
    limits=_ACTS,
    errors=(NoSuchAccount, NotActive, NotAdmin, LastAdmin),
)
async def appoint(safety: Safety, actor: Actor, body: Appointment) -> Office:
    """Make somebody a moderator, an admin or a user again; the last admin stays one.

    The person is signed out on every device within 2 seconds, since tokens carry the role, and has the new one after
    signing in. The first admin is made on the server itself: `run.py grant --role admin USERNAME`.
    """
    return await safety.offices.appoint(actor, body)
