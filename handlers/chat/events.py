"""What the chat tells."""

from handlers.chat.models.conversations import ChangedForAll, Departure, Preferences, Unread
from handlers.chat.models.deletions import Hidden
from handlers.chat.models.drafts import DraftNews
from handlers.chat.models.folders import Folders
from handlers.chat.models.links import JoinRequest
from handlers.chat.models.messages import Message, Removed
from handlers.chat.models.reading import TypingNow, Watermarks
from handlers.chat.models.scheduled import ScheduledNews
from handlers.chat.models.stars import Star
from handlers.chat.models.threads import ThreadNews, ThreadState
from server.events import Event


class MessageNew(Event[Message], name="message:new"):
    """A message was said. Everybody in the conversation hears it, its sender on all his devices, in order of `seq`."""


class MessageUpdated(Event[Message], name="message:updated"):
    """A message changed (edit, reaction, vote): this is how it is now. A lower `revision` is older news."""


class MessageDeleted(Event[Removed], name="message:deleted"):
    """A message was taken back for everybody."""


class ScheduledChanged(Event[ScheduledNews], name="scheduled:changed"):
    """Your message that waits was scheduled, changed or cancelled, was sent or could not be: told to your devices."""


class MessageStarred(Event[Star], name="message:starred"):
    """You have starred a message on one of your devices, or taken the star away (`starredAt` is null)."""


class DraftChanged(Event[DraftNews], name="draft:changed"):
    """You have written a draft on one of your devices, or dropped it (`draft` is null)."""


class MessageHidden(Event[Hidden], name="message:hidden"):
    """You have deleted a message for yourself on one of your devices."""


class ConversationUpdated(Event[ChangedForAll], name="conversation:updated"):
    """A conversation was made, or its members or settings changed. New members hear it too: they are in it now."""


class ConversationRemoved(Event[Departure], name="conversation:removed"):
    """You are no longer a member: you left, or somebody removed you. Nothing more is heard from there."""


class ConversationRead(Event[Unread], name="conversation:read"):
    """You have read a conversation on one of your devices; what is left unread, in absolute numbers."""


class ConversationUnread(Event[Unread], name="conversation:unread"):
    """You have marked a conversation as unread on one of your devices. Reading or saying something there ends it."""


class ConversationPreferences(Event[Preferences], name="conversation:preferences"):
    """You have changed on one of your devices what concerns only you in a conversation."""


class FoldersChanged(Event[Folders], name="folders:changed"):
    """You have changed your folders on one of your devices: these are all of them now."""


class MessageTyping(Event[TypingNow], name="message:typing"):
    """Somebody types. Without further news it is over after 6 seconds."""


class ThreadUpdated(Event[ThreadNews], name="thread:updated"):
    """Something was said in a thread, or taken back there: what is in it now, told to those who heard that."""


class ThreadFollowed(Event[ThreadState], name="thread:followed"):
    """You have followed a thread, left or read it on one of your devices: how it stands for you now."""


class ReceiptUpdate(Event[Watermarks], name="receipt:update"):
    """A member has received or read up to a place (in conversations of up to 100)."""


class ConversationRequest(Event[JoinRequest], name="conversation:request"):
    """Somebody has come by a link to a group and waits to be let in. Told to the group's owner and admins."""


EVENTS = (
    MessageNew,
    MessageUpdated,
    MessageDeleted,
    MessageHidden,
    MessageStarred,
    DraftChanged,
    ScheduledChanged,
    ConversationUpdated,
    ConversationRemoved,
    ConversationRead,
    ConversationUnread,
    ConversationPreferences,
    ConversationRequest,
    FoldersChanged,
    ThreadUpdated,
    ThreadFollowed,
    MessageTyping,
    ReceiptUpdate,
)
