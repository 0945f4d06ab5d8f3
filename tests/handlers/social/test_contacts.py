"""Contacts: found by those who know the number or the address, and never kept."""

import json
from typing import Any

import pytest

from handlers.social.models import Contacts
from handlers.social.service import Social
from handlers.social.service.errors import TooManyContacts
from handlers.users.service import Users
from tests.conftest import Cluster, People
from tests.handlers.social.helpers import befriend, block
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Person, Refusal
from tests.harness.servers import Server


async def verify(server: Server, person: Person, phone: str | None = None) -> None:
    """The person has proved to own the address, and the number."""
    users: Users = server.service("users")
    await users.email_verified(person.id, person.user["email"])
    if phone:
        await users.phone_verified(person.id, phone)
    await server.app.relay.settle()


async def everything(server: Server) -> str:
    """All that the social slice stores, as text."""
    names = ("friendships", "blocks", "contact_index", "contact_matches", "contact_allowances")
    stored = [await server.app.mongo.collection(name).find({}, limit=1000) for name in names]
    return json.dumps(stored, default=str)


async def test_contacts_who_are_here_are_found_and_the_others_are_dropped(
    door: Door, server: Server, people: People
) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    await befriend(ada, cleo)
    await verify(server, bob, phone="+27821234567")
    await verify(server, cleo)

    synced = await door(
        ada,
        "social.sync_contacts",
        {
            "phones": ["+27 82 123 4567", "+27 82 999 9999", "082 123 4567"],
            "emails": [bob.user["email"].upper(), cleo.user["email"], "nobody@example.com", "nonsense"],
        },
    )

    found = {one["user"]["username"]: (one["via"], one["isFriend"]) for one in synced["matches"]}
    assert found == {"bob": (["email", "phone"], False), "cleo": (["email"], True)}
    assert synced["unreadable"] == 2
    stored = await everything(server)
    for secret in ("829999999", "821234567", "nobody", "@", "nonsense"):
        assert secret not in stored, secret
    assert (await door(ada, "social.matches"))["matches"] == sorted(
        synced["matches"], key=lambda one: str(one["user"]["id"])
    )


async def test_only_verified_identifiers_lead_to_somebody(server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    mail = {"emails": [bob.user["email"]]}
    await server.service("social").contacts.learn(bob.id)

    before = await ada.ask("POST", "/api/contacts/sync", mail)
    await verify(server, bob)
    after = await ada.ask("POST", "/api/contacts/sync", mail)

    assert before["matches"] == []
    assert [one["user"]["id"] for one in after["matches"]] == [bob.id]


async def test_whoever_does_not_want_to_be_found_is_not_found(server: Server, people: People) -> None:
    ada, bob, cleo, dan = await people("ada", "bob", "cleo", "dan")
    for person in (ada, bob, cleo, dan):
        await verify(server, person)
    await ada.ask("POST", "/api/contacts/sync", {"emails": [bob.user["email"]]})
    await bob.ask("PUT", "/api/users/me/privacy", {"searchable": False})
    await block(cleo, ada)
    await block(ada, dan)

    synced = await ada.ask(
        "POST", "/api/contacts/sync", {"emails": [one.user["email"] for one in (ada, bob, cleo, dan)]}
    )

    assert synced["matches"] == []
    assert (await ada.ask("GET", "/api/contacts/matches"))["matches"] == []


async def test_matches_come_in_pages_and_can_be_forgotten(door: Door, server: Server, people: People) -> None:
    ada, *others = await people("ada", *(f"bob{n}" for n in range(3)))
    for person in others:
        await verify(server, person)
    await ada.ask("POST", "/api/contacts/sync", {"emails": [one.user["email"] for one in others]})

    first = await door(ada, "social.matches", {"limit": 2})
    second = await door(ada, "social.matches", {"limit": 2, "cursor": first["nextCursor"]})

    found = [[one["user"]["id"] for one in page["matches"]] for page in (first, second)]
    assert found == [sorted(one.id for one in others)[:2], sorted(one.id for one in others)[2:]]
    assert second["nextCursor"] is None
    await door(ada, "social.forget_matches")
    assert (await door(ada, "social.matches"))["matches"] == []
    assert "ownerId" not in await everything(server)


async def test_a_call_takes_at_most_a_thousand_contacts(door: Door, people: People) -> None:
    (ada,) = await people("ada")
    numbers = [f"+2782{n:07}" for n in range(501)]

    with pytest.raises(Refusal) as refusal:
        await door(ada, "social.sync_contacts", {"phones": numbers, "emails": [f"{n}@a.test" for n in range(500)]})

    assert refusal.value.code == "bad_request"


async def test_contacts_cannot_be_tried_out_without_end(server: Server, people: People, clock: TurnableClock) -> None:
    (ada,) = await people("ada")
    social: Social = server.service("social")

    def book(number: int, size: int = 1000) -> Contacts:
        return Contacts(phones=[f"+27{number}{n:08}" for n in range(size)], emails=[])

    # A new account has a fifth of the 5,000 and of the 500 a day.
    await social.contacts.sync(ada.id, book(1))
    with pytest.raises(TooManyContacts) as refusal:
        await social.contacts.sync(ada.id, book(2, 100))
    clock.advance(days=1)
    await social.contacts.sync(ada.id, book(2, 100))

    assert 0 < (refusal.value.retry_after_ms or 0) <= 86_400_000
    clock.advance(days=30)
    for number in range(5):
        await social.contacts.sync(ada.id, book(number))
    with pytest.raises(TooManyContacts):
        await social.contacts.sync(ada.id, book(6, 501))
    clock.advance(days=1)
    await social.contacts.sync(ada.id, book(6, 500))


async def test_the_pepper_outlives_the_server_and_can_be_given(
    cluster: Cluster, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await people("ada", "bob")
    await verify(ada.server, bob)
    mail = {"emails": [bob.user["email"]]}

    async def found(at: Server) -> list[Any]:
        return [one["user"]["id"] for one in (await ada.at(at).ask("POST", "/api/contacts/sync", mail))["matches"]]

    assert await found(await cluster()) == [bob.id]
    monkeypatch.setenv("MIXEE_SOCIAL_CONTACT_PEPPER", "another pepper of enough length")
    peppered = await cluster()
    assert await found(peppered) == []
    await peppered.service("social").contacts.learn(bob.id)
    assert await found(peppered) == [bob.id]
