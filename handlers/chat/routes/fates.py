"""What else may become of a message: deleted for oneself or with others, its edits, its reactions, its poll closed."""

from handlers.chat.models.deletions import Deletions, Editions, Hidden, ManyMessages
from handlers.chat.models.messages import Message, OneMessage, OwnReactions
from handlers.chat.routes.base import CHANGES, CHANGING, READING, READS, WRITES, routes
from handlers.chat.service import Chat, NotAPoll, NotOnce, ReactionLimit
from handlers.media.models import Link
from handlers.media.service import NoMedia, NotReady
from server.actors import Actor
from server.errors import Forbidden, Gone
from server.routes import Limit, Pending

DELETING_MANY = (Limit(5, 5.0),)


@routes.command(
    "POST /api/messages/{messageId}/hide", event="message:hide", needs="chat:write", limits=CHANGING, errors=WRITES
)
async def hide(chat: Chat, actor: Actor, body: OneMessage) -> Hidden:
    """Delete a message for yourself, at any time and on all your devices. The others keep it and hear nothing."""
    return await chat.deletions.hide(actor, body)


@routes.command(
    "POST /api/messages/{messageId}/view",
    event="message:view",
    needs="chat:write",
    status=200,
    limits=CHANGING,
    errors=(*WRITES, Gone, NotOnce, NoMedia, NotReady),
)
async def view(chat: Chat, actor: Actor, body: OneMessage) -> Link:
    """Look at what a message shows once (`viewOnce`): an address that works for a minute.

    From then on the message is deleted for you, on all your devices, and no other address is given. Nothing can keep
    somebody from making a picture of his screen.
    """
    return await chat.deletions.view(actor, body)


@routes.command(
    "POST /api/messages/delete",
    event="messages:delete",
    needs="chat:write",
    status=200,
    limits=DELETING_MANY,
    errors=WRITES,
)
async def delete_many(chat: Chat, actor: Actor, body: ManyMessages) -> Deletions:
    """Delete up to 100 messages, for everybody or for yourself. The answer names those that stay, and why."""
    return await chat.deletions.many(actor, body)


@routes.command(
    "GET /api/messages/{messageId}/edits",
    event="message:edits",
    needs="chat:read",
    limits=READING,
    errors=(*READS, Forbidden, Gone),
)
async def edits(chat: Chat, actor: Actor, body: OneMessage) -> Editions:
    """See every text that a message had: your own, or as an admin of the group or a moderator any in it."""
    return await chat.editions.of(actor, body.message_id)


@routes.command(
    "PUT /api/messages/{messageId}/reactions",
    event="reaction:set",
    needs="chat:write",
    limits=CHANGING,
    errors=(*CHANGES, ReactionLimit),
)
async def set_reactions(chat: Chat, actor: Actor, body: OwnReactions) -> Pending[Message]:
    """Put exactly these emojis of yours beside a message: up to 3; an empty list takes them away."""
    return await chat.changes.set_reactions(actor, body)


@routes.command(
    "POST /api/messages/{messageId}/close",
    event="message:close",
    needs="chat:write",
    status=200,
    limits=CHANGING,
    errors=(*CHANGES, NotAPoll),
)
async def close_poll(chat: Chat, actor: Actor, body: OneMessage) -> Pending[Message]:
    """Close your poll, or as an admin of the group any: nobody can vote any more, and a quiz tells its answer."""
    return await chat.polls.close(actor, body)
