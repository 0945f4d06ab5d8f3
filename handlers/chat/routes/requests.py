"""What somebody does with the requests of strangers."""

from handlers.chat.models.conversations import ConversationPage, ListedRequests, MyConversation, OneConversation
from handlers.chat.routes.base import READING, SETTING, WRITES, routes
from handlers.chat.service import Chat, NoRequest
from server.actors import Actor
from server.errors import NotFound, Unavailable


@routes.command(
    "GET /api/message-requests", event="requests:list", needs="chat:read", limits=READING, errors=(Unavailable,)
)
async def message_requests(chat: Chat, actor: Actor, body: ListedRequests) -> ConversationPage:
    """List the requests of strangers to you, the latest first.

    A direct conversation that somebody begins who is no friend is a request: it is listed here and not among your
    conversations, wakes nobody and is in no badge. Until you accept, its sender has one text message of up to 500
    characters without a link, and learns neither whether it arrived or was read nor that you type.
    """
    return await chat.listing.requests(actor, body)


@routes.command(
    "POST /api/message-requests/{conversationId}/accept",
    event="requests:accept",
    needs="chat:write",
    limits=SETTING,
    errors=(*WRITES, NoRequest),
)
async def accept_message_request(chat: Chat, actor: Actor, body: OneConversation) -> MyConversation:
    """Accept a request: it becomes a conversation like others. To answer it, or to become friends, is to accept it."""
    return await chat.requests.accept(actor, body.conversation_id)


@routes.command(
    "POST /api/message-requests/{conversationId}/ignore",
    event="requests:ignore",
    needs="chat:write",
    limits=SETTING,
    errors=(NotFound, Unavailable, NoRequest),
)
async def ignore_message_request(chat: Chat, actor: Actor, body: OneConversation) -> None:
    """Put a request away. The one who asks does not learn it; you may still accept."""
    await chat.requests.ignore(actor, body.conversation_id)
