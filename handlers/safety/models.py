"""What the safety slice stores, takes and gives."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from handlers.auth.models import Password, ProofOfWork
from handlers.chat.models.messages import Poll
from handlers.chat.models.values import Location, Media, MessageId
from handlers.users.models import ReportReason, UserCard
from server.actors import Role
from server.models import Id, Input, Instant, Output, Text

Subject = Literal["user", "message", "conversation"]
CaseStatus = Literal["open", "claimed", "closed"]
Outcome = Literal["dismissed", "warned", "suspended"]
MeasureKind = Literal["warning", "suspension"]
AppealStatus = Literal["open", "granted", "refused"]
Limit = Annotated[int, Field(ge=1, le=100)]
Words = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Days = Annotated[int, Field(ge=1, le=3650)]


class NewCase(Input):
    """What is wrong with a message or a conversation: give one of the two."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"messageId": "01936c4e-8f3a-7c11-9d2b-3f6a1b2c4d5e:17", "reason": "spam"}]}
    )

    message_id: MessageId | None = None
    conversation_id: Id | None = None
    reason: ReportReason
    details: Annotated[Text, StringConstraints(max_length=1000)] | None = None

    @model_validator(mode="after")
    def _one(self) -> "NewCase":
        if (self.message_id is None) == (self.conversation_id is None):
            raise ValueError("give either messageId or conversationId")
        return self


class ReportedRequest(Input):
    """What is wrong with the request of a stranger."""

    conversation_id: Id
    reason: ReportReason
    details: Annotated[Text, StringConstraints(max_length=1000)] | None = None


class Filed(Output):
    """A report, as the one who made it sees it. There is one for each person and thing; the first stands."""

    id: Id
    subject: Subject
    message_id: MessageId | None
    conversation_id: Id | None
    reason: ReportReason
    status: Literal["open", "closed"]
    created_at: Instant


class Case(Output):
    """A report, as moderators see it."""

    id: Id
    subject: Subject
    user_id: Id | None
    """Whom it is about: the sender, the other one of a direct conversation; null for a group."""
    conversation_id: Id | None
    message_id: MessageId | None
    reporter_id: Id
    reason: ReportReason
    details: str | None
    status: CaseStatus
    created_at: Instant
    claimed_by: Id | None = None
    claimed_at: Instant | None = None
    outcome: Outcome | None = None
    note: str | None = None
    """The moderator's own words about the outcome."""
    resolved_by: Id | None = None
    resolved_at: Instant | None = None


class EvidenceMessage(Output):
    """A message as it was when it was reported, or one near it."""

    id: MessageId
    sender_id: Id
    type: str
    content: str
    media: Media | None
    album: list[Media] = Field(default_factory=list)
    location: Location | None
    poll: Poll | None
    created_at: Instant
    edited_at: Instant | None
    deleted_at: Instant | None


class Evidence(Output):
    """A copy of what was said, the oldest first."""

    case_id: Id
    messages: list[EvidenceMessage]
    expires_at: Instant
    """From then on it is gone."""


class CaseFile(Output):
    """A case with its evidence."""

    case: Case
    evidence: Evidence | None
    """Null for a report of a person, and when its time is over."""


class ListCases(Input):
    """Which cases are wanted."""

    status: CaseStatus = "open"
    cursor: Id | None = None
    limit: Limit = 50


class CasePage(Output):
    """Some cases, the oldest first."""

    cases: list[Case]
    next_cursor: str | None


class OneCase(Input):
    """A case by its id."""

    case_id: Id


