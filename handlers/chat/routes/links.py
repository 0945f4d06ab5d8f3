"""Joining a group by a link."""

from handlers.chat.models.conversations import OneConversation
from handlers.chat.models.links import Answer, Joined, Joining, JoinRequests, Links, MadeLink, NewLink, OneLink
from handlers.chat.routes.base import INVITING, JOINING, READING, READS, SETTING, WRITES, routes
from handlers.chat.service import Chat, GroupFull
from server.actors import Actor
from server.errors import Conflict, Forbidden


@routes.command(
    "POST /api/conversations/{conversationId}/links",
    event="conversations:link",
    needs="chat:write",
    status=201,
    limits=INVITING,
    errors=(*WRITES, Conflict),
)
async def make_link(chat: Chat, actor: Actor, body: NewLink) -> MadeLink:
    """Make a link by which people join your group. Its `token` is shown only now."""
    return await chat.links.make(actor, body)


@routes.command(
    "GET /api/conversations/{conversationId}/links",
    event="conversations:links",
    needs="chat:read",
    limits=READING,
    errors=(*READS, Forbidden),
)
async def list_links(chat: Chat, actor: Actor, body: OneConversation) -> Links:
    """List the links into your group. Only for its owner and admins."""
    return await chat.links.list(actor, body.conversation_id)


@routes.command(
    "DELETE /api/conversations/{conversationId}/links/{linkId}",
    event="conversations:unlink",
    needs="chat:write",
    limits=SETTING,
    errors=WRITES,
)
async def revoke_link(chat: Chat, actor: Actor, body: OneLink) -> None:
    """Revoke a link: it brings nobody in any more. Who waits for an admin goes on waiting."""
    await chat.links.revoke(actor, body)


@routes.command(
    "POST /api/join",
    event="conversations:join",
    needs="chat:write",
    limits=JOINING,
    errors=(*WRITES, GroupFull, Conflict),
)
async def join(chat: Chat, actor: Actor, body: Joining) -> Joined:
    """Join a group by a link, or wait for an admin where the link says so."""
    return await chat.links.join(actor, body)


@routes.command(
    "GET /api/conversations/{conversationId}/requests",
    event="conversations:requests",
    needs="chat:read",
    limits=READING,
    errors=(*READS, Forbidden),
)
async def list_requests(chat: Chat, actor: Actor, body: OneConversation) -> JoinRequests:
    """See who waits to join your group, the longest first. Only for its owner and admins."""
    return await chat.links.queue(actor, body.conversation_id)


@routes.command(
    "POST /api/conversations/{conversationId}/requests/{userId}",
    event="conversations:answer",
    needs="chat:write",
    limits=SETTING,
    errors=(*WRITES, GroupFull, Conflict),
)
async def answer_request(chat: Chat, actor: Actor, body: Answer) -> None:
    """Let somebody in who waits to join your group, or turn him away."""
    await chat.links.answer(actor, body)
