"""How messages are read: history, `sync`, watermarks and typing."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from handlers.chat.models.conversations import Conversation
from handlers.chat.models.messages import Message
from handlers.chat.models.values import MessageId, Seq
from server.models import Id, Input, Instant, Output

MAX_SYNC = 500
"""Entries in one answer to `sync`."""
MAX_SYNC_EACH = 200
"""Entries of one conversation in one answer to `sync`."""
MAX_VECTOR = 5_000
"""Conversations that one call of `sync` may name."""


MAX_OPEN = 100
"""Conversations that one `sync:check` may name."""


class Page(Input):
    """A part of a conversation's messages, the newest first."""

    conversation_id: Id
    before: MessageId | None = None
    """Only messages before this one."""
    after: MessageId | None = None
    """Only messages after this one; then the page holds the oldest of these, still the newest first."""
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    without_threads: bool = False
    """Leave out what was said in threads alone. A page may then be short and not be the last."""


class MessagePage(Output):
    """Some messages, the newest first."""

    messages: list[Message]
    has_more: bool
    """Whether there are more in the direction that was asked for."""
    next_before: MessageId | None
    """`before` of the next older page; null when there is none."""


class Sync(Input):
    """Up to where the one who asks has everything, for each conversation that he knows."""

    conversations: Annotated[dict[Id, Seq], Field(max_length=MAX_VECTOR)] = Field(default_factory=dict)
    """The last entry before the first hole, by conversation; 0 for nothing."""
    cursor: Annotated[str, Field(max_length=200)] | None = None
    """From an answer that was `limited`, to go on where it stopped; `conversations` may have moved on."""
    limit: Annotated[int, Field(ge=1, le=MAX_SYNC)] = MAX_SYNC
    only: bool = False
    """Look at no other conversations: `joined` stays empty. For filling a hole."""


class Check(Input):
    """Up to where a client believes that it has everything, in the conversations that it has open."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"conversations": {"01990000-0000-7000-8000-000000000001": 12}}]}
    )

    conversations: Annotated[dict[Id, Seq], Field(min_length=1, max_length=MAX_OPEN)]
    """The last entry before the first hole, by conversation."""


class Checked(Output):
    """What is wrong, if anything: a conversation that is not named here is as the client believes."""

    behind: list[Id]
    """There is more after the place that was named: call `sync` for these (`only`)."""
    snapshot: dict[Id, Seq]
    """The place is beyond the log, or `sync` has not moved it twice: forget what you have of these and read their
    messages anew. The number is the last entry, your place from now on. It is said once for each place."""
    left: list[Id]
    """Conversations that the one who asks is not a member of."""


class Entry(Output):
    """One entry of a log as its reader may see it."""

    seq: Seq
    kind: Literal[
        "message",
        "edit",
        "delete",
        "reaction",
        "vote",
        "close",
        "pin",
        "unpin",
        "hide",
        "card",
        "member",
        "settings",
        "noop",
    ]
    """`noop` stands for what the reader may not see; by a `card` the server adds the preview of a link to a message."""
    sender_id: Id | None
    at: Instant
    target: MessageId | None = None
    """The message that it changed."""
    message: Message | None = None
    """Null for the `delete` of a message whose time was over.

    The message, or the one that was changed, as it is now (`revision` may be younger than this entry)."""
    data: dict[str, Any] | None = None
    """What changed in the conversation (`member`, `settings`)."""


class Missed(Output):
    """The entries of one conversation after a place, without a hole."""

    conversation_id: Id
    from_: Annotated[Seq, Field(alias="from", serialization_alias="from")]
    """The first place that this answers for."""
    to: Seq
    """The last place that this answers for; everything from `from` to `to` is in `entries`."""
    entries: list[Entry]
    more: bool
    """Whether there are more after `to`: ask again from there."""


class Synced(Output):
    """What was missed."""

    conversations: list[Missed]
    """Only those in which something was missed."""
    joined: list[Conversation]
    """Conversations of the one who asks that he did not name."""
    left: list[Id]
    """Conversations that he named and is not a member of (any more)."""
    limited: bool
    """Whether this is not all: what is not named here was not looked at. Ask again with `cursor`."""
    cursor: str | None


class Reading(Input):
    """Up to where somebody has read or received: by message or by place."""

    conversation_id: Id
    message_id: MessageId | None = None
    up_to_seq: Seq | None = None


class Typing(Input):
    """Somebody begins or ends to type."""

    conversation_id: Id
    is_typing: bool
    kind: Literal["text", "voice", "photo", "file"] = "text"


class TypingNow(Output):
    """Somebody types, or no longer. Without news it is over after 6 seconds, and at once when he has said something."""

    conversation_id: Id
    user_id: Id | None
    """Null for `several`."""
    is_typing: bool
    kind: Literal["text", "voice", "photo", "file"]
    several: bool = False
    """More people type in a group than are named: also those who are not."""


class Opened(Output):
    """A conversation that a device shows from now on."""

    conversation_id: Id
    online_count: int | None
    """How many of its members are here, in a group of more than 100; else null: of those one hears singly."""


class Watermarks(Output):
    """Up to where a member has received and read."""

    conversation_id: Id
    user_id: Id
    delivered_seq: Seq
    read_seq: Seq
