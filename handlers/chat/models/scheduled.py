"""Messages that are sent later."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from handlers.chat.models.messages import NewMessage, NewPoll
from handlers.chat.models.values import MAX_TEXT, Location, MessageId, MessageType, NewMedia
from server.models import Id, Input, Instant, Output, Text

ScheduledState = Literal["waiting", "sending", "failed"]


class NewScheduled(NewMessage):
    """A message to send later. It needs no `clientMessageId`: it is sent once, as `sched:<id>`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "conversationId": "01936c4e-8f3a-7c11-9d2b-3f6a1b2c4d5e",
                    "type": "text",
                    "content": "Happy birthday, Ada!",
                    "sendAt": "2026-12-10T08:00:00.000Z",
                }
            ]
        }
    )

    send_at: Instant


class OneScheduled(Input):
    """A message that waits to be sent."""

    conversation_id: Id
    scheduled_id: Id


class ChangedScheduled(OneScheduled):
    """Another text or another time; left out is left as it is."""

    content: Annotated[Text, StringConstraints(max_length=MAX_TEXT)] | None = None
    send_at: Instant | None = None


class ScheduledMessage(Output):
    """A message that waits to be sent, as only its author sees it."""

    id: Id
    conversation_id: Id
    send_at: Instant
    created_at: Instant
    state: ScheduledState
    """`sending` is for moments; `failed` stays until it is cancelled or gets another time."""
    error: str | None
    """Of a failed one: the code of the refusal."""
    type: MessageType
    content: str
    media: NewMedia | None
    album: list[NewMedia] | None
    location: Location | None
    poll: NewPoll | None
    reply_to_message_id: MessageId | None
    thread_root_id: MessageId | None
    show_in_conversation: bool
    mentioned_user_ids: list[Id]
    view_once: bool
    expires_in: int | None
    """Seconds from the sending on."""


class ScheduledMessages(Output):
    """What somebody has scheduled in a conversation, the next first."""

    scheduled: Annotated[list[ScheduledMessage], Field(max_length=1000)]


class ScheduledNews(Output):
    """What became of a scheduled message."""

    conversation_id: Id
    action: Literal["scheduled", "changed", "cancelled", "sent", "failed"]
    scheduled: ScheduledMessage
    message_id: MessageId | None
    """The message that was sent."""
