"""The rules of the chat. `Chat` is the service; its errors are declared in `errors`."""

from handlers.chat.service.access import Access
from handlers.chat.service.chat import Chat
from handlers.chat.service.errors import (
    ERRORS,
    CannotReach,
    EditLimit,
    GroupFull,
    NotAPoll,
    PinLimit,
    PollClosed,
    ReactionLimit,
    Restricted,
    SlowDown,
    WindowClosed,
)

__all__ = [
    "ERRORS",
    "Access",
    "CannotReach",
    "Chat",
    "EditLimit",
    "GroupFull",
    "NotAPoll",
    "PinLimit",
    "PollClosed",
    "ReactionLimit",
    "Restricted",
    "SlowDown",
    "WindowClosed",
]
