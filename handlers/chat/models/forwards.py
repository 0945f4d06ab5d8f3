"""Passing messages on."""

from typing import Annotated

from pydantic import Field

from handlers.chat.models.messages import Message
from handlers.chat.models.values import MessageId, OperationId
from server.models import Id, Input, Output


class Forward(Input):
    """A message, and where it shall go."""

    message_id: MessageId
    conversation_ids: Annotated[list[Id], Field(min_length=1, max_length=50)]
    operation_id: OperationId | None = None
    """The `clientMessageId` of the new messages: then a forward that was asked for twice is there once."""


class NotForwarded(Output):
    """A conversation that the message did not get to, and why."""

    conversation_id: Id
    code: str
    message: str


class Forwarded(Output):
    """What came of a forward."""

    messages: list[Message]
    refused: list[NotForwarded]
