"""What is stored of notices, what comes in about them, and what goes out."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from handlers.auth.devices import Platform
from handlers.users.fields import TimeZone
from handlers.users.models import UserCard
from server.models import Id, Input, Instant, Output

Kind = Literal["friend_request", "friend_accepted", "group_added", "contact_found", "sign_in"]
Channel = Literal["in_app", "push", "email"]
Digest = Literal["immediate", "hourly", "daily"]

TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$"), Field(examples=["22:00"])]
"""Hours and minutes, from 00:00 to 23:59."""
Hour = Annotated[int, Field(ge=0, le=23)]


class Channels(Output):
    """By which ways a kind of notice reaches its person."""

    in_app: bool = True
    """In the list, and told to connected devices."""
    push: bool = True
    email: bool = True


class ChannelsChange(Input):
    """What changes of the ways; left out is left as it is."""

    in_app: bool | None = None
    push: bool | None = None
    email: bool | None = None


class QuietHours(Input):
    """When nothing but a sign-in may be pushed or mailed, by the person's own clock. The end may be on the next day."""

    start: TimeOfDay
    end: TimeOfDay


class Kinds(Output):
    """The ways of each kind of notice."""

    friend_request: Channels = Channels()
    friend_accepted: Channels = Channels(email=False)
    group_added: Channels = Channels()
    contact_found: Channels = Channels(email=False)
    sign_in: Channels = Channels()
    """A sign-in is mailed at once, at any hour."""


class KindsChange(Input):
    """What changes of the ways of each kind; left out is left as it is."""

    friend_request: ChannelsChange | None = None
    friend_accepted: ChannelsChange | None = None
    group_added: ChannelsChange | None = None
    contact_found: ChannelsChange | None = None
    sign_in: ChannelsChange | None = None


class NoticeWishes(Output):
    """How somebody wants to be told."""

    kinds: Kinds = Kinds()
    quiet_hours: QuietHours | None = None
    digest: Digest = "daily"
    """How often what happened is mailed, all in one letter."""
    digest_hour: Hour = 8
    """When a daily letter is sent, by the person's own clock."""
    timezone: TimeZone = "UTC"

    def channels(self, kind: Kind) -> Channels:
        """The ways of one kind."""
        found: Channels = getattr(self.kinds, kind)
        return found


class NoticeWishesChange(Input):
    """What changes of the preferences; left out is left as it is, and null for `quietHours` ends them."""

    kinds: KindsChange | None = None
    quiet_hours: QuietHours | None = None
    digest: Digest | None = None
    digest_hour: Hour | None = None
    timezone: TimeZone | None = None


class Subject(Output):
    """What a notice is about; what does not belong to its kind is null."""

    friendship_id: Id | None = None
    conversation_id: Id | None = None
    name: str | None = None
    """Of the group, or of the device that signed in."""
    session_id: Id | None = None
    platform: Platform | None = None
    """What kind of device signed in."""
    place: str | None = None
    """The block of addresses it signed in from."""


class Notice(Output):
    """Something that happened, once or several times."""

    id: Id
    position: Id
    """Its place in the list: a greater one is nearer to the top."""
    kind: Kind
    count: int
    """How often it happened since the last one was read."""
    actors: list[UserCard]
    """The last ones who did it, at most three, the latest first."""
    subject: Subject
    is_read: bool
    created_at: Instant
    updated_at: Instant


class NoticePage(Output):
    """Some of one's notices, the latest first."""

    notices: list[Notice]
    unread: int
    """How many of all are unread."""
    next_cursor: str | None


class NoticeNews(Output):
    """A notice that is new, or that something joined."""

    notice: Notice
    unread: int
    silent: bool
    """Whether it is within the person's quiet hours: show it, and make no sound."""


class NoticesRead(Output):
    """Notices that were read, or are gone."""

    notice_ids: list[Id] | None
    """Which; null for all up to `upTo`."""
    up_to: Id | None
    """The position up to which all are read."""
    unread: int


class NoticePush(Output):
    """A notice to be pushed to a person's devices."""

    user_id: Id
    notice: Notice
    unread: int


class NoticesUnread(Output):
    """How many notices are unread now."""

    unread: int


class ListNotices(Input):
    """Which notices are wanted."""

    unread: bool = False
    """Only those that are unread."""
    cursor: Id | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class OneNotice(Input):
    """A notice by its id."""

    notice_id: Id


class ReadAll(Input):
    """Up to where all is read."""

    up_to: Id | None = None
    """The `position` of the topmost notice that was seen; without it all notices."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that a person shall be told of."""

    event_id: str
    """By which it is counted once."""
    user_id: str
    kind: Kind
    key: str
    """What it is about: happenings of one kind and key join one notice."""
    actor: str | None
    subject: Subject


@dataclass(frozen=True, slots=True)
class Kept:
    """A notice as it is stored."""

    id: str
    user_id: str
    position: str
    kind: Kind
    count: int
    actors: list[str]
    subject: Subject
    read: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Pushable:
    """What a device may be told of a notice now."""

    title: str
    text: str
    unread: int
    in_app: bool
    """Whether devices that are connected hear of it by themselves."""
    quiet: bool
    """Whether it must not be pushed now: by the person's wishes, or within his quiet hours."""


@dataclass(frozen=True, slots=True)
class Due:
    """Somebody to whom a letter is due."""

    user_id: str
    attempts: int
    notices: list[Kept] = field(default_factory=list)
