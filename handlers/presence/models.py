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
AppState = Literal["foreground", "background"]
Bucket = Literal["recently", "week", "month", "long_ago"]

MAX_ASKED = 200
"""People whose presence one call may ask for, or watch."""
MAX_WATCHED = 500
"""People whom one device may watch."""


@dataclass(frozen=True, slots=True)
class Device:
    """One live connection of a person."""

    node: str
    connection: str
    device_id: str
    kind: Kind
    state: DeviceState
    """What the person chose for it."""
    since: int
    """When it came, or was last used; milliseconds since 1970."""
    app: AppState = "foreground"
    """Whether the person can see the app."""


@dataclass(frozen=True, slots=True)
class Live:
    """What Redis knows of a person. `mark` changes with every change of it."""

    devices: list[Device] = field(default_factory=list)
    mark: str = ""
    gone: int | None = None
    """When the last device left, if that was a short while ago; milliseconds since 1970."""
    last: Device | None = None
    """The device that left last: within the grace period it counts as if it were still here."""
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
    last_seen: Bucket | None
    """Roughly, for those who may not know more: within 3, 7 or 30 days, or longer ago. Null for those who may."""
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


class AppChange(Input):
    """Whether the person can see the app on this device now."""

    state: AppState


class Watch(Input):
    """People on the screen of this device, whose presence it wants to hear of from now on."""

    user_ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_ASKED)]


class Unwatch(Input):
    """People who are on the screen of this device no longer; left out, nobody is any more."""

    user_ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_WATCHED)] | None = None


class ListPresence(Input):
    """Which friends are wanted."""

    cursor: Id | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 200


class Presences(Output):
    """The presence of several people."""

    presences: list[UserPresence]


class Watching(Output):
    """What a device watches from now on, and how things are with those whom it asked about."""

    presences: list[UserPresence]
    """As it is now, in the order in which they were asked for."""
    watched: list[Id]
    """Those of them who are watched: whom one may not see is not."""
    total: int
    """How many people this device watches."""


class OnlineCount(Output):
    """How many members of a large group are here."""

    conversation_id: Id
    online_count: int


class PresencePage(Output):
    """The presence of some friends, ordered by id."""

    presences: list[UserPresence]
    next_cursor: str | None
