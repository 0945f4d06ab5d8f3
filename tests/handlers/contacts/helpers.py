"""Short ways to say what people do about contacts."""

import json
from typing import Any

from handlers.users.service import Users
from tests.harness.people import Person
from tests.harness.servers import Server

COLLECTIONS = ("contact_index", "contact_matches", "contact_waits", "contact_allowances")


async def verify(server: Server, person: Person, phone: str | None = None, *, by: str | None = "everyone") -> None:
    """The person has proved to own the address, and the number, and lets himself be found by those `by` names."""
    users: Users = server.service("users")
    if by is not None:
        await person.ask("PUT", "/api/users/me/privacy", {"searchableByPhone": by})
    await users.email_verified(person.id, person.user["email"])
    if phone:
        await users.phone_verified(person.id, phone)
    await server.app.relay.settle()


async def sync(person: Person, *books: Person | str, **more: Any) -> list[str]:
    """Ids of those whom the person finds by the numbers, and by the addresses of people."""
    body = {
        "phones": [one for one in books if isinstance(one, str)],
        "emails": [one.user["email"] for one in books if isinstance(one, Person)],
        **more,
    }
    return [one["user"]["id"] for one in (await person.ask("POST", "/api/contacts/sync", body))["matches"]]


async def matched(person: Person) -> list[str]:
    """Ids of the person's contacts who are here."""
    return [one["user"]["id"] for one in (await person.ask("GET", "/api/contacts/matches"))["matches"]]


async def everything(server: Server, *names: str) -> str:
    """All that the contacts slice stores, as text."""
    stored = [await server.app.mongo.collection(name).find({}, limit=5_000) for name in names or COLLECTIONS]
    return json.dumps(stored, default=str)
