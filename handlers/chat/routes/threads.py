"""Threads."""

from handlers.chat.models.threads import (
    ListedThreads,
    OneThread,
    ThreadList,
    ThreadPage,
    ThreadPart,
    ThreadRead,
    ThreadState,
)
from handlers.chat.routes.base import CHANGING, MARKING, READING, READS, routes
from handlers.chat.service import Chat, FollowLimit
from server.actors import Actor


@routes.command(
    "GET /api/messages/{messageId}/thread", event="thread:get", needs="chat:read", limits=READING, errors=READS
)
async def thread(chat: Chat, actor: Actor, body: ThreadPart) -> ThreadPage:
    """Read what was said in the thread of a message, the newest first, page by page.

    To say something there, send a message with `threadRootId`.
    """
    return await chat.threads.page(actor, body)


@routes.command("GET /api/threads", event="threads:list", needs="chat:read", limits=READING, errors=READS)
async def list_threads(chat: Chat, actor: Actor, body: ListedThreads) -> ThreadList:
    """List the threads that you follow, with what you have not read there, the one followed last first.

    You follow those of your own messages, those in which you replied, and those that you follow by `thread:follow`.
    """
    return await chat.threads.listed(actor, body)


@routes.command(
    "POST /api/messages/{messageId}/thread/follow",
    event="thread:follow",
    needs="chat:write",
    status=200,
    limits=CHANGING,
    errors=(*READS, FollowLimit),
)
async def follow_thread(chat: Chat, actor: Actor, body: OneThread) -> ThreadState:
    """Follow the thread of a message. Your devices hear `thread:followed`."""
    return await chat.threads.follow(actor, body, on=True)


@routes.command(
    "DELETE /api/messages/{messageId}/thread/follow",
    event="thread:unfollow",
    needs="chat:write",
    status=200,
    limits=CHANGING,
    errors=READS,
)
async def unfollow_thread(chat: Chat, actor: Actor, body: OneThread) -> ThreadState:
    """Follow a thread no longer, until you reply there again."""
    return await chat.threads.follow(actor, body, on=False)


@routes.command(
    "POST /api/messages/{messageId}/thread/read",
    event="thread:read",
    needs="chat:write",
    status=200,
    limits=MARKING,
    errors=READS,
)
async def read_thread(chat: Chat, actor: Actor, body: ThreadRead) -> ThreadState:
    """Say up to where you have read a thread. How far you have read the conversation stays as it is."""
    return await chat.threads.read(actor, body)
