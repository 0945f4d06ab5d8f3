"""What members may do in a group, and what its admins did."""

from handlers.chat.models.conversations import MyConversation
from handlers.chat.models.rights import AuditPage, ChangedPermissions, ListedAudit, NewRestriction
from handlers.chat.routes.base import READING, READS, SETTING, WRITES, routes
from handlers.chat.service import Chat
from server.actors import Actor
from server.errors import Conflict, Forbidden


@routes.command(
    "PUT /api/conversations/{conversationId}/permissions",
    event="conversations:permissions",
    needs="chat:write",
    limits=SETTING,
    errors=WRITES,
)
async def change_permissions(chat: Chat, actor: Actor, body: ChangedPermissions) -> MyConversation:
    """Set what members of your group may do, and slow mode. It does not hold for owner and admins."""
    return await chat.rules.permit(actor, body)


@routes.command(
    "PUT /api/conversations/{conversationId}/participants/{userId}/restrictions",
    event="conversations:restrict",
    needs="chat:write",
    limits=SETTING,
    errors=(*WRITES, Conflict),
)
async def restrict_participant(chat: Chat, actor: Actor, body: NewRestriction) -> MyConversation:
    """Refuse a member of your group some rights, for a time or until you give them back; leaving does not end it."""
    return await chat.rules.restrict(actor, body)


@routes.command(
    "GET /api/conversations/{conversationId}/audit",
    event="conversations:audit",
    needs="chat:read",
    limits=READING,
    errors=(*READS, Forbidden),
)
async def list_audit(chat: Chat, actor: Actor, body: ListedAudit) -> AuditPage:
    """See what was done to your group, the newest first. Only for its owner and admins."""
    return await chat.rules.audit(actor, body)
