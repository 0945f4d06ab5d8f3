"""Messages: what a client sends, and what everybody in the conversation gets."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator

from handlers.chat.models.values import (
    MAX_ALBUM,
    MAX_MENTIONS,
    MAX_TEXT,
    Emoji,
    Location,
    Media,
    MessageId,
    MessageType,
    NewMedia,
    OperationId,
    Seq,
    TimerMode,
)
from server.models import Id, Input, Instant, Output, Text, Wire

SHOWN_USERS = 100
"""People who are named at a reaction or an option of a poll; the count goes on."""

MIN_EXPIRY = 30
MAX_EXPIRY = 28 * 86_400

MIN_OPEN = 5
MAX_OPEN = 32 * 86_400

PollText = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


Everyone = Literal["all", "here"]


class AllowedMentions(Wire):
    """Who of those whom a message mentions is told that he is; the others are only named."""

    user_ids: Annotated[list[Id], Field(max_length=MAX_MENTIONS)]


class NewPoll(Input):
    """A question with 2 to 12 answers to choose from."""

    question: Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
    options: Annotated[list[PollText], Field(min_length=2, max_length=12, examples=[["Pizza", "Pasta"]])]
    multiple: bool = False
    """Whether one person may choose several."""
    anonymous: bool = False
    """Whether nobody learns who chose what."""
    correct_option: Annotated[int, Field(ge=0, le=11)] | None = None
    """Makes it a quiz: the place of the right answer, from 0. Nobody is told before the poll is closed."""
    closes_in: Annotated[int, Field(ge=MIN_OPEN, le=MAX_OPEN)] | None = None
    """Seconds until nobody can vote any more, up to 32 days."""

    @field_validator("options")
    @classmethod
    def _distinct(cls, value: list[str]) -> list[str]:
        if len({option.casefold() for option in value}) < len(value):
            raise ValueError("must differ from each other")
        return value

    @model_validator(mode="after")
    def _quiz(self) -> Self:
        if self.correct_option is not None:
            if self.multiple:
                raise ValueError("a quiz takes one answer")
            if self.correct_option >= len(self.options):
                raise ValueError("the correct option must be one of the options")
        return self


class NewMessage(Input):
    """What is said. `type` decides which of the other fields are needed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "conversationId": "01936c4e-8f3a-7c11-9d2b-3f6a1b2c4d5e",
                    "clientMessageId": "0192f7a4-7c1e-7b6a-9f3e-5d2c8a4b1e60",
                    "type": "text",
                    "content": "Hello, Ada!",
                }
            ]
        }
    )

    conversation_id: Id
    client_message_id: OperationId | None = None
    """Chosen by the client, the same at every attempt: then a message that was sent twice is there once."""
    type: MessageType
    content: Annotated[Text, StringConstraints(max_length=MAX_TEXT)] = ""
    """Text of 1 to 4,096 characters; beside anything else a caption of up to 1,024."""
    media: NewMedia | None = None
    album: Annotated[list[NewMedia], Field(min_length=2, max_length=MAX_ALBUM)] | None = None
    """In place of `media`, several together: pictures and videos, or only recordings, or only files. `type` is that of
    the first one."""
    location: Location | None = None
    poll: NewPoll | None = None
    reply_to_message_id: MessageId | None = None
    thread_root_id: MessageId | None = None
    """Says it in the thread of this message, which is in no thread itself."""
    show_in_conversation: bool = False
    """Of what is said in a thread: whether it is also shown in the conversation."""
    mentioned_user_ids: Annotated[list[Id], Field(max_length=MAX_MENTIONS)] = Field(default_factory=list)
    """Up to 10 members, 50 when a group's admin says it."""
    allowed_mentions: AllowedMentions | None = None
    """Left out: everybody who is mentioned is told so."""
    mention_everyone: Everyone | None = None
    """By a group's admins, once in 10 minutes: calls all members, or those who are `here` now. It wakes nobody who has
    muted the group, but the one whose message this replies to."""
    expires_in: Annotated[int, Field(ge=MIN_EXPIRY, le=MAX_EXPIRY)] | None = None
    """Seconds until the message disappears for everybody."""
    view_once: bool = False
    """Of one uploaded picture, video or recording: each reader can look at it once (`message:view`), within 14 days."""

    @property
    def given(self) -> list[NewMedia]:
        """All attachments."""
        return self.album or ([self.media] if self.media else [])


class ChangedMessage(Input):
    """Another text for a message."""

    message_id: MessageId
    content: Annotated[Text, StringConstraints(max_length=MAX_TEXT)]
    mentioned_user_ids: Annotated[list[Id], Field(max_length=MAX_MENTIONS)] | None = None
    """Left out: as before."""
    operation_id: OperationId | None = None


class OneMessage(Input):
    """A message by its id."""

    message_id: MessageId
    operation_id: OperationId | None = None


class OneReaction(Input):
    """An emoji of the one who asks beside a message: putting it there twice is the same as once."""

    message_id: MessageId
    emoji: Emoji
    operation_id: OperationId | None = None


class OwnReactions(Input):
    """All emojis of the one who asks beside a message, in place of those before; none takes them away."""

    message_id: MessageId
    emojis: Annotated[list[Emoji], Field(max_length=20)]
    operation_id: OperationId | None = None


class NewVote(Input):
    """What the one who asks chooses in a poll, in place of what he chose before."""

    message_id: MessageId
    options: Annotated[list[Annotated[int, Field(ge=0, le=11)]], Field(max_length=12)]
    """Places of the chosen answers, from 0; none takes the vote back."""
    operation_id: OperationId | None = None


