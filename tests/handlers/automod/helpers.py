"""What tests of AutoMod say often: rules of a group, and what somebody is told of what he says there."""

from typing import Any

import pytest

from tests.handlers.chat.helpers import say
from tests.harness.people import Person, Refusal

BLOCK: dict[str, Any] = {"then": "block"}
HOLD: dict[str, Any] = {"then": "hold"}
LIMIT: dict[str, Any] = {"then": "limit"}
ALERT: dict[str, Any] = {"then": "pass", "alert": True}


def place(conversation: str, *more: str) -> str:
    """The address of a group's rules."""
    return "/".join([f"/api/conversations/{conversation}/automod", *more])


async def forbid(admin: Person, conversation: str, *terms: str, name: str = "words", **consequence: Any) -> Any:
    """A rule of words."""
    wanted = {"terms": list(terms), "consequence": consequence or BLOCK}
    return await admin.ask("PUT", place(conversation, "keywords", name), wanted)


async def rule(admin: Person, conversation: str, **parts: Any) -> Any:
    """Set other rules."""
    return await admin.ask("PUT", place(conversation), parts)


async def refused(who: Person, conversation: str, content: str = "Hello", **more: Any) -> Refusal:
    """How a message is refused."""
    with pytest.raises(Refusal) as refusal:
        await say(who, conversation, content, **more)
    return refusal.value


async def fate(admin: Person, conversation: str, content: str) -> str:
    """What would happen to a text."""
    answer = await admin.ask("POST", place(conversation, "test"), {"content": content})
    return str(answer["outcome"])


async def acts(admin: Person, conversation: str) -> list[Any]:
    """What AutoMod did, the newest first."""
    found: list[Any] = (await admin.ask("GET", place(conversation, "acts")))["acts"]
    return found


async def held(admin: Person, conversation: str) -> list[Any]:
    """What waits."""
    found: list[Any] = (await admin.ask("GET", place(conversation, "held")))["held"]
    return found
