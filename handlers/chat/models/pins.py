"""Pinned messages."""

from handlers.chat.models.messages import Message
from server.models import Id, Output


class Pinned(Output):
    """The pinned messages of a conversation, the one that was pinned last first."""

    conversation_id: Id
    messages: list[Message]
