"""The rules of the media slice: uploads, downloads, who may see what, and what is taken away."""

from handlers.media.service.errors import (
    ERRORS,
    BadLink,
    BadPart,
    Finished,
    Incomplete,
    NoMedia,
    NoThumbnail,
    NotReady,
    OldLink,
    Refused,
    TooBig,
    TooManyOpen,
    TooManyPlaces,
    UsedUp,
    WrongKind,
    WrongOffset,
)
from handlers.media.service.media import Media

__all__ = [
    "ERRORS",
    "BadLink",
    "BadPart",
    "Finished",
    "Incomplete",
    "Media",
    "NoMedia",
    "NoThumbnail",
    "NotReady",
    "OldLink",
    "Refused",
    "TooBig",
    "TooManyOpen",
    "TooManyPlaces",
    "UsedUp",
    "WrongKind",
    "WrongOffset",
]
