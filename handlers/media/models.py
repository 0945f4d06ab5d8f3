"""What is stored of attachments, what comes in, and what goes out."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from server.models import Id, Input, Instant, Output

PART_BYTES = 1024 * 1024
"""Bytes that one part of an upload may have."""
LEAST_PART = 64 * 1024
"""Bytes that every part but the last must have: it bounds the number of parts."""
WAVEFORM = 64
"""Values of a waveform that the server makes."""

Kind = Literal["image", "video", "audio", "file"]
Variant = Literal["original", "thumbnail"]

# No slash, no control characters, and none that turn the direction of writing ("gpj.exe" read backwards).
Filename = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f/\\\u200e\u200f\u202a-\u202e\u2066-\u2069]+$"
    ),
    Field(examples=["beach.jpg"]),
]
Sha256 = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9a-f]{64}$"),
    Field(examples=["2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"]),
]
"""A SHA-256, in hexadecimal."""
Waveform = Annotated[list[Annotated[int, Field(ge=0, le=100)]], Field(min_length=1, max_length=100)]
"""How loud a recording is, from its beginning to its end, each from 0 to 100."""


class NewMedia(Input):
    """An upload that is about to begin."""

    kind: Kind
    size: Annotated[int, Field(ge=1, le=2**40)]
    """Bytes that will come."""
    filename: Filename | None = None
    sha256: Sha256 | None = None
    """Of all bytes together; what does not fit is refused at the end."""
    waveform: Waveform | None = None
    """Of a recording. It counts where the server cannot read the recording itself (AAC, WebM)."""
    duration: Annotated[float, Field(gt=0, le=86_400)] | None = None
    """Seconds, of a recording or a video; of a recording that the server can read it is measured."""


class OneMedia(Input):
    """One medium."""

    media_id: Id


class Part(Input):
    """The next bytes of an upload."""

    media_id: Id
    offset: Annotated[int, Field(ge=0, le=2**40)]
    """How many bytes the server has already: what `offset` of the upload says."""
    sha256: Sha256 | None = None
    """Of this part; what does not fit is refused and can be sent again."""


class GetLink(Input):
    """Which bytes are wanted."""

    media_id: Id
    variant: Variant = "original"


class Opening(Input):
    """What the address of a download says."""

    media_id: Id
    variant: Variant
    viewer: Id
    """Who got the address."""
    expires: Annotated[int, Field(ge=0, le=2**40)]
    """When it ends to work, in seconds since 1970."""
    last: bool = False
    """Whether it works until then whatever its viewer may see meanwhile."""
    signature: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$"),
        Field(examples=["LLg7kq0yuxcu2zjmU1fCtbAQwwjr2yrCxJb6XFnkV4E"]),
    ]


class Medium(Output):
    """A picture, a video, a recording or a file."""

    id: Id
    owner_id: Id
    kind: Kind
    status: Literal["uploading", "ready"]
    size: int
    """Bytes: of an upload those announced, afterwards those of the original that is handed out."""
    offset: int
    """Bytes of the upload that are here and safe; the next part begins there."""
    filename: Filename | None
    type: str | None
    """The media type, as the bytes say. Null until the upload is finished."""
    width: int | None
    """Pixels, of a picture."""
    height: int | None
    duration: float | None
    """Seconds."""
    waveform: Waveform | None
    blurhash: str | None
    """A picture in about thirty characters, to be shown while it loads; see blurha.sh."""
    has_thumbnail: bool
    created_at: Instant
    expires_at: Instant | None
    """When an upload is thrown away unless it is finished."""


class Link(Output):
    """The address of a download. It works for the one who got it and must not be passed on."""

    url: str
    """Relative to the server. It needs no access token."""
    expires_at: Instant


@dataclass(frozen=True, slots=True)
class Found:
    """What the bytes of a finished upload turned out to be."""

    type: str
    size: int
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    waveform: list[int] | None = None
    blurhash: str | None = None
    thumbnail_size: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A medium as it is stored."""

    id: str
    owner_id: str
    kind: Kind
    status: Literal["uploading", "ready", "going"]
    size: int
    offset: int
    created_at: datetime
    due_at: datetime | None
    """When the job must look after it: an upload is too old then, or something is left to be removed."""
    filename: str | None = None
    sha256: str | None = None
    waveform: list[int] | None = None
    duration: float | None = None
    parts: list[str] = field(default_factory=list)
    """Names of the parts, in order, while it is being uploaded."""
    folder: str | None = None
    """Where the finished bytes are."""
    found: Found | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """A place through which people see a medium: `scope` says who knows those people, `place` which place."""

    scope: str
    place: str


def shown(record: Record) -> Medium:
    """A record as its owner and its viewers see it."""
    found = record.found
    return Medium(
        id=record.id,
        owner_id=record.owner_id,
        kind=record.kind,
        status="ready" if record.status == "ready" else "uploading",
        size=found.size if found else record.size,
        offset=record.offset,
        filename=record.filename,
        type=found.type if found else None,
        width=found.width if found else None,
        height=found.height if found else None,
        duration=found.duration if found else record.duration,
        waveform=found.waveform if found else record.waveform,
        blurhash=found.blurhash if found else None,
        has_thumbnail=bool(found and found.thumbnail_size),
        created_at=record.created_at,
        expires_at=record.due_at if record.status == "uploading" else None,
    )
