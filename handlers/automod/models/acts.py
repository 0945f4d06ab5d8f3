"""What follows from the rules: hits, acts, messages that wait for an admin."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from handlers.automod.models.rules import Consequence, Then
from handlers.chat.models.messages import NewPoll
from handlers.chat.models.values import MAX_MENTIONS, MAX_TEXT, Location, MessageType, NewMedia
from server.models import Id, Input, Instant, Output, Text, Wire

MAX_FOUND = 60
"""Characters of what a rule found that are kept."""

RuleKind = Literal["keyword", "pattern", "link", "mentions", "mentionRaid", "duplicate", "joinRaid"]
Outcome = Literal["block", "hold", "limit", "pass", "lock", "approved", "rejected"]


class Hit(Wire):
    """Something that a rule found."""

    kind: RuleKind
    name: str
    """The rule's name; empty where there is one of its kind."""
    found: str
    """What was found, as the rule says it."""
    consequence: Consequence


class Reason(Output):
    """A rule and what it found."""

    kind: RuleKind
    name: str
    found: str


class Act(Output):
    """What AutoMod, or an admin about what it held, did. Kept for seven years."""

    id: Id
    conversation_id: Id
    at: Instant
    outcome: Outcome
    user_id: Id | None
    """Who wanted to say it; null when so many joined that the group was locked."""
    by: Id | None
    """The admin who decided; null when it followed from the rules."""
    edit: bool
    reasons: list[Reason]
    held_id: Id | None
    silent_until: Instant | None


class ListedActs(Input):
    """Which acts to list."""

    conversation_id: Id
    cursor: Id | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class ActPage(Output):
    """Acts, the newest first."""

    acts: list[Act]
    next_cursor: Id | None


class Trial(Input):
    """A text to try out. Nothing is said, counted or noted."""

    conversation_id: Id
    content: Annotated[Text, StringConstraints(max_length=MAX_TEXT)]
    mentioned_user_ids: Annotated[list[Id], Field(max_length=MAX_MENTIONS)] = Field(default_factory=list)


class Outlook(Output):
    """What would happen to a text of a member who is not exempt."""

    outcome: Then
    alert: bool
    timeout: int | None
    """Seconds."""
    hits: list[Hit]


class HeldMessage(Output):
    """A message that waits for an admin."""

    id: Id
    conversation_id: Id
    user_id: Id
    at: Instant
    reasons: list[Reason]
    type: MessageType
    content: str
    media: NewMedia | None
    album: list[NewMedia]
    location: Location | None
    poll: NewPoll | None
    mentioned_user_ids: list[Id]


class ListedHeld(Input):
    """Which messages that wait to list."""

    conversation_id: Id
    cursor: Id | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class HeldPage(Output):
    """Messages that wait, the oldest first."""

    held: list[HeldMessage]
    next_cursor: Id | None


class Ruling(Input):
    """What an admin decides about a message that waits."""

    conversation_id: Id
    held_id: Id
    approve: bool


class Decision(Output):
    """What was decided about a message that waited."""

    held_id: Id
    conversation_id: Id
    user_id: Id
    client_message_id: str | None
    approved: bool
    message_id: str | None
    """The message that was sent."""
