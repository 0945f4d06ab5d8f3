"""Suggestions: people one may know, and none with whom there is something already."""

from typing import Any

from handlers.social.service import Social
from tests.conftest import People
from tests.handlers.social.helpers import ask, befriend, block
from tests.harness.people import Door, Person
from tests.harness.servers import Server

CAPE_TOWN = {"city": "Cape Town", "region": "Western Cape", "country": "South Africa"}


async def suggested(door: Door, person: Person, **which: Any) -> list[tuple[str, str, int]]:
    found = (await door(person, "social.suggestions", which))["suggestions"]
    return [(one["user"]["username"], one["source"], one["mutualFriends"]) for one in found]


async def test_friends_of_friends_come_with_most_common_friends_first(
    door: Door, server: Server, people: People
) -> None:
    ada, bob, cleo, dan, eve = await people("ada", "bob", "cleo", "dan", "eve")
    for one, other in ((ada, bob), (cleo, ada), (bob, dan), (eve, bob), (cleo, eve)):
        await befriend(one, other)
    social: Social = server.service("social")

    assert await suggested(door, ada) == [("eve", "mutual", 2), ("dan", "mutual", 1)]
    assert await suggested(door, ada, source="mutual", limit=1) == [("eve", "mutual", 2)]
    assert await suggested(door, ada, source="community") == []
    assert await social.friends_of_friends(ada.id, 10) == [eve.id, dan.id]


async def test_nobody_is_suggested_with_whom_there_is_something_or_who_hides(
    door: Door, server: Server, people: People
) -> None:
    ada, hub, blocked, blocker, asked, asking, declined, hidden, free = await people(
        "ada", "hub", "blocked", "blocker", "asked", "asking", "declined", "hidden", "free"
    )
    await befriend(ada, hub)
    for person in (blocked, blocker, asked, asking, declined, hidden, free):
        await befriend(hub, person)
    await block(ada, blocked)
    await block(blocker, ada)
    await ask(ada, asked)
    await ask(asking, ada)
    refused = await ask(declined, ada)
    await ada.ask("PUT", f"/api/friends/{refused['id']}/decline")
    await hidden.ask("PUT", "/api/users/me/privacy", {"searchable": False})
    social: Social = server.service("social")

    assert await suggested(door, ada) == [("free", "mutual", 1)]
    assert set(await social.friends_of_friends(ada.id, 10)) == {hidden.id, free.id}


async def test_contacts_and_neighbours_are_suggested_after_friends_of_friends(
    door: Door, server: Server, people: People
) -> None:
    ada, bob, contact, neighbour, distant, common = await people(
        "ada", "bob", "contact", "neighbour", "distant", "common"
    )
    for person, coordinates in ((ada, [-33.92, 18.42]), (neighbour, [-33.93, 18.43]), (distant, [-26.2, 28.04])):
        await person.ask("PUT", "/api/users/me", {"location": {**CAPE_TOWN, "coordinates": coordinates}})
    await befriend(ada, bob)
    await befriend(bob, common)
    await contact.ask("PUT", "/api/users/me/privacy", {"searchableByPhone": "everyone"})
    await server.service("users").email_verified(contact.id, contact.user["email"])
    await server.app.relay.settle()
    await ada.ask("POST", "/api/contacts/sync", {"emails": [contact.user["email"]]})

    everybody = await suggested(door, ada)

    assert everybody == [("common", "mutual", 1), ("contact", "contact_sync", 0), ("neighbour", "local", 0)]
    assert await suggested(door, ada, source="local") == [("neighbour", "local", 0)]
    assert await suggested(door, ada, source="contact_sync") == [("contact", "contact_sync", 0)]
