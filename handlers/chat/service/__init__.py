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
    Held,
    NotAPoll,
    PinLimit,
    PollClosed,
    ReactionLimit,
    Restricted,
    ScheduleLimit,
    Screened,
    SlowDown,
    StarLimit,
    WindowClosed,
)
from handlers.chat.service.ports import SAY, Said, Screen, Verdict
from handlers.chat.service.screening import Screening

__all__ = [
    "ERRORS",
    "SAY",
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
    "Held",
    "NotAPoll",
    "PinLimit",
    "PollClosed",
    "ReactionLimit",
    "Restricted",
    "Said",
    "ScheduleLimit",
    "Screen",
    "Screened",
    "Screening",
    "SlowDown",
    "StarLimit",
    "Verdict",
    "WindowClosed",
]
