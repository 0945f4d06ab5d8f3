"""Short ways to say what people do about notices."""

from collections.abc import Iterable
from typing import Any

from tests.harness.people import Person
from tests.harness.servers import Server


async def settled(server: Server) -> None:
    """Everything that was told has been heard, and what that told too."""
    await server.app.relay.settle()
    await server.app.relay.settle()


async def notices(person: Person, **which: Any) -> list[Any]:
    """A page of the person's notices."""
    found: list[Any] = (await person.ask("GET", "/api/notices", params=which))["notices"]
    return found


def said(some: Iterable[Any]) -> list[tuple[str, int, list[str]]]:
    """Kind, count and the names of who did it."""
    return [(one["kind"], one["count"], [actor["username"] for actor in one["actors"]]) for one in some]


async def wish(person: Person, **wishes: Any) -> Any:
    """The person wants to be told so from now on."""
    return await person.ask("PUT", "/api/notices/preferences", wishes)


async def group(maker: Person, *others: Person, name: str = "Hikers") -> str:
    """A new group; its id."""
    body = {"type": "group", "name": name, "participantIds": [one.id for one in others]}
    return str((await maker.ask("POST", "/api/conversations", body))["id"])
