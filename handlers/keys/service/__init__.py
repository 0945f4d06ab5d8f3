"""The rules of keys: devices and identities, what they upload, what is given out, and the log."""

from handlers.keys.service.directory import Directory
from handlers.keys.service.errors import (
    ERRORS,
    AlreadyThere,
    BadKeys,
    BadToken,
    Differs,
    NoDevice,
    NoKeys,
    NotFirst,
    TooManyDevices,
)
from handlers.keys.service.keys import Keys

__all__ = [
    "ERRORS",
    "AlreadyThere",
    "BadKeys",
    "BadToken",
    "Differs",
    "Directory",
    "Keys",
    "NoDevice",
    "NoKeys",
    "NotFirst",
    "TooManyDevices",
]
