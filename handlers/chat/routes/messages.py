"""What is said, and what becomes of it."""

from handlers.chat.models.messages import (
    ChangedMessage,
    Message,
    NewMessage,
    NewVote,
    OneMessage,
    OneReaction,
    Removed,
    Votes,
)
from handlers.chat.routes.base import CHANGES, CHANGING, READING, READS, SAYING, WRITES, routes
from handlers.chat.service import (
    CalledAlready,
    CannotReach,
    Chat,
    EditLimit,
    Held,
    NotAPoll,
    PollClosed,
    ReactionLimit,
    Restricted,
    Screened,
    SlowDown,
    WindowClosed,
)
from handlers.media.service import NoMedia, NotReady, WrongKind
from server.actors import Actor
from server.errors import Gone
from server.routes import Pending


@routes.command(
    "POST /api/conversations/{conversationId}/messages",
    event="message:send",
    needs="chat:write",
    status=201,
    limits=SAYING,
    errors=(
        *(*WRITES, Gone, Restricted, Screened, Held, SlowDown, CalledAlready, CannotReach),
        *(NoMedia, NotReady, WrongKind),
    ),
)
async def send(chat: Chat, actor: Actor, body: NewMessage) -> Pending[Message]:
    """Say something in a conversation.

    The answer comes when the message is safe. With a `clientMessageId` you may send it again after a lost answer: the
    message is there once, and `duplicate` tells that it was already. In a direct conversation that you began with
    somebody who is no friend you have one text of up to 500 characters, without a link, until it is accepted.

    Attachments are finished uploads of one's own (`mediaId`), or addresses elsewhere. Those who may read the message
    may see them (`GET /api/media/{mediaId}/link`), for as long as they may read it.
    """
    return await chat.messages.send(actor, body)


@routes.command(
    "PUT /api/messages/{messageId}",
    event="message:edit",
    needs="chat:write",
    limits=CHANGING,
    errors=(*CHANGES, WindowClosed, EditLimit, Restricted, Screened),
)
async def edit(chat: Chat, actor: Actor, body: ChangedMessage) -> Pending[Message]:
    """Change the text of your message, within 48 hours and up to 20 times."""
    return await chat.changes.edit(actor, body)


@routes.command(
    "DELETE /api/messages/{messageId}",
    event="message:delete",
    needs="chat:write",
    status=200,
    limits=CHANGING,
    errors=(*CHANGES, WindowClosed),
)
async def take_back(chat: Chat, actor: Actor, body: OneMessage) -> Pending[Removed]:
    """Take a message back for everybody: your own within 48 hours, as an admin of the group any."""
    return await chat.changes.delete(actor, body)


@routes.command(
    "POST /api/messages/{messageId}/reactions",
    event="message:react",
    needs="chat:write",
    limits=CHANGING,
    errors=(*CHANGES, ReactionLimit),
)
async def react(chat: Chat, actor: Actor, body: OneReaction) -> Pending[Message]:
    """Put an emoji beside a message: up to 3 of yours, up to 20 different ones."""
    return await chat.changes.react(actor, body, on=True)


@routes.command(
    "DELETE /api/messages/{messageId}/reactions/{emoji}",
    event="message:unreact",
    needs="chat:write",
    limits=CHANGING,
    errors=CHANGES,
)
async def unreact(chat: Chat, actor: Actor, body: OneReaction) -> Pending[Message]:
    """Take your emoji away from a message."""
    return await chat.changes.react(actor, body, on=False)


@routes.command(
    "POST /api/messages/{messageId}/votes",
    event="message:vote",
    needs="chat:write",
    limits=CHANGING,
    errors=(*CHANGES, NotAPoll, PollClosed),
)
async def vote(chat: Chat, actor: Actor, body: NewVote) -> Pending[Message]:
    """Vote in a poll that is open, in place of your vote before; an empty list takes it back."""
    return await chat.changes.vote(actor, body)


@routes.command(
    "GET /api/messages/{messageId}/votes",
    event="message:votes",
    needs="chat:read",
    limits=READING,
    errors=(*READS, NotAPoll),
)
async def votes(chat: Chat, actor: Actor, body: OneMessage) -> Votes:
    """See how a poll stands, and what you have chosen."""
    return await chat.history.votes(actor, body.message_id)
