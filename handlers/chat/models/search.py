"""How messages are searched: by words, sender, kind and time, in what the one who asks may see."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from handlers.chat.models.messages import Message
from handlers.chat.models.values import MessageId, MessageType
from server.models import Id, Input, Instant, Output, Text

Has = Literal["link", "media", "image", "video", "audio", "file", "location", "poll", "mention"]


class Search(Input):
    """What to look for in one's conversations. All that is given must be true of a message.

    At least one of `q`, `from`, `has` or a `type` other than text must be given.
    """

    q: Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None = None
    """Words: all of them, without case and accents."""
    conversation_id: Id | None = None
    in_: Annotated[
        list[Id], Field(alias="in", serialization_alias="in", min_length=1, max_length=50, default_factory=list)
    ]
    """Only in these conversations; nothing: in all."""
    from_: Annotated[
        list[Id], Field(alias="from", serialization_alias="from", min_length=1, max_length=10, default_factory=list)
    ]
    """Only what one of these said."""
    type: Annotated[list[MessageType], Field(min_length=1, max_length=8, default_factory=list)]
    """Only messages of one of these types."""
    has: Annotated[list[Has], Field(min_length=1, max_length=9, default_factory=list)]
    """Only messages that have all of this. `media` is a picture, a video, a recording or a file."""
    before: Instant | None = None
    """Only what was said before this time."""
    after: Instant | None = None
    """Only what was said at this time or later."""
    cursor: Annotated[str, Field(max_length=200)] | None = None
    """`nextCursor` of the page before, with everything else as it was."""
    limit: Annotated[int, Field(ge=1, le=25)] = 25


class Span(Output):
    """A part of a text, in UTF-16 units as JavaScript counts them."""

    offset: int
    length: int


class Found(Output):
    """Messages that were looked for, the newest first."""

    messages: list[Message]
    highlights: dict[MessageId, list[Span]]
    """Where the `content` of these messages has the words of `q`, by message."""
    next_cursor: str | None
    """For the next page, which may be empty; null at the end."""
