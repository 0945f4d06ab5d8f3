"""What a client may do in the chat, each through both doors."""

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
    Unread,
)
from handlers.chat.models.messages import (
    ChangedMessage,
    Message,
    NewMessage,
    NewVote,
    OneMessage,
    OneReaction,
    Receipts,
    Removed,
    Votes,
)
from handlers.chat.models.reading import (
    Found,
    MessagePage,
    Page,
    Reading,
    Search,
    Sync,
    Synced,
    Typing,
)
from handlers.chat.service import (
    CannotReach,
    Chat,
    EditLimit,
    GroupFull,
    NotAPoll,
    ReactionLimit,
    WindowClosed,
)
from server.actors import Actor
from server.errors import Conflict, Forbidden, Gone, NotFound, Overloaded, Unavailable
from server.routes import Limit, Pending, Routes

routes = Routes("chat")

STARTING = (Limit(30, 20.0),)
INVITING = (Limit(10, 3.0), Limit(10, 3.0, field="conversationId"))
SETTING = (Limit(20, 1.0),)
SAYING = (Limit(20, 1.0), Limit(10, 2.0, field="conversationId"))
CHANGING = (Limit(10, 1.0),)
MARKING = (Limit(20, 1 / 3),)
TYPING = (Limit(30, 0.5),)
READING = (Limit(60, 0.1),)
SEARCHING = (Limit(10, 1.0),)

SYNCING = (Limit(30, 0.2),)

READS = (NotFound, Unavailable)
WRITES = (NotFound, Forbidden, Overloaded, Unavailable)
CHANGES = (*WRITES, Gone, Conflict)


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


@routes.command(
    "GET /api/conversations", event="conversations:list", needs="chat:read", limits=READING, errors=(Unavailable,)
)
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
    """Add people to a group. They see what is said from now on; who is a member already stays one."""
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


@routes.command(
    "POST /api/conversations/{conversationId}/messages",
    event="message:send",
    needs="chat:write",
    status=201,
    limits=SAYING,
    errors=(*WRITES, Gone),
)
async def send(chat: Chat, actor: Actor, body: NewMessage) -> Pending[Message]:
    """Say something in a conversation.

    The answer comes when the message is safe. With a `clientMessageId` you may send it again after a lost answer: the
    message is there once, and `duplicate` tells that it was already.
    """
    return await chat.messages.send(actor, body)


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
    """Find messages by words, in all your conversations or in one; encrypted ones cannot be searched."""
    return await chat.search.find(actor, body)


@routes.command(
    "PUT /api/messages/{messageId}",
    event="message:edit",
    needs="chat:write",
    limits=CHANGING,
    errors=(*CHANGES, WindowClosed, EditLimit),
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
    errors=(*CHANGES, NotAPoll),
)
async def vote(chat: Chat, actor: Actor, body: NewVote) -> Pending[Message]:
    """Vote in a poll, in place of your vote before; an empty list takes it back."""
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


@routes.command(event="message:typing", needs="chat:write", limits=TYPING, errors=READS)
async def typing(chat: Chat, actor: Actor, body: Typing) -> None:
    """Let the others see that you type: send it again every 4 seconds, it is over after 6.

    It is passed on at most every 3 seconds, in conversations of up to 100 members.
    """
    await chat.typing.tell(actor, body)


@routes.command("GET /api/sync", event="sync", needs="chat:read", limits=SYNCING, errors=(Unavailable,))
async def sync(chat: Chat, actor: Actor, body: Sync) -> Synced:
    """Get what was missed: for each conversation, the last entry up to which nothing is missing.

    An answer is whole or says that it is not: a conversation with `more` goes on after its `to`, and `limited` means
    that conversations without an entry here were not looked at.
    """
    return await chat.sync.missed(actor, body)
