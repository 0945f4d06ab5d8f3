"""The rules of the chat. `Chat` is the service; its errors are declared in `errors`."""

from handlers.chat.service.access import Access
from handlers.chat.service.chat import Chat
from handlers.chat.service.errors import (
    ERRORS,
    AlreadySent,
    CalledAlready,
    CannotReach,
    EditLimit,
    FolderLimit,
    ForwardLimit,
    GroupFull,
    NoRequest,
    NotAPoll,
    PinLimit,
    PollClosed,
    ReactionLimit,
    RequestPending,
    Restricted,
    ScheduleLimit,
    SlowDown,
    WindowClosed,
)

__all__ = [
    "ERRORS",
    "Access",
    "AlreadySent",
    "CalledAlready",
    "CannotReach",
    "Chat",
    "EditLimit",
    "FolderLimit",
    "ForwardLimit",
    "GroupFull",
    "NoRequest",
    "NotAPoll",
    "PinLimit",
    "PollClosed",
    "ReactionLimit",
    "RequestPending",
    "Restricted",
    "ScheduleLimit",
    "SlowDown",
    "WindowClosed",
]
