"""What tests of accounts do with people besides."""

from typing import Any

from tests.harness.people import Person

CAPE_TOWN = [-33.9249, 18.4241]
CITY = {"city": "Cape Town", "region": "Western Cape", "country": "South Africa"}


async def befriend(one: Person, other: Person) -> None:
    """Make two people friends."""
    asked = await one.ask("POST", "/api/friends/request", {"recipientId": other.id})
    await other.ask("PUT", f"/api/friends/{asked['id']}/accept")


async def block(one: Person, other: Person) -> None:
    """Let one person block another."""
    await one.ask("POST", f"/api/users/{other.id}/block", {})


async def change(person: Person, **fields: Any) -> dict[str, Any]:
    """Change a person's profile."""
    answer: dict[str, Any] = await person.ask("PUT", "/api/users/me", fields)
    return answer


async def privacy(person: Person, **fields: Any) -> None:
    """Change a person's privacy settings."""
    await person.ask("PUT", "/api/users/me/privacy", fields)


async def live(person: Person, coordinates: list[float]) -> None:
    """Let a person live somewhere."""
    await change(person, location={**CITY, "coordinates": coordinates})


async def found(person: Person, **query: Any) -> list[str]:
    """The usernames that a search finds."""
    words = {name: str(value).strip("[]").replace(" ", "") for name, value in query.items()}
    answer = await person.ask("GET", "/api/users/search", params=words)
    return [one["username"] for one in answer["users"]]
