"""Pinned messages."""

from handlers.chat.models.conversations import OneConversation
from handlers.chat.models.messages import Message, OneMessage
from handlers.chat.models.pins import Pinned
from handlers.chat.routes.base import CHANGES, CHANGING, READING, READS, routes
from handlers.chat.service import Chat, PinLimit, Restricted
from server.actors import Actor


@routes.command(
    "POST /api/messages/{messageId}/pin",
    event="message:pin",
    needs="chat:write",
    status=200,
    limits=CHANGING,
    errors=(*CHANGES, Restricted, PinLimit),
)
async def pin(chat: Chat, actor: Actor, body: OneMessage) -> Message:
    """Pin a message for everybody in the conversation: up to 50 at once. All hear it as `message:updated`."""
    return await chat.pins.pin(actor, body)


@routes.command(
    "DELETE /api/messages/{messageId}/pin",
    event="message:unpin",
    needs="chat:write",
    status=200,
    limits=CHANGING,
    errors=(*CHANGES, Restricted),
)
async def unpin(chat: Chat, actor: Actor, body: OneMessage) -> Message:
    """Take a pin out."""
    return await chat.pins.unpin(actor, body)


@routes.command(
    "GET /api/conversations/{conversationId}/pins",
    event="messages:pinned",
    needs="chat:read",
    limits=READING,
    errors=READS,
)
async def pinned(chat: Chat, actor: Actor, body: OneConversation) -> Pinned:
    """See what is pinned in a conversation, the message that was pinned last first."""
    return await chat.pins.of(actor, body.conversation_id)
