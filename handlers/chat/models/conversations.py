"""Conversations: how they are made and changed, and how they look to their members."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from handlers.chat.models.messages import Message
from handlers.chat.models.rights import Permissions, Right
from handlers.chat.models.themes import Theme
from handlers.chat.models.timers import Timer
from handlers.chat.models.values import ConversationType, HttpsUrl, MessageId, Role, Seq
from server.models import Id, Input, Instant, Output, Text

MOST_MEMBERS = 1024
"""No setting raises the members of a group above this."""

Name = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Description = Annotated[Text, StringConstraints(max_length=1000)]
Retention = Annotated[int, Field(ge=0, le=3650)]
"""Days that messages are kept, 0 for ever."""


class NewConversation(Input):
    """A direct conversation with one other person, or a group."""

    type: Literal["direct", "group"]
    participant_ids: Annotated[list[Id], Field(max_length=MOST_MEMBERS)] = Field(default_factory=list)
    """The others; whoever asks is a member in any case."""
    name: Name | None = None
    description: Description | None = None
    avatar: HttpsUrl | None = None
    allow_invites: bool = False
    """Whether members who are not admins may add people."""
    history_visible: bool = False
    """Whether people who join later see what was said before they came; else they see from their joining on."""
    message_retention: Retention = 0
    is_encrypted: bool = False


class OneConversation(Input):
    """A conversation by its id."""

    conversation_id: Id


class ListedConversations(Input):
    """Which of one's conversations to list."""

    type: ConversationType | None = None
    archived: bool = False
    folder_id: Id | None = None
    """Only those in this folder of yours."""
    cursor: Annotated[str, Field(max_length=200)] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class ListedRequests(Input):
    """Which requests of strangers to list."""

    ignored: bool = False
    """Those that were put away."""
    cursor: Annotated[str, Field(max_length=200)] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class ChangedConversation(Input):
    """What changes; left out is left as it is. What is archived or muted is so only for the one who asks."""

    conversation_id: Id
    name: Name | None = None
    description: Description | None = None
    avatar: HttpsUrl | None = None
    allow_invites: bool | None = None
    history_visible: bool | None = None
    """For those who join from then on."""
    message_retention: Retention | None = None
    theme: Theme | None = None
    """How it looks to all its members; null takes the theme away."""
    is_archived: bool | None = None
    """Archived, it comes back with the next message."""
    keep_archived: bool | None = None
    """With `isArchived: true`: it stays archived whatever is said."""
    muted: bool | None = None
    """Without `mutedUntil` it is muted without an end."""
    muted_until: Instant | None = None
    """Muted until then, at most 366 days ahead."""


class NewParticipants(Input):
    """People to add to a group."""

    conversation_id: Id
    user_ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_MEMBERS)]


class OneParticipant(Input):
    """A member of a conversation."""

    conversation_id: Id
    user_id: Id


class ChangedParticipant(OneParticipant):
    """Another role for a member; a new `owner` makes the one who asks an admin."""

    role: Role


class Participant(Output):
    """A member."""

    user_id: Id
    role: Role
    joined_at: Instant
    denied: list[Right]
    """What the member may not do until `deniedUntil`, or until an admin ends it."""
    denied_until: Instant | None
    silent_until: Instant | None
    """Until when the member may do nothing: the group's rules have found something that he said."""


class Change(Output):
    """What an entry changed in a conversation."""

    action: Literal["created", "added", "joined", "removed", "left", "role", "settings", "restricted", "accepted"]
    by: Id
    user_ids: list[Id]
    role: Role | None
    promoted: Id | None
    """Who became owner because the one before has left."""
    fields: list[str]
    """Names of the settings that changed."""
    denied: list[Right]
    """What these members may not do now."""
    until: Instant | None


class Conversation(Output):
    """A conversation as all its members see it."""

    id: Id
    conversation_id: Id
    """The same as `id`: every event names its conversation so."""
    nid: int
    """Its number, for interfaces that know only numbers."""
    seq: Seq
    """The entry of its log that changed it last."""
    type: ConversationType
    participant_ids: list[Id]
    created_by: Id
    owner_id: Id | None
    admin_ids: list[Id]
    """Owner and admins of a group."""
    name: str | None
    description: str | None
    avatar: str | None
    is_encrypted: bool
    allow_invites: bool
    permissions: Permissions | None
    """What members may do who are not admins; null in a direct conversation."""
    slow_mode: int
    """Seconds between two messages of a member who is not an admin."""
    history_visible: bool
    """Whether people who join later see what was said before they came."""
    message_retention: int
    theme: Theme | None
    join_approval: bool
    """Whether an admin lets in everybody who comes by a link, because too many came at once."""
    timer: Timer | None
    """When messages disappear that are sent from now on; null: they stay."""
    is_active: bool
    request_to: Id | None
    """Who has still to accept a direct conversation that a stranger began; null once accepted, and in groups."""
    is_archived: bool | None = None
    """Whether the one who asks has put it away; null in events, which everybody gets."""
    last_message_at: Instant | None
    last_message_id: MessageId | None
    created_at: Instant
    updated_at: Instant


class Unread(Output):
    """What somebody has not read in a conversation, in absolute numbers: a lower `seq` is older news."""

    conversation_id: Id
    unread: int
    mentions: int
    seq: Seq
    """The last entry that was counted."""
    read_seq: Seq
    delivered_seq: Seq
    marked_unread: bool
    """Whether the reader has marked the conversation as unread himself; it says nothing of the watermarks."""
    total: int | None
    """The number on the app's icon: conversations with something unread, or marked so, that are neither muted nor
    archived nor requests. Null in the answer to `message:delivered`, which changes nothing of it."""


class MyConversation(Conversation):
    """A conversation as one of its members sees it."""

    participants: list[Participant]
    role: Role
    keep_archived: bool
    """Whether it stays archived when something is said."""
    archived_seq: Seq | None
    """Of what was archived: what is said after this entry brings it back, or has. Null when nothing does."""
    muted: bool
    muted_until: Instant | None
    """When muting ends by itself."""
    joined_seq: Seq
    """The first entry that the one who asks may see."""
    my_read_seq: Seq
    my_delivered_seq: Seq
    head: Seq
    """The last entry of the log."""
    unread: int
    mentions: int
    marked_unread: bool
    """Whether the one who asks has marked it as unread and has read nothing in it since."""
    last_message: Message | None


class ConversationPage(Output):
    """Some of one's conversations, the latest first."""

    conversations: list[MyConversation]
    total: int
    """The number on the app's icon: of all conversations those with something unread, or marked so, that are neither
    muted nor archived nor requests."""
    next_cursor: str | None
    """For the next page; null at the end."""


class ChangedForAll(Conversation):
    """A conversation after a change that concerns all its members."""

    change: Change


class Departure(Output):
    """A conversation that the one who hears this is no longer a member of."""

    conversation_id: Id
    seq: Seq
    by: Id
    action: Literal["removed", "left"]


class Preferences(Output):
    """What somebody has set for himself in a conversation."""

    conversation_id: Id
    is_archived: bool
    """Unless `keepArchived`, it is so up to the next message."""
    keep_archived: bool
    archived_seq: Seq | None
    """The next message is the first after this entry. Null when it is not archived, or no message brings it back."""
    is_hidden: bool
    is_ignored: bool
    """Of a request: whether it is put away."""
    muted: bool
    muted_until: Instant | None