class Reaction(Output):
    """An emoji beside a message."""

    emoji: str
    user_ids: list[Id]
    """Who put it there: the first 100."""
    count: int


class PollOption(Output):
    """An answer to choose, and who has chosen it."""

    text: str
    count: int
    user_ids: list[Id]
    """The first 100; empty in an anonymous poll."""


class Poll(Output):
    """A poll as it stands."""

    question: str
    options: list[PollOption]
    multiple: bool
    anonymous: bool
    voters: int
    """People who have voted."""
    quiz: bool
    """Whether one of the answers is right."""
    correct_option: int | None
    """The place of the right answer of a quiz, from 0, once the poll is closed."""
    closes_at: Instant | None
    closed_at: Instant | None
    """When it was closed: nobody can vote any more."""


class LinkPreview(Output):
    """What is behind the first link of a message, as the page there says of itself. All of it is plain text."""

    url: str
    title: str
    description: str | None = None
    site_name: str | None = None


class Delivered(Output):
    """Somebody whose device has the message."""

    user_id: Id
    delivered_at: Instant
    """When the device had everything up to this message or a later one."""


class ReadBy(Output):
    """Somebody who has read the message."""

    user_id: Id
    read_at: Instant
    """When everything up to this message or a later one was read."""


class SystemNote(Output):
    """What a message of the type `system` says, for clients that say it in their own words."""

    action: Literal["timer"]
    """`timer`: its sender has set the conversation's timer."""
    seconds: int
    """0: messages stay."""
    mode: TimerMode


class ThreadSummary(Output):
    """What is in the thread of a message."""

    replies: int
    last_reply_id: MessageId | None
    last_reply_at: Instant | None
    participant_ids: list[Id]
    """Who replied, the last one first: up to 5."""
    participants: int
    """How many people have replied."""


class Message(Output):
    """A message as it is now."""

    id: MessageId
    conversation_id: Id
    seq: Seq
    """Its place in the log of the conversation."""
    revision: Seq
    """The place of the entry that changed it last; its own when nothing has."""
    sender_id: Id
    type: MessageType
    content: str
    encrypted_content: str | None = None
    """Of a message to an encrypted group: what all its devices read with the sender's key (Base64). What was said in an
    encrypted direct conversation is with each device (`GET /api/e2ee/envelopes`)."""
    key_id: str | None = None
    """Of that: the distribution whose key reads it."""
    source_device_id: int | None = None
    """Of an encrypted message: which device of its sender has encrypted it."""
    media: Media | None
    """Of several the first one."""
    album: list[Media]
    """All of several; empty when there are not several."""
    location: Location | None
    poll: Poll | None
    system: SystemNote | None
    preview: LinkPreview | None
    """Comes later, with a `message:updated`, if at all."""
    reply_to_message_id: MessageId | None
    thread_root_id: MessageId | None
    """The message in whose thread it is; null for what is in no thread."""
    show_in_conversation: bool
    """Whether it is shown in the conversation: everything but what is said in a thread alone."""
    thread: ThreadSummary | None
    """What is in its own thread, in what is read from history and threads; null in events, and when there is nothing.
    After that `thread:updated` tells it."""
    mentioned_user_ids: list[Id]
    allowed_mentions: AllowedMentions | None
    """Null: everybody who is mentioned is told so; else only these."""
    mention_everyone: Everyone | None
    forwards: int
    """How many times it has been forwarded, from message to message; 0 for what its sender wrote."""
    reactions: list[Reaction]
    status: Literal["sending", "sent", "delivered", "read", "failed"]
    """`sent`; for its sender in what he reads later also `delivered` or `read`."""
    delivered_to: list[Delivered]
    """Only for its sender, in groups of up to 100; empty in events."""
    read_by: list[ReadBy]
    """Only for its sender, in groups of up to 100; empty in events."""
    view_once: bool
    """Whether each reader can look at what it carries once (`message:view`); then it is gone for him."""
    is_reported: bool
    is_deleted: bool
    deleted_at: Instant | None
    deleted_by: Literal["sender", "admin", "peer"] | None
    """`peer`: the other one of a secret conversation."""
    read_timer: int | None
    """Seconds after which it disappears: for its sender after sending, for its reader after reading. Only then."""
    pinned_at: Instant | None
    pinned_by: Id | None
    expires_at: Instant | None
    """When it disappears for the one who looks; null in events of a message with a `readTimer`."""
    created_at: Instant
    updated_at: Instant
    edited_at: Instant | None
    client_message_id: str | None
    idempotent: bool
    """Whether it was sent with a `clientMessageId`, so that sending it again does no harm."""
    duplicate: bool
    """In the answer to a message that was there already: this is the one from before."""


class Removed(Output):
    """A message that is no longer there."""

    message_id: MessageId
    conversation_id: Id
    seq: Seq
    """The place of the deletion in the log."""
    target_seq: Seq
    thread_root_id: MessageId | None
    """The message in whose thread it was."""
    deleted_by: Literal["sender", "admin", "peer", "expired"]
    reason: Literal["expired"] | None
    """`expired`: nobody has deleted it, its time was over."""
    deleted_at: Instant


class Votes(Output):
    """Who has chosen what in a poll."""

    message_id: MessageId
    poll: Poll
    mine: list[int]
    """Places of the answers that the one who asks has chosen, from 0."""


class Receipts(Output):
    """How far a message has come."""

    message_id: MessageId
    delivered_count: int
    read_count: int
    member_count: int
    """Everybody it was for."""
    delivered_to: list[Delivered]
    read_by: list[ReadBy]