class Resolution(Input):
    """How a case ends. `warned` and `suspended` are measures against the person whom it is about."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "caseId": "01936c4e-8f3a-7c11-9d2b-3f6a1b2c4d5e",
                    "outcome": "warned",
                    "note": "Third time",
                    "message": "Stop selling hats.",
                }
            ]
        }
    )

    case_id: Id
    outcome: Outcome
    note: Words | None = None
    """For moderators alone."""
    message: Words | None = None
    """What the person is told; needed for a measure."""
    days: Days | None = None
    """How long a suspension lasts; left out: until it is lifted."""

    @model_validator(mode="after")
    def _fits(self) -> "Resolution":
        if (self.outcome == "dismissed") != (self.message is None):
            raise ValueError("a measure needs a message to the person, and a dismissal has none")
        if self.days is not None and self.outcome != "suspended":
            raise ValueError("only a suspension has days")
        return self


class NewWarning(Input):
    """A warning for somebody."""

    user_id: Id
    reason: ReportReason
    message: Words
    """What the person is told."""


class NewSuspension(NewWarning):
    """Shutting somebody out."""

    days: Days | None = None
    """Left out: until it is lifted."""


class Reinstating(Input):
    """Letting somebody in again."""

    user_id: Id
    note: Words | None = None


class Measure(Output):
    """What was decided about a person."""

    id: Id
    user_id: Id
    kind: MeasureKind
    reason: ReportReason
    message: str
    case_id: Id | None
    by: Id
    created_at: Instant
    until: Instant | None
    active: bool
    """A warning stays active until it is struck by an appeal, a suspension until it is over."""
    ended_at: Instant | None = None


class ListMeasures(Input):
    """Whose measures are wanted."""

    user_id: Id
    cursor: Id | None = None
    limit: Limit = 50


class MeasurePage(Output):
    """What was decided about a person, the newest first."""

    measures: list[Measure]
    next_cursor: str | None


class MyMeasure(Output):
    """A warning or a suspension, as the person sees it."""

    id: Id
    kind: MeasureKind
    reason: ReportReason
    message: str
    created_at: Instant
    until: Instant | None
    active: bool
    appeal: AppealStatus | None


class MyMeasures(Output):
    """One's own warnings and suspensions, the newest 100."""

    measures: list[MyMeasure]


class NewAppeal(Input):
    """An objection to a warning or a suspension."""

    measure_id: Id
    text: Words


class AppealFromOutside(Input):
    """An objection of somebody who is shut out: e-mail or username, and password, prove who it is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"username": "ada", "password": "Correct-Horse-7", "text": "It was not me."}]}
    )

    email: Annotated[Text, StringConstraints(min_length=1, max_length=254)] | None = None
    username: Annotated[Text, StringConstraints(min_length=1, max_length=254)] | None = None
    password: Password
    text: Words
    proof_of_work: ProofOfWork | None = None

    @model_validator(mode="after")
    def _one_name(self) -> "AppealFromOutside":
        if (self.email is None) == (self.username is None):
            raise ValueError("give either email or username")
        return self


class Appeal(Output):
    """An objection, and what came of it."""

    id: Id
    measure_id: Id
    user_id: Id
    text: str
    status: AppealStatus
    answer: str | None = None
    decided_at: Instant | None = None
    created_at: Instant


class ListAppeals(Input):
    """Which appeals are wanted."""

    status: AppealStatus = "open"
    cursor: Id | None = None
    limit: Limit = 50


class AppealPage(Output):
    """Some appeals, the oldest first."""

    appeals: list[Appeal]
    next_cursor: str | None


class Decision(Input):
    """What comes of an appeal. When it is granted, the measure ends."""

    appeal_id: Id
    granted: bool
    answer: Words
    """What the person is told."""


class AuditLine(Output):
    """One line of the audit log."""

    seq: int
    at: Instant
    by: Id | None
    """Null for what happens by the clock, or was done with `run.py` on the server itself."""
    action: str
    user_id: Id | None
    """Whom it was done to."""
    about: Id | None
    """The case, measure or appeal."""
    note: str | None
    digest: str
    """SHA-256 over this line and the digest of the line before, in hexadecimal."""


class ListAudit(Input):
    """Which lines are wanted: all, those of a moderator (`by`), or those about a person (`userId`)."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"by": "01936c4e-8f3a-7c11-9d2b-3f6a1b2c4d5e", "limit": 50}]}
    )

    by: Id | None = None
    user_id: Id | None = None
    before: Annotated[int, Field(ge=1)] | None = None
    limit: Limit = 50

    @model_validator(mode="after")
    def _one(self) -> "ListAudit":
        if self.by is not None and self.user_id is not None:
            raise ValueError("give by or userId, not both")
        return self


class AuditPage(Output):
    """Some lines, the newest first."""

    lines: list[AuditLine]
    next_before: int | None


class Appointment(Input):
    """Another role for somebody."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"userId": "01936c4e-8f3a-7c11-9d2b-3f6a1b2c4d5e", "role": "moderator", "note": "Helps on weekends"}
            ]
        }
    )

    user_id: Id
    role: Role
    note: Words | None = None
    """Why, for the audit log."""


class Office(Output):
    """Somebody and the role that he has."""

    user: UserCard
    role: Role
    active: bool
    """False while the account is suspended or about to be deleted."""


class ListOffices(Input):
    """A page of those who have an office."""

    cursor: Id | None = None
    limit: Limit = 50


class OfficePage(Output):
    """Moderators and admins."""

    offices: list[Office]
    next_cursor: Id | None


def document_of(model: Output) -> dict[str, Any]:
    """A model with an `id` as it is stored."""
    document = model.model_dump(by_alias=True)
    document["_id"] = document.pop("id")
    return document
