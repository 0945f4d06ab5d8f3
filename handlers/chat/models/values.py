"""The small types that inputs and outputs of the chat share: references, addresses of media, places, emoji."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from handlers.chat.words import is_emoji
from server.models import UUID_PATTERN, Id, Input, Latitude, Longitude, Output, Text, Wire

MAX_TEXT = 4096
"""Characters of a message's text."""
MAX_CAPTION = 1024
"""Characters of the text beside a picture, a video, a recording, a file or a place."""
MAX_MENTIONS = 50
"""People whom a message names at most; settings say how many of them members and admins may name."""
MAX_ALBUM = 10
"""Attachments of one message."""
MAX_URL = 2048

ConversationType = Literal["direct", "group", "community"]
Role = Literal["owner", "admin", "member"]
MessageType = Literal["text", "image", "video", "audio", "file", "location", "poll", "system", "encrypted"]
TimerMode = Literal["after_send", "after_read"]
"""From when a timer runs: from the sending for everybody, or for the reader from his reading."""
MediaType = Literal["image", "video", "audio", "file"]

MessageId = Annotated[
    str,
    StringConstraints(pattern=UUID_PATTERN.rstrip("$") + r":[1-9][0-9]{0,14}$"),
    Field(examples=["01936c4e-8f3a-7c11-9d2b-3f6a1b2c4d5e:17"]),
]
"""A message's id: `<conversationId>:<seq>`."""

OperationId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
"""Chosen by the client for one operation, the same at every repetition: what was done once is not done again."""

Seq = Annotated[int, Field(ge=0, le=2**52)]
"""A place in the log of a conversation; 0 is before the first entry."""


def _https(value: str) -> str:
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError as error:
        raise ValueError("must be an https address") from error
    if parts.scheme != "https" or not host or "@" in parts.netloc or any(char.isspace() for char in value):
        raise ValueError("must be an https address, without a user name")
    return value


HttpsUrl = Annotated[Text, StringConstraints(min_length=9, max_length=MAX_URL), AfterValidator(_https)]
"""An https address."""


def _emoji(value: str) -> str:
    if not is_emoji(value):
        raise ValueError("must be one emoji")
    return value


Emoji = Annotated[str, StringConstraints(min_length=1, max_length=32), AfterValidator(_emoji), Field(examples=["👍"])]
"""Exactly one emoji."""


Filename = Annotated[Text, StringConstraints(min_length=1, max_length=255)]


class NewMedia(Input):
    """A picture, a video, a recording or a file: a finished upload of one's own, or something at an address."""

    type: MediaType
    media_id: Id | None = None
    """Of an upload (`POST /api/media`), of which everything else is known. Without it there must be a `url`."""
    url: HttpsUrl | None = None
    thumbnail: HttpsUrl | None = None
    filename: Filename | None = None
    size: Annotated[int, Field(ge=0, le=2**40)] | None = None
    """Bytes."""
    duration: Annotated[float, Field(ge=0, le=86_400)] | None = None
    """Seconds, of a recording or a video."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.media_id is None and self.url is None:
            raise ValueError("needs a mediaId or a url")
        more = (self.url, self.thumbnail, self.filename, self.size, self.duration)
        if self.media_id is not None and any(one is not None for one in more):
            raise ValueError("with a mediaId everything else is known")
        return self


class Media(Output):
    """A picture, a video, a recording or a file, as a message carries it."""

    type: MediaType
    url: str
    """Of an upload `/api/media/{mediaId}/link`: there whoever may read the message gets an address for some minutes."""
    thumbnail: str | None = None
    """Of an upload likewise."""
    filename: str | None = None
    size: int | None = None
    """Bytes."""
    duration: float | None = None
    """Seconds, of a recording or a video."""
    media_id: Id | None = None
    """Of an upload."""
    width: int | None = None
    """Pixels, of an uploaded picture."""
    height: int | None = None
    blurhash: str | None = None
    """Of an uploaded picture, to be shown while it loads."""
    waveform: list[int] | None = None
    """Of an uploaded recording: how loud it is, from its beginning to its end, each from 0 to 100."""


class Location(Wire):
    """A place on the map."""

    latitude: Latitude
    longitude: Longitude
    address: Annotated[Text, StringConstraints(max_length=300)] | None = None


def split_message_id(message_id: str) -> tuple[str, int]:
    """The conversation and the place in its log that a message id names."""
    conversation_id, _, seq = message_id.partition(":")
    return conversation_id, int(seq)


def message_id(conversation_id: str, seq: int) -> str:
    """The id of the message at that place of a conversation's log."""
    return f"{conversation_id}:{seq}"
