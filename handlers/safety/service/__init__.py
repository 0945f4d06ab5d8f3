"""The rules of safety. `Safety` is the service."""

from handlers.safety.service.errors import (
    ERRORS,
    AlreadyAppealed,
    AlreadySuspended,
    LastAdmin,
    NobodyToBlame,
    NoSuchAccount,
    NoSuchAppeal,
    NoSuchCase,
    NotActive,
    NotAdmin,
    NotARequest,
    NothingToAppeal,
    NotSuspended,
    NotYours,
    OwnMeasure,
    OwnMessage,
    Untouchable,
)
from handlers.safety.service.safety import Safety

__all__ = [
    "ERRORS",
    "AlreadyAppealed",
    "AlreadySuspended",
    "LastAdmin",
    "NoSuchAccount",
    "NoSuchAppeal",
    "NoSuchCase",
    "NobodyToBlame",
    "NotARequest",
    "NotActive",
    "NotAdmin",
    "NotSuspended",
    "NotYours",
    "NothingToAppeal",
    "OwnMeasure",
    "OwnMessage",
    "Safety",
    "Untouchable",
]
