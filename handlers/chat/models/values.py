"""The small types that inputs and outputs of the chat share: references, addresses of media, places, emoji."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints

from handlers.chat.words import is_emoji
from server.models import UUID_PATTERN, Latitude, Longitude, Text, Wire

MAX_TEXT = 4096
"""Characters of a message's text."""
MAX_CAPTION = 1024
"""Characters of the text beside a picture, a video, a recording, a file or a place."""
MAX_MENTIONS = 50
"""People whom a message names at most; settings say how many of them members and admins may name."""
MAX_URL = 2048

ConversationType = Literal["direct", "group", "community"]
Role = Literal["owner", "admin", "member"]
MessageType = Literal["text", "image", "video", "audio", "file", "location", "poll", "system"]
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


class Media(Wire):
    """A picture, a video, a recording or a file, by its address."""

    type: MediaType
    url: HttpsUrl
    thumbnail: HttpsUrl | None = None
    filename: Annotated[Text, StringConstraints(min_length=1, max_length=255)] | None = None
    size: Annotated[int, Field(ge=0, le=2**40)] | None = None
    """Bytes."""
    duration: Annotated[float, Field(ge=0, le=86_400)] | None = None
    """Seconds, of a recording or a video."""


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
