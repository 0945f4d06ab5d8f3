"""Reading: history, search, what was read, who types, and catching up."""

from handlers.chat.models.conversations import OneConversation, Unread
from handlers.chat.models.messages import OneMessage, Receipts
from handlers.chat.models.reading import Check, Checked, MessagePage, Opened, Page, Reading, Sync, Synced, Typing
from handlers.chat.models.search import Found, Search
from handlers.chat.routes.base import CHECKING, MARKING, READING, READS, SEARCHING, SYNCING, TYPING, routes
from handlers.chat.service import Chat
from server.actors import Actor
from server.errors import Forbidden, NotFound, Unavailable


@routes.command(
    "GET /api/conversations/{conversationId}/messages",
    event="messages:history",
    needs="chat:read",
    limits=READING,
    errors=READS,
)
async def history(chat: Chat, actor: Actor, body: Page) -> MessagePage:
    """Read what was said, the newest first, page by page."""
    return await chat.history.page(actor, body)


@routes.command(
    "GET /api/messages/search", event="messages:search", needs="chat:read", limits=SEARCHING, errors=(NotFound,)
)
async def search(chat: Chat, actor: Actor, body: Search) -> Found:
    """Find messages by words, sender, kind and time, in all your conversations or in some of them.

    Only what you may see there is found, the newest first. Encrypted conversations cannot be searched.
    """
    return await chat.search.find(actor, body)


@routes.command(
    "GET /api/messages/{messageId}/receipts",
    event="message:receipts",
    needs="chat:read",
    limits=READING,
    errors=(*READS, Forbidden),
)
async def receipts(chat: Chat, actor: Actor, body: OneMessage) -> Receipts:
    """See how far your message has come: who has received it and who has read it."""
    return await chat.receipts.of_message(actor, body.message_id)


@routes.command(
    "POST /api/conversations/{conversationId}/read",
    event="message:read",
    needs="chat:write",
    limits=MARKING,
    errors=READS,
)
async def read(chat: Chat, actor: Actor, body: Reading) -> Unread:
    """Say up to where you have read: never back, never beyond what is there. It also counts as received."""
    return await chat.receipts.mark(actor, body, read=True)


@routes.command(
    "POST /api/conversations/{conversationId}/delivered",
    event="message:delivered",
    needs="chat:write",
    limits=MARKING,
    errors=READS,
)
async def delivered(chat: Chat, actor: Actor, body: Reading) -> Unread:
    """Say up to where your device has received."""
    return await chat.receipts.mark(actor, body, read=False)


@routes.command(
    "POST /api/conversations/{conversationId}/unread",
    event="conversations:unread",
    needs="chat:write",
    limits=MARKING,
    errors=READS,
)
async def mark_unread(chat: Chat, actor: Actor, body: OneConversation) -> Unread:
    """Mark a conversation as unread, until you read or say something in it. The watermarks and counts stay."""
    return await chat.receipts.mark_unread(actor, body)


@routes.command(event="message:typing", needs="chat:write", limits=TYPING, errors=READS)
async def typing(chat: Chat, actor: Actor, body: Typing) -> None:
    """Let the others see that you type: send it again every 4 seconds, it is over after 6.

    It is passed on at most every 3 seconds, in conversations of up to 100 members, to devices that have the
    conversation open. Of more than 3 who type in a group the others are told as `several`. What you say ends it.
    """
    await chat.typing.tell(actor, body)


@routes.command(event="conversation:open", needs="chat:read", limits=TYPING, errors=READS)
async def open_conversation(chat: Chat, actor: Actor, body: OneConversation) -> Opened:
    """Say that this device shows a conversation: from now on it hears typing only where it has one open.

    A device that has never said so hears it in all its conversations. At most 20 are open on a device; they end with
    its last connection, so say it again after each `session:ready`.
    """
    return await chat.typing.open(actor, body.conversation_id)


@routes.command(event="conversation:close", needs="chat:read", limits=TYPING, errors=READS)
async def close_conversation(chat: Chat, actor: Actor, body: OneConversation) -> None:
    """Say that this device shows a conversation no longer."""
    await chat.typing.close(actor, body.conversation_id)


@routes.command("GET /api/sync", event="sync", needs="chat:read", limits=SYNCING, errors=(Unavailable,))
async def sync(chat: Chat, actor: Actor, body: Sync) -> Synced:
    """Get what was missed: for each conversation, the last entry up to which nothing is missing.

    An answer is whole or says that it is not: a conversation with `more` goes on after its `to`, and `limited` means
    that conversations without an entry here were not looked at.
    """
    return await chat.sync.missed(actor, body)


@routes.command(event="sync:check", needs="chat:read", limits=CHECKING, errors=(Unavailable,))
async def check(chat: Chat, actor: Actor, body: Check) -> Checked:
    """See every 25 seconds whether anything was lost without a word in the conversations that you have open.

    Repairing ends: after two calls of `sync` that did not move a place comes one snapshot, and then nothing more.
    """
    return await chat.checkup.of(actor, body)
