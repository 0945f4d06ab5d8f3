"""Starred messages: what people keep at hand, each for himself."""

from typing import Annotated

from pydantic import Field

from handlers.chat.models.messages import Message
from handlers.chat.models.values import MessageId
from server.models import Id, Input, Instant, Output


class ListedStars(Input):
    """Which of one's starred messages to list."""

    conversation_id: Id | None = None
    cursor: Annotated[str, Field(max_length=200)] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class Star(Output):
    """Whether somebody has starred a message."""

    message_id: MessageId
    conversation_id: Id
    starred_at: Instant | None
    """Null: he has not, or no longer."""


class StarredMessage(Output):
    """A starred message as it is now."""

    starred_at: Instant
    message: Message


class StarPage(Output):
    """Starred messages, the one that was starred last first. A page may be short and not be the last."""

    stars: list[StarredMessage]
    next_cursor: str | None
