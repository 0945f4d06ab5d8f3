"""The rules of safety. `Safety` is the service."""

from handlers.safety.service.errors import (
    ERRORS,
    AlreadyAppealed,
    AlreadySuspended,
    NobodyToBlame,
    NoSuchAccount,
    NoSuchAppeal,
    NoSuchCase,
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
    "NoSuchAccount",
    "NoSuchAppeal",
    "NoSuchCase",
    "NobodyToBlame",
    "NotSuspended",
    "NotYours",
    "NothingToAppeal",
    "OwnMeasure",
    "OwnMessage",
    "Safety",
    "Untouchable",
]
