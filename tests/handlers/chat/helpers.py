"""What tests of the chat say often: conversations between people, messages, and what somebody finds there."""

import itertools
from typing import Any

from tests.harness.people import Person, Socket, befriend

_ids = itertools.count(1)


def fresh_id() -> str:
    """A clientMessageId or operationId that was not used before."""
    return f"test-{next(_ids):08d}"


async def direct(one: Person, other: Person) -> str:
    """The direct conversation of two friends."""
    await befriend(one, other)
    return await first_contact(one, other)


async def first_contact(one: Person, other: Person) -> str:
    """The direct conversation of two people as they are: a request to the other one when they are strangers."""
    made = await one.ask("POST", "/api/conversations", {"type": "direct", "participantIds": [other.id]})
    return str(made["id"])


async def group(owner: Person, *others: Person, **settings: Any) -> str:
    """A group with an owner and members."""
    wanted = {"type": "group", "name": "Crew", "participantIds": [one.id for one in others], **settings}
    made = await owner.ask("POST", "/api/conversations", wanted)
    return str(made["id"])


async def say(who: Person, conversation_id: str, content: str = "Hello", **more: Any) -> Any:
    """A message over HTTP, as it was answered."""
    wanted = {"type": "text", "content": content, "clientMessageId": fresh_id(), **more}
    return await who.ask("POST", f"/api/conversations/{conversation_id}/messages", wanted)


async def emit(socket: Socket, conversation_id: str, content: str = "Hello", **more: Any) -> Any:
    """A message over a socket, as it was answered."""
    wanted = {"conversationId": conversation_id, "type": "text", "content": content, "clientMessageId": fresh_id()}
    return await socket.ask("message:send", wanted | more)


async def said(who: Person, conversation_id: str) -> list[str]:
    """The texts that somebody finds in a conversation, the oldest first."""
    page = await who.ask("GET", f"/api/conversations/{conversation_id}/messages", params={"limit": "100"})
    return [message["content"] for message in reversed(page["messages"])]


async def missed(who: Person, conversation_id: str, after: int = 0) -> list[tuple[int, str]]:
    """Places and kinds of the entries that `sync` has for somebody after a place."""
    answer = await who.ask("GET", "/api/sync", params={"conversations": f'{{"{conversation_id}":{after}}}'})
    return [(entry["seq"], entry["kind"]) for page in answer["conversations"] for entry in page["entries"]]


async def shown(who: Person, conversation_id: str) -> Any:
    """A conversation as somebody sees it."""
    return await who.ask("GET", f"/api/conversations/{conversation_id}")


async def block(who: Person, whom: Person) -> None:
    """One person blocks another."""
    await who.ask("POST", f"/api/users/{whom.id}/block", {})


async def unblock(who: Person, whom: Person) -> None:
    """One person unblocks another."""
    await who.ask("DELETE", f"/api/users/{whom.id}/block")
