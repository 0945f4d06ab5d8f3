"""Drafts: what somebody has begun to write in a conversation, on all his devices."""

from typing import Annotated

from pydantic import Field, StringConstraints

from handlers.chat.models.values import MAX_TEXT, MessageId
from server.models import Id, Input, Instant, Output, Text


class SavedDraft(Input):
    """What somebody has written so far, in place of what he had before."""

    conversation_id: Id
    content: Annotated[Text, StringConstraints(min_length=1, max_length=MAX_TEXT)]
    reply_to_message_id: MessageId | None = None


class ListedDrafts(Input):
    """A part of one's drafts."""

    cursor: Annotated[str, Field(max_length=200)] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class MessageDraft(Output):
    """What somebody has begun to write. Nobody else sees it."""

    conversation_id: Id
    content: str
    reply_to_message_id: MessageId | None
    updated_at: Instant


class DraftPage(Output):
    """Drafts, the youngest first. A page may be short and not be the last."""

    drafts: list[MessageDraft]
    next_cursor: str | None


class DraftNews(Output):
    """A draft that was written or dropped on one of one's devices."""

    conversation_id: Id
    device_id: str
    """The device that it was done on, which knows already."""
    draft: MessageDraft | None
    """Null: it was dropped."""
