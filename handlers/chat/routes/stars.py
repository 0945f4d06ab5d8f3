"""Starred messages."""

from handlers.chat.models.messages import OneMessage
from handlers.chat.models.stars import ListedStars, Star, StarPage
from handlers.chat.routes.base import CHANGING, READING, READS, routes
from handlers.chat.service import Chat, StarLimit
from server.actors import Actor
from server.errors import Gone


@routes.command(
    "POST /api/messages/{messageId}/star",
    event="message:star",
    needs="chat:write",
    status=200,
    limits=CHANGING,
    errors=(*READS, Gone, StarLimit),
)
async def star(chat: Chat, actor: Actor, body: OneMessage) -> Star:
    """Star a message to find it again. Nobody else learns of it; your devices hear `message:starred`."""
    return await chat.stars.star(actor, body)


@routes.command(
    "DELETE /api/messages/{messageId}/star",
    event="message:unstar",
    needs="chat:write",
    status=200,
    limits=CHANGING,
    errors=READS,
)
async def unstar(chat: Chat, actor: Actor, body: OneMessage) -> Star:
    """Take your star away from a message."""
    return await chat.stars.unstar(actor, body)


@routes.command("GET /api/messages/starred", event="messages:starred", needs="chat:read", limits=READING, errors=READS)
async def list_starred(chat: Chat, actor: Actor, body: ListedStars) -> StarPage:
    """List your starred messages, in all your conversations or in one, the one that you starred last first.

    What was deleted, has disappeared or is out of your reach is not starred any more.
    """
    return await chat.stars.page(actor, body)
