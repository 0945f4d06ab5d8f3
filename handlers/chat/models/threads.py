"""Threads: what is said about one message, as a view over the log of its conversation."""

from typing import Annotated

from pydantic import Field

from handlers.chat.models.messages import Message, ThreadSummary
from handlers.chat.models.values import MessageId, Seq
from server.models import Id, Input, Instant, Output


class OneThread(Input):
    """A thread, by the message that it is about."""

    message_id: MessageId


class ThreadPart(OneThread):
    """A part of a thread."""

    before: MessageId | None = None
    """Only replies before this one."""
    after: MessageId | None = None
    """Only replies after this one; then the page holds the oldest of these, still the newest first."""
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class ThreadRead(OneThread):
    """Up to where somebody has read a thread."""

    up_to_seq: Seq
    """The place of the last reply that was read."""


class ListedThreads(Input):
    """Which of the threads that one follows are wanted."""

    conversation_id: Id | None = None
    cursor: Annotated[str, Field(max_length=200)] | None = None
    limit: Annotated[int, Field(ge=1, le=50)] = 20


class ThreadState(Output):
    """How a thread stands for one person: absolute numbers."""

    conversation_id: Id
    message_id: MessageId
    """The message that the thread is about."""
    following: bool
    """Whether he follows it: by itself when the message is his or he has replied."""
    unread: int
    """Replies of others after `readSeq`; 0 for one who does not follow it."""
    read_seq: Seq


class ThreadPage(Output):
    """A thread: the message that it is about, and some replies, the newest first."""

    root: Message | None
    """Null when it is gone or was said before one's time."""
    messages: list[Message]
    has_more: bool
    next_before: MessageId | None
    """`before` of the next older page; null when there is none."""
    state: ThreadState


class FollowedThread(Output):
    """A thread that somebody follows."""

    root: Message
    state: ThreadState
    followed_at: Instant


class ThreadList(Output):
    """Threads that somebody follows, the one followed last first. A page may be short and not be the last."""

    threads: list[FollowedThread]
    next_cursor: str | None


class ThreadNews(Output):
    """A thread after a reply was said or is gone."""

    conversation_id: Id
    message_id: MessageId
    """The message that the thread is about."""
    thread: ThreadSummary
