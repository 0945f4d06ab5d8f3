"""What members of a group may do: the group's rule for all of them, restrictions of single ones, and slow mode."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from handlers.chat.models.values import Role, Seq
from server.models import Id, Input, Instant, Output

Right = Literal["send", "media", "links", "polls", "invite", "pin", "changeInfo"]
SlowMode = Literal[0, 10, 30, 60, 300, 900, 3600, 21600]
"""Seconds that a member waits between two messages; 0: none."""

MEMBERS_MAY: dict[Right, bool] = {
    "send": True,
    "media": True,
    "links": True,
    "polls": True,
    "invite": False,
    "pin": False,
    "changeInfo": False,
}
"""What members of a new group may do. Owner and admins may do all of it."""


def _once(value: list[Right]) -> list[Right]:
    if len(set(value)) != len(value):
        raise ValueError("must name each right once")
    return value


Rights = Annotated[list[Right], Field(max_length=len(MEMBERS_MAY)), AfterValidator(_once)]


class Permissions(Output):
    """What members who are not admins may do in a group."""

    send: bool
    media: bool
    links: bool
    polls: bool
    invite: bool
    pin: bool
    change_info: bool


class ChangedPermissions(Input):
    """What all members may do from now on, and how fast; left out is left as it is."""

    conversation_id: Id
    send: bool | None = None
    media: bool | None = None
    links: bool | None = None
    polls: bool | None = None
    invite: bool | None = None
    """The same as the conversation's `allowInvites`."""
    pin: bool | None = None
    change_info: bool | None = None
    slow_mode: SlowMode | None = None


class NewRestriction(Input):
    """What one member may not do, in place of what he was refused before."""

    conversation_id: Id
    user_id: Id
    denied: Rights
    """None: he may again do what all members may."""
    until: Instant | None = None
    """When it ends by itself, at most 366 days ahead; null: when an admin ends it."""


class ListedAudit(Input):
    """Which admin actions of a group to list."""

    conversation_id: Id
    before: Annotated[int, Field(ge=1, le=2**52)] | None = None
    """Only those before this place; `nextBefore` of the page before."""
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class AuditEntry(Output):
    """Something that was done to a group. Never changed, kept for seven years."""

    seq: Seq
    """Its entry in the log of the conversation."""
    at: Instant
    by: Id
    action: str
    user_ids: list[Id]
    """Whom it was done to."""
    fields: list[str]
    role: Role | None
    promoted: Id | None
    denied: list[Right]
    until: Instant | None


class AuditPage(Output):
    """Admin actions, the newest first."""

    entries: list[AuditEntry]
    next_before: Seq | None
    """For the next page; null at the end."""
