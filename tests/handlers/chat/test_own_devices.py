"""What a person sets on one device reaches the others on every server, and nobody else: a table of such settings."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from server.models import wire_time
from tests.handlers.chat.conftest import Pair, People
from tests.handlers.chat.helpers import direct, say
from tests.harness.people import Person
from tests.harness.servers import until


@dataclass
class World:
    """Ada, a friend, a stranger, and what there is between them."""

    ada: Person
    bob: Person
    conversation: str
    message: str
    friendship: str
    folder: str
    session: str
    stranger: str
    notice: str


async def _world(people: People) -> World:
    ada, bob, dan = await people("ada", "bob", "dan")
    conversation = await direct(ada, bob)
    folder = await ada.ask("POST", "/api/folders", {"name": "Work", "conversationIds": [conversation]})
    friends = await ada.ask("GET", "/api/friends")
    sessions = await ada.ask("GET", "/api/auth/sessions")
    await dan.ask("POST", "/api/friends/request", {"recipientId": ada.id})

    async def told() -> list[Any]:
        return list((await ada.ask("GET", "/api/notices"))["notices"])

    await until(told)
    return World(
        ada=ada,
        bob=bob,
        conversation=conversation,
        message=(await say(bob, conversation, "hello"))["id"],
        friendship=friends["friends"][0]["id"],
        folder=folder["folders"][0]["id"] if "folders" in folder else folder["id"],
        session=sessions["sessions"][0]["id"],
        stranger=dan.id,
        notice=(await told())[0]["id"],
    )


def put(path: str, body: Any) -> Callable[[World], Awaitable[Any]]:
    """A change by PUT."""
    return lambda world: world.ada.ask("PUT", path.format(**vars(world)), body)


def patch(path: str, body: Any) -> Callable[[World], Awaitable[Any]]:
    """A change by PATCH."""
    return lambda world: world.ada.ask("PATCH", path.format(**vars(world)), body)


def post(path: str, body: Any | None = None) -> Callable[[World], Awaitable[Any]]:
    """A change by POST."""
    return lambda world: world.ada.ask("POST", path.format(**vars(world)), body or {})


def delete(path: str) -> Callable[[World], Awaitable[Any]]:
    """A change by DELETE."""
    return lambda world: world.ada.ask("DELETE", path.format(**vars(world)))


async def _schedule(world: World) -> Any:
    later = {"type": "text", "content": "x", "sendAt": wire_time(world.ada.server.app.clock.now() + timedelta(hours=1))}
    return await world.ada.ask("POST", f"/api/conversations/{world.conversation}/scheduled", later)


HERE = "/api/conversations/{conversation}"
MESSAGE = "/api/messages/{message}"

SETTINGS: dict[str, tuple[Callable[[World], Awaitable[Any]], str, dict[str, Any]]] = {
    "mute": (put(HERE, {"muted": True}), "conversation:preferences", {"muted": True}),
    "archive": (put(HERE, {"isArchived": True}), "conversation:preferences", {"isArchived": True}),
    "put away": (delete(HERE), "conversation:preferences", {"isHidden": True}),
    "read": (post(HERE + "/read", {"upToSeq": 9}), "conversation:read", {"unread": 0}),
    "mark as unread": (post(HERE + "/unread"), "conversation:unread", {"markedUnread": True}),
    "make a folder": (post("/api/folders", {"name": "Home", "conversationIds": []}), "folders:changed", {}),
    "change a folder": (put("/api/folders/{folder}", {"name": "Crew"}), "folders:changed", {}),
    "delete a folder": (delete("/api/folders/{folder}"), "folders:changed", {}),
    "write a draft": (put(HERE + "/draft", {"content": "I"}), "draft:changed", {}),
    "star": (post(MESSAGE + "/star"), "message:starred", {}),
    "pin": (post(MESSAGE + "/pin"), "message:updated", {}),
    "follow a thread": (post(MESSAGE + "/thread/follow"), "thread:followed", {"following": True}),
    "privacy": (put("/api/users/me/privacy", {"searchable": False}), "user:updated", {"changed": ["privacy"]}),
    "who sees presence": (
        put("/api/users/me/privacy", {"presenceVisibility": "close"}),
        "user:updated",
        {"changed": ["privacy"]},
    ),
    "profile": (put("/api/users/me", {"bio": "New"}), "user:updated", {"changed": ["bio"]}),
    "status": (put("/api/presence/status", {"status": "busy"}), "presence:updated", {"status": "busy"}),
    "line about oneself": (
        post("/api/presence/custom-status", {"emoji": "🙂", "text": "here"}),
        "presence:updated",
        {"status": "busy"},
    ),
    "notice wishes": (
        put("/api/notices/preferences", {"kinds": {"friendRequest": {"push": False}}}),
        "notice:preferences",
        {},
    ),
    "read a notice": (post("/api/notices/{notice}/read"), "notice:read", {}),
    "block": (post("/api/users/{stranger}/block"), "user:blocked", {}),
    "category of a friend": (
        put("/api/friends/{friendship}", {"relationship": "family"}),
        "friend:updated",
        {"relationship": "family"},
    ),
    "what a friend may do": (
        put("/api/friends/{friendship}", {"allows": {"canMessage": False}}),
        "friend:updated",
        {},
    ),
    "name of a device": (patch("/api/auth/sessions/{session}", {"name": "Mine"}), "session:renamed", {"name": "Mine"}),
    "message for later": (
        _schedule,
        "scheduled:changed",
        {"action": "scheduled"},
    ),
    "delete for oneself": (post(MESSAGE + "/hide"), "message:hidden", {}),
}


TOLD_TO_ALL = {"message:updated", "presence:updated"}


async def test_r36_what_is_set_on_one_device_reaches_the_others_and_nobody_else(people: People, pair: Pair) -> None:
    world = await _world(people)
    phone, bobs = await world.ada.at(pair[1]).socket("phone"), await world.bob.socket()
    await bobs.settle()
    before = len(bobs.log)

    for name, (change, event, expected) in SETTINGS.items():
        known = len(phone.events(event))
        await change(world)

        def heard(event: str = event, expected: dict[str, Any] = expected, known: int = known) -> bool:
            return any(expected.items() <= dict(one).items() for one in phone.events(event)[known:])

        try:
            await until(heard)
        except TimeoutError:
            pytest.fail(f"{name}: {event} with {expected} was not heard, but {phone.events(event)[known:]}")

    await bobs.settle()
    own = {event for _, event, _ in SETTINGS.values()} - TOLD_TO_ALL
    assert {name for name, _ in bobs.log[before:]} & own == set()
