"""What the engine may know of safety."""

from handlers.auth.service import Auth
from handlers.chat.service import Chat
from handlers.safety.events import EVENTS
from handlers.safety.jobs import JOBS
from handlers.safety.routes import routes
from handlers.safety.service import ERRORS, Safety
from handlers.safety.settings import SafetySettings
from handlers.safety.store import (
    APPEAL_INDEXES,
    APPEALS,
    AUDIT,
    AUDIT_HEAD,
    AUDIT_INDEXES,
    CASE_INDEXES,
    CASES,
    EVIDENCE,
    EVIDENCE_INDEXES,
    MEASURE_INDEXES,
    MEASURES,
    AuditStore,
    CaseStore,
    MeasureStore,
)
from handlers.users.events import UserErased, UserReported
from handlers.users.service import Users
from server.slices import Hears, Kit, Permission, Personal, Slice, Stored


def _build(kit: Kit) -> Safety:
    return Safety(
        cases=CaseStore(kit.collection(CASES), kit.collection(EVIDENCE)),
        measures=MeasureStore(kit.collection(MEASURES), kit.collection(APPEALS)),
        audit=AuditStore(kit.collection(AUDIT), kit.collection(AUDIT_HEAD)),
        users=kit.service(Users),
        auth=kit.service(Auth),
        chat=kit.service(Chat),
        transact=kit.mongo.transact,
        publish=kit.publish,
        clock=kit.clock,
        settings=kit.settings(SafetySettings),
    )


async def _reported(safety: Safety, event: UserReported) -> None:
    await safety.cases.hear(event.payload)


async def _erased(safety: Safety, event: UserErased) -> None:
    await safety.forget(event.payload.user_id)


manifest = Slice(
    name="safety",
    service=Safety,
    build=_build,
    needs=("users", "auth", "chat"),
    routes=routes,
    events=EVENTS,
    collections=(
        Stored(CASES, Personal(("reporterId", "userId"), erase="pseudonymise"), CASE_INDEXES),
        Stored(EVIDENCE, Personal(("messages.senderId",), erase="delete"), EVIDENCE_INDEXES),
        Stored(MEASURES, Personal(("userId",), erase="delete"), MEASURE_INDEXES),
        Stored(APPEALS, Personal(("userId",), erase="delete"), APPEAL_INDEXES),
        Stored(
            AUDIT,
            Personal(
                ("by", "userId"), erase="keep", reason="Who decided what, and why, stays provable for seven years."
            ),
            AUDIT_INDEXES,
        ),
        Stored(AUDIT_HEAD, None),
    ),
    permissions=(
        Permission("safety:report", "Report messages, people and conversations, and object to measures"),
        Permission("safety:moderate", "Work off reports, warn and suspend", roles=("moderator", "admin")),
        Permission("safety:appoint", "Make people moderators and admins", roles=("admin",)),
        Permission("safety:audit", "Read the audit log", roles=("admin",)),
    ),
    settings=SafetySettings,
    errors=ERRORS,
    hears=(Hears(UserReported, _reported), Hears(UserErased, _erased)),
    jobs=JOBS,
)
