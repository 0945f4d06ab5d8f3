"""Links by which people join a group, and requests that wait for an admin."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from handlers.chat.models.conversations import MyConversation
from server.models import Id, Input, Instant, Output

LONGEST = 365 * 24 * 3600


class NewLink(Input):
    """A link into a group."""

    conversation_id: Id
    expires_in: Annotated[int, Field(ge=60, le=LONGEST)] | None = None
    """Seconds that it holds; null: until it is revoked."""
    max_uses: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """People that it brings in at most; null: as many as the group takes."""
    approval: bool = False
    """Whether an admin lets each one in."""


class OneLink(Input):
    """A link of a group by its id."""

    conversation_id: Id
    link_id: Id


class Joining(Input):
    """The secret of a link."""

    token: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$"),
        Field(examples=["Tq3v0nQk5mYx8sJd2LfW7cRbPzH1gEaU4oViN6tKy9M"]),
    ]


class Answer(Input):
    """What an admin says to a request."""

    conversation_id: Id
    user_id: Id
    accept: bool


class Link(Output):
    """A link as the group's admins see it."""

    id: Id
    conversation_id: Id
    created_by: Id
    created_at: Instant
    expires_at: Instant | None
    max_uses: int | None
    uses: int
    """People who came by it."""
    approval: bool


class MadeLink(Link):
    """A new link with its secret, which is shown only now."""

    token: str


class Links(Output):
    """The links of a group that are not revoked and not expired, the newest first."""

    links: list[Link]


class JoinRequest(Output):
    """Somebody who has come by a link and waits for an admin."""

    conversation_id: Id
    user_id: Id
    at: Instant


class JoinRequests(Output):
    """Who waits, the longest first."""

    requests: list[JoinRequest]


class Joined(Output):
    """What came of a link."""

    status: Literal["joined", "waiting"]
    conversation_id: Id
    conversation: MyConversation | None
    """Null while one waits for an admin."""
