"""What one has begun to write."""

from handlers.chat.models.conversations import OneConversation
from handlers.chat.models.drafts import DraftPage, ListedDrafts, MessageDraft, SavedDraft
from handlers.chat.routes.base import READING, READS, routes
from handlers.chat.service import Chat, DraftLimit
from server.actors import Actor
from server.errors import Forbidden, Unavailable
from server.routes import Limit

DRAFTING = (Limit(30, 1.0),)


@routes.command(
    "PUT /api/conversations/{conversationId}/draft",
    event="draft:save",
    needs="chat:write",
    limits=DRAFTING,
    errors=(*READS, Forbidden, DraftLimit),
)
async def save_draft(chat: Chat, actor: Actor, body: SavedDraft) -> MessageDraft:
    """Keep what you have written so far, for your other devices: they hear `draft:changed`. The last one wins."""
    return await chat.drafts.save(actor, body)


@routes.command(
    "DELETE /api/conversations/{conversationId}/draft",
    event="draft:drop",
    needs="chat:write",
    limits=DRAFTING,
    errors=READS,
)
async def drop_draft(chat: Chat, actor: Actor, body: OneConversation) -> None:
    """Drop your draft. Sending a message does not do that."""
    await chat.drafts.drop(actor, body.conversation_id)


@routes.command("GET /api/drafts", event="drafts:list", needs="chat:read", limits=READING, errors=(Unavailable,))
async def list_drafts(chat: Chat, actor: Actor, body: ListedDrafts) -> DraftPage:
    """List what you have begun to write, the youngest first."""
    return await chat.drafts.page(actor, body)
