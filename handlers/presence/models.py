"""What the presence slice stores, takes and gives."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from server.models import Id, Input, Instant, Output, Text

Choice = Literal["busy", "invisible"]
Status = Literal["online", "away", "busy", "invisible"]
Shown = Literal["online", "away", "busy", "invisible", "offline", "unknown"]
Kind = Literal["mobile", "web", "desktop"]
DeviceState = Literal["online", "away"]

MAX_ASKED = 200
"""People whose presence one call may ask for."""


@dataclass(frozen=True, slots=True)
class Device:
    """One live connection of a person."""

    node: str
    connection: str
    device_id: str
    kind: Kind
    state: DeviceState
    since: int
    """When it came, or was last used; milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Live:
    """What Redis knows of a person. `mark` changes with every change of it."""

    devices: list[Device] = field(default_factory=list)
    mark: str = ""
    gone: bool = False
    """Whether the last device left a short while ago."""
    sure: bool = True
    """Whether no devices means that there are none; not so while Redis is being filled again."""


class CustomStatus(Input):
    """A line about oneself that friends see."""

    emoji: Annotated[Text, StringConstraints(min_length=1, max_length=32)]
    text: Annotated[Text, StringConstraints(strip_whitespace=True, max_length=100)]
    expires_at: Instant | None = None
    """When it goes away by itself."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is stored of a person for longer than a connection."""

    choice: Choice | None = None
    custom: CustomStatus | None = None
    last_seen_at: datetime | None = None


class PresencePlace(Output):
    """Where a person lives, no finer than the city."""

    city: str
    country: str


class UserPresence(Output):
    """Whether a person is here, as the one who asks may know it."""

    user_id: Id
    status: Shown
    """To others, `invisible` is `offline`. `unknown` for some seconds after a fault of the server."""
    last_seen_at: Instant | None
    """To the minute; null when it is not known or not shown."""
    current_device: Kind | None
    """What the person uses; null when not online."""
    location: PresencePlace | None
    """Where the person lives (not: is now), for friends who may see it."""
    custom_status: CustomStatus | None


class StatusChange(Input):
    """A new status.

    `busy` and `invisible` are for all devices and stay until another status is set. `online` and `away` end them, and
    are about the device that sets them.
    """

    status: Status
    custom_status: CustomStatus | None = None
    """Null clears the line; left out, it stays."""


class AskPresence(Input):
    """People on somebody's screen."""

    user_ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_ASKED)]


class ListPresence(Input):
    """Which friends are wanted."""

    cursor: Id | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 200


class Presences(Output):
    """The presence of several people."""

    presences: list[UserPresence]


class PresencePage(Output):
    """The presence of some friends, ordered by id."""

    presences: list[UserPresence]
    next_cursor: str | None
