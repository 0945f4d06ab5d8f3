"""Messages that are sent later."""

from handlers.chat.models.conversations import OneConversation
from handlers.chat.models.scheduled import (
    ChangedScheduled,
    NewScheduled,
    OneScheduled,
    ScheduledMessage,
    ScheduledMessages,
)
from handlers.chat.routes.base import READING, READS, SETTING, routes
from handlers.chat.service import AlreadySent, Chat, ScheduleLimit
from handlers.media.service import NoMedia, NotReady, WrongKind
from server.actors import Actor


@routes.command(
    "POST /api/conversations/{conversationId}/scheduled",
    event="scheduled:create",
    needs="chat:write",
    status=201,
    limits=SETTING,
    errors=(*READS, ScheduleLimit, NoMedia, NotReady, WrongKind),
)
async def schedule(chat: Chat, actor: Actor, body: NewScheduled) -> ScheduledMessage:
    """Send a message later, up to 365 days from now; up to 100 of yours can wait in a conversation.

    It is sent once, a moment after its time, if you may write there then; your devices hear how it went.
    """
    return await chat.scheduled.add(actor, body)


@routes.command(
    "GET /api/conversations/{conversationId}/scheduled",
    event="scheduled:list",
    needs="chat:read",
    limits=READING,
    errors=READS,
)
async def list_scheduled(chat: Chat, actor: Actor, body: OneConversation) -> ScheduledMessages:
    """See which of your messages wait in a conversation, the next first. Nobody else sees them."""
    return await chat.scheduled.of(actor, body.conversation_id)


@routes.command(
    "PUT /api/conversations/{conversationId}/scheduled/{scheduledId}",
    event="scheduled:change",
    needs="chat:write",
    limits=SETTING,
    errors=(*READS, AlreadySent),
)
async def change_scheduled(chat: Chat, actor: Actor, body: ChangedScheduled) -> ScheduledMessage:
    """Give a message that waits another text or time; a failed one waits again."""
    return await chat.scheduled.change(actor, body)


@routes.command(
    "DELETE /api/conversations/{conversationId}/scheduled/{scheduledId}",
    event="scheduled:cancel",
    needs="chat:write",
    limits=SETTING,
    errors=(*READS, AlreadySent),
)
async def cancel_scheduled(chat: Chat, actor: Actor, body: OneScheduled) -> None:
    """Do not send a message that waits."""
    await chat.scheduled.cancel(actor, body)
