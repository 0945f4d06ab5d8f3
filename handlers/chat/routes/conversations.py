"""Conversations and who is in them."""

from handlers.chat.models.conversations import (
    ChangedConversation,
    ChangedParticipant,
    ConversationPage,
    ListedConversations,
    MyConversation,
    NewConversation,
    NewParticipants,
    OneConversation,
    OneParticipant,
)
from handlers.chat.models.timers import ChangedTimer
from handlers.chat.routes.base import INVITING, READING, READS, SETTING, STARTING, WRITES, routes
from handlers.chat.service import CannotReach, Chat, GroupFull
from server.actors import Actor
from server.errors import Conflict, Overloaded, Unavailable


@routes.command(
    "POST /api/conversations",
    event="conversations:create",
    needs="chat:write",
    status=201,
    limits=STARTING,
    errors=(CannotReach, GroupFull, Overloaded, Unavailable),
)
async def create(chat: Chat, actor: Actor, body: NewConversation) -> MyConversation:
    """Begin a conversation.

    Two people have one direct conversation: it is handed out again, and is listed again if it was deleted. People who
    do not exist, who have blocked you or do not want to be contacted are refused alike.
    """
    return await chat.conversations.create(actor, body)


@routes.command("GET /api/conversations", event="conversations:list", needs="chat:read", limits=READING, errors=READS)
async def list_mine(chat: Chat, actor: Actor, body: ListedConversations) -> ConversationPage:
    """List your conversations, the latest first, with the last message and what is unread in each."""
    return await chat.listing.page(actor, body)


@routes.command(
    "GET /api/conversations/{conversationId}",
    event="conversations:get",
    needs="chat:read",
    limits=READING,
    errors=READS,
)
async def get(chat: Chat, actor: Actor, body: OneConversation) -> MyConversation:
    """Get one of your conversations."""
    return await chat.listing.one(actor, body.conversation_id)


@routes.command(
    "PUT /api/conversations/{conversationId}",
    event="conversations:change",
    needs="chat:write",
    limits=SETTING,
    errors=WRITES,
)
async def change(chat: Chat, actor: Actor, body: ChangedConversation) -> MyConversation:
    """Change a conversation.

    `isArchived` and `muted` are yours alone. Name, description, avatar and invitations are changed by a group's admins,
    `messageRetention` also by either side of a direct conversation; it holds for messages sent from then on.
    """
    return await chat.conversations.change(actor, body)


@routes.command(
    "PUT /api/conversations/{conversationId}/timer",
    event="conversations:timer",
    needs="chat:write",
    limits=SETTING,
    errors=WRITES,
)
async def set_timer(chat: Chat, actor: Actor, body: ChangedTimer) -> MyConversation:
    """Let messages disappear that are sent from now on: either side of a direct conversation, the admins of a group.

    What was sent before stays as it was. A message of the type `system` says in the conversation that it was set.
    """
    return await chat.timers.set(actor, body)


@routes.command(
    "DELETE /api/conversations/{conversationId}",
    event="conversations:delete",
    needs="chat:write",
    limits=SETTING,
    errors=WRITES,
)
async def delete(chat: Chat, actor: Actor, body: OneConversation) -> None:
    """Take a conversation off your list: a group is left, a direct one stays away until there is a new message."""
    await chat.conversations.delete(actor, body.conversation_id)


@routes.command(
    "POST /api/conversations/{conversationId}/participants",
    event="conversations:add",
    needs="chat:write",
    limits=INVITING,
    errors=(*WRITES, CannotReach, GroupFull, Conflict),
)
async def add_participants(chat: Chat, actor: Actor, body: NewParticipants) -> MyConversation:
    """Add people to a group; who is a member already stays one.

    They see what is said from now on, or everything where the group has `historyVisible`.
    """
    return await chat.participants.add(actor, body)


@routes.command(
    "PUT /api/conversations/{conversationId}/participants/{userId}",
    event="conversations:role",
    needs="chat:write",
    limits=SETTING,
    errors=(*WRITES, Conflict),
)
async def change_participant(chat: Chat, actor: Actor, body: ChangedParticipant) -> MyConversation:
    """Give a member of your group another role. Only its owner can; a new owner makes the old one an admin."""
    return await chat.participants.change_role(actor, body)


@routes.command(
    "DELETE /api/conversations/{conversationId}/participants/{userId}",
    event="conversations:remove",
    needs="chat:write",
    limits=SETTING,
    errors=(*WRITES, Conflict),
)
async def remove_participant(chat: Chat, actor: Actor, body: OneParticipant) -> None:
    """Remove somebody from a group, or yourself: when the owner leaves, the oldest admin or member follows."""
    await chat.participants.remove(actor, body)
