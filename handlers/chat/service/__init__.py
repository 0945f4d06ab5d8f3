"""The rules of the chat. `Chat` is the service; its errors are declared in `errors`."""

from handlers.chat.service.access import Access
from handlers.chat.service.chat import Chat
from handlers.chat.service.errors import (
    ERRORS,
    AlreadySent,
    CalledAlready,
    CannotReach,
    DraftLimit,
    EditLimit,
    FolderLimit,
    ForwardLimit,
    GroupFull,
    NotAPoll,
    PinLimit,
    PollClosed,
    ReactionLimit,
    Restricted,
    ScheduleLimit,
    SlowDown,
    StarLimit,
    WindowClosed,
)

__all__ = [
    "ERRORS",
    "Access",
    "AlreadySent",
    "CalledAlready",
    "CannotReach",
    "Chat",
    "DraftLimit",
    "EditLimit",
    "FolderLimit",
    "ForwardLimit",
    "GroupFull",
    "NotAPoll",
    "PinLimit",
    "PollClosed",
    "ReactionLimit",
    "Restricted",
    "ScheduleLimit",
    "SlowDown",
    "StarLimit",
    "WindowClosed",
]
