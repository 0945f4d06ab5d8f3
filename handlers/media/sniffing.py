"""What bytes are, read from the bytes themselves. The one door to the library that knows the signatures."""

import puremagic

from handlers.media.models import Kind

HEAD = 4096
"""Bytes at the beginning that are looked at."""
UNKNOWN = "application/octet-stream"

_NAMES = {"audio/wave": "audio/wav", "audio/x-wav": "audio/wav", "application/ogg": "audio/ogg"}
_BY_EXTENSION = {".m4a": "audio/mp4", ".3gp": "video/3gpp"}
_SAFE: dict[Kind, dict[str, str]] = {
    "image": {one: one for one in ("image/jpeg", "image/png", "image/webp", "image/gif")},
    "video": {one: one for one in ("video/mp4", "video/quicktime", "video/webm", "video/x-matroska", "video/3gpp")},
    "audio": {
        **{one: one for one in ("audio/wav", "audio/ogg", "audio/mpeg", "audio/flac", "audio/mp4")},
        # Containers that hold recordings as well as videos.
        "video/mp4": "audio/mp4",
        "video/webm": "audio/webm",
    },
}
READABLE = frozenset({"audio/wav", "audio/ogg", "audio/mpeg", "audio/flac"})
"""Recordings that the server decodes itself."""


def sniffed(head: bytes) -> str:
    """The media type of what begins so; UNKNOWN when no signature fits."""
    try:
        found = puremagic.magic_string(head[:HEAD])
    except (puremagic.PureError, ValueError):
        return UNKNOWN
    surest = [one for one in found if one.confidence == found[0].confidence]
    named = next((one.mime_type for one in surest if one.mime_type), None)
    named = named or next((_BY_EXTENSION[one.extension] for one in surest if one.extension in _BY_EXTENSION), UNKNOWN)
    return _NAMES.get(named, named)


def type_for(kind: Kind, head: bytes) -> str | None:
    """The type under which such bytes are handed out as this kind; None when they are not of this kind."""
    found = sniffed(head)
    return found if kind == "file" else _SAFE[kind].get(found)
