"""Where notifications go, what a device has still to hear, and what is sent."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator

from crypto.pushing import is_point, unbase64
from server.models import Input, Output, Text

Platform = Literal["apns", "fcm", "webpush"]

NOTICE = "notice:"
"""Begins the thread of a notice, before its id; the thread of messages is their conversation."""

BADGE = "badge"
"""The thread of the number on the app's icon, apart from any conversation."""

AFTER = timedelta(seconds=0.4)
"""A badge is seen so long after the conversations that changed it: they most often tell it along, and one note does."""

_TOKENS = {"apns": re.compile(r"[0-9a-fA-F]{64,200}"), "fcm": re.compile(r"[A-Za-z0-9_:.-]{20,4096}")}


class Keys(Input):
    """With which messages for a browser are encrypted, as its `PushSubscription` says."""

    p256dh: Annotated[Text, StringConstraints(max_length=100), Field(alias="p256dh")]
    auth: Annotated[Text, StringConstraints(max_length=40)]

    @field_validator("p256dh")
    @classmethod
    def _point(cls, value: str) -> str:
        if not is_point(unbase64(value)):
            raise ValueError("must be a public key of P-256")
        return value

    @field_validator("auth")
    @classmethod
    def _secret(cls, value: str) -> str:
        if len(unbase64(value)) != 16:
            raise ValueError("must be 16 bytes")
        return value


class Registration(Input):
    """Where this device gets its notifications."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"platform": "apns", "token": "ab" * 32}]})

    platform: Platform
    token: Annotated[Text, StringConstraints(min_length=1, max_length=4096)]
    """The device token (APNs), the registration token (FCM), or the endpoint of the subscription (Web Push)."""
    keys: Keys | None = None
    """For Web Push: the keys of the subscription."""

    @model_validator(mode="after")
    def _fits(self) -> "Registration":
        if (self.platform == "webpush") != (self.keys is not None):
            raise ValueError("keys go with webpush, and only with it")
        shape = _TOKENS.get(self.platform)
        if shape is not None and not shape.fullmatch(self.token):
            raise ValueError(f"this is no token of {self.platform}")
        return self


class PushState(Output):
    """Which services there are, and which one this device uses."""

    platforms: list[Platform]
    vapid_public_key: str | None
    """`applicationServerKey` for a browser's subscription."""
    registered: Platform | None


@dataclass(frozen=True, slots=True)
class Target:
    """Where the notifications of one session go."""

    session_id: str
    user_id: str
    device_id: str
    platform: Platform
    token: str
    p256dh: str = ""
    auth: str = ""
    badge: int | None = None
    """The number that the device shows; None when it is not known, as after two that were sent at the same time."""
    told: int = 0
    """How often it was told one: whoever tells it the next says after which one."""


@dataclass(frozen=True, slots=True)
class Matter:
    """What a target still has to hear, or shows, of a conversation or a notice."""

    id: str
    session_id: str
    user_id: str
    thread: str
    """The conversation, or NOTICE and the id of a notice, or BADGE."""
    seq: int
    """The last message it is about; of a notice how often it happened."""
    first: int | None
    """The first message since it was looked at last; None: there is none, it is looked at for another reason."""
    pushed: int
    """Up to where the device was told; 0: it shows nothing."""
    attempts: int
    version: int

    @property
    def notice_id(self) -> str | None:
        """The notice that it is about, if it is about one."""
        return self.thread.removeprefix(NOTICE) if self.thread.startswith(NOTICE) else None


@dataclass(frozen=True, slots=True)
class Note:
    """What is sent to a device. One without a title is silent: it sets the badge and takes notifications away."""

    thread: str
    """The conversation, or NOTICE and the id of a notice: a later note takes the place of an earlier one of it.
    BADGE: it says the number alone."""
    badge: int
    title: str | None = None
    text: str = ""
    message_id: str = ""
    unread: int = 0

    @property
    def silent(self) -> bool:
        """Whether nobody is to be alerted."""
        return self.title is None

    def data(self) -> dict[str, object]:
        """What the app gets."""
        if self.silent:
            return {"badge": self.badge, "clear": [] if self.thread == BADGE else [self.thread]}
        return {"badge": self.badge, **self.about(), "title": self.title, "body": self.text}

    def about(self) -> dict[str, object]:
        """What it is about, and how much of that is unread."""
        if self.thread.startswith(NOTICE):
            return {"noticeId": self.thread.removeprefix(NOTICE), "unread": self.unread}
        return {"conversationId": self.thread, "messageId": self.message_id, "unread": self.unread}


Kind = Literal["sent", "gone", "later", "refused"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a note: `gone` means that the target is there no more, `later` that another attempt is welcome."""

    kind: Kind
    why: str = ""
    seconds: float | None = None
    """Before which no other attempt is welcome."""


SENT = Outcome("sent")
