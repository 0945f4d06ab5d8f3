"""What people delete beyond a single message for all, and the earlier texts of a message."""

from typing import Annotated

from pydantic import Field

from handlers.chat.models.values import MessageId, Seq
from server.models import Id, Input, Instant, Output

MAX_AT_ONCE = 100
"""Messages that are deleted by one call."""


class ManyMessages(Input):
    """Messages to delete together, of any of one's conversations."""

    message_ids: Annotated[list[MessageId], Field(min_length=1, max_length=MAX_AT_ONCE)]
    for_everyone: bool
    """Whether they are taken back for everybody, or deleted for the one who asks alone."""


class Hidden(Output):
    """A message that somebody has deleted for himself."""

    message_id: MessageId
    conversation_id: Id
    seq: Seq
    """The place of the deletion in the log."""
    target_seq: Seq


class NotDeleted(Output):
    """A message that is still there, and why."""

    message_id: MessageId
    code: str
    message: str


class Deletions(Output):
    """What came of deleting several messages."""

    deleted: list[MessageId]
    refused: list[NotDeleted]


class Edition(Output):
    """A text that a message had."""

    content: str
    at: Instant
    """Since when."""


class Editions(Output):
    """All texts of a message, the first one first."""

    message_id: MessageId
    editions: list[Edition]
