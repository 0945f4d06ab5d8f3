"""Contacts: found by those who know the number or the address, and never kept."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from handlers.contacts.identifiers import Identifier
from handlers.contacts.models import AddressBook
from handlers.contacts.service import Contacts, TooManyContacts
from handlers.contacts.service.contacts import to_next_step
from tests.conftest import Cluster, People
from tests.handlers.contacts.helpers import everything, matched, sync, verify
from tests.handlers.social.helpers import befriend, block
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Person, Refusal
from tests.harness.servers import Server

PICTURE = "https://pictures.example.com/bob.png"


async def test_r51_contacts_who_are_here_are_found_and_the_others_are_dropped(
    door: Door, server: Server, people: People
) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    await befriend(ada, cleo)
    await verify(server, bob, phone="+27821234567")
    await verify(server, cleo)

    synced = await door(
        ada,
        "contacts.sync",
        {
            "phones": ["+27 82 123 4567", "+27 82 999 9999", "082 123 4567"],
            "emails": [bob.user["email"].upper(), cleo.user["email"], "nobody@example.com", "nonsense"],
        },
    )

    found = {one["user"]["displayName"]: (one["via"], one["isFriend"]) for one in synced["matches"]}
    assert found == {"Bob": (["email", "phone"], False), "Cleo": (["email"], True)}
    assert synced["unreadable"] == 2
    stored = await everything(server)
    pepper = server.service("contacts")._pepper
    hashed = [
        pepper.hash(one) for one in (Identifier("phone", "+27829999999"), Identifier("email", "nobody@example.com"))
    ]
    for secret in ("829999999", "821234567", "nobody", "@example.com", "nonsense", *hashed):
        assert secret not in stored, secret
    assert (await door(ada, "contacts.matches"))["matches"] == sorted(
        synced["matches"], key=lambda one: str(one["user"]["id"])
    )


async def test_numbers_are_read_as_in_the_country_that_is_named(door: Door, server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    await verify(server, bob, phone="+27821234567")

    synced = await door(ada, "contacts.sync", {"phones": ["082 123 4567"], "region": "ZA"})

    assert [one["user"]["id"] for one in synced["matches"]] == [bob.id]
    with pytest.raises(Refusal) as refusal:
        await door(ada, "contacts.sync", {"phones": ["082 123 4567"], "region": "za"})
    assert refusal.value.fields == {"region"}


async def test_r51_only_verified_identifiers_lead_to_somebody(server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    await bob.ask("PUT", "/api/users/me/privacy", {"searchableByPhone": "everyone"})
    await server.service("contacts").learn(bob.id)

    before = await sync(ada, bob)
    await verify(server, bob)

    assert before == []
    assert await sync(ada, bob) == [bob.id]


async def test_a_number_that_was_given_up_leads_nowhere(server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    await verify(server, bob, phone="+27821234567")
    await verify(server, bob, phone="+27827654321")

    assert await sync(ada, "+27821234567") == []
    assert await sync(ada, "+27827654321") == [bob.id]


async def test_r53_by_default_only_those_find_each_other_who_know_each_other(server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    for person in (ada, bob):
        await verify(server, person, by=None)
    assert (await bob.ask("GET", "/api/users/me/privacy"))["searchableByPhone"] == "mutual"

    assert await sync(ada, bob) == []
    assert await matched(ada) == []
    assert await sync(bob, ada) == [ada.id]

    assert await matched(ada) == [bob.id]
    assert await sync(ada, bob) == [bob.id]
    await bob.ask("DELETE", "/api/contacts/matches")
    assert await matched(ada) == []


@pytest.mark.parametrize(
    ("choice", "finders"),
    [("everyone", ["stranger", "friend", "known"]), ("mutual", ["friend", "known"]), ("nobody", [])],
)
async def test_r53_who_is_found_by_whom(server: Server, people: People, choice: str, finders: list[str]) -> None:
    bob, *others = await people("bob", "stranger", "friend", "known")
    for person in (bob, *others):
        await verify(server, person, by=choice)
    await befriend(bob, others[1])
    await sync(bob, others[2])

    assert [one.name for one in others if await sync(one, bob)] == finders


async def test_r53_whoever_hides_or_is_blocked_is_not_found(server: Server, people: People) -> None:
    ada, bob, cleo, dan, eve = await people("ada", "bob", "cleo", "dan", "eve")
    for person in (ada, bob, cleo, dan, eve):
        await verify(server, person)
    assert await sync(ada, bob, cleo, dan, eve) == sorted(one.id for one in (bob, cleo, dan, eve))
    await bob.ask("PUT", "/api/users/me/privacy", {"searchable": False})
    await block(cleo, ada)
    await block(ada, dan)
    await eve.ask("DELETE", "/api/users/me")

    assert await sync(ada, ada, bob, cleo, dan, eve) == []
    assert await matched(ada) == []


@pytest.mark.parametrize(
    ("visibility", "stranger", "friend"),
    [
        ("public", ("Bob", PICTURE), ("Bob", PICTURE)),
        ("friends", (None, None), ("Bob", PICTURE)),
        ("private", (None, None), (None, None)),
    ],
)
async def test_r53_name_and_picture_are_shown_to_those_who_may_see_the_profile(
    server: Server, people: People, visibility: str, stranger: Any, friend: Any
) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    await verify(server, bob)
    await bob.ask("PUT", "/api/users/me/avatar", {"avatar": PICTURE})
    await bob.ask("PUT", "/api/users/me/privacy", {"profileVisibility": visibility})
    await befriend(bob, cleo)

    async def seen(by: Person) -> Any:
        body = {"emails": [bob.user["email"]]}
        (match,) = (await by.ask("POST", "/api/contacts/sync", body))["matches"]
        assert set(match["user"]) == {"id", "displayName", "avatar"}
        return match["user"]["displayName"], match["user"]["avatar"]

    assert (await seen(ada), await seen(cleo)) == (stranger, friend)


async def test_r53_the_work_is_the_same_whoever_hides(
    server: Server, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, *hidden = await people("ada", "bob", "cleo", "dan")
    for person in hidden:
        await verify(server, person, by="nobody")
    contacts: Contacts = server.service("contacts")
    trips: list[tuple[str, int]] = []

    def watched(owner: Any, name: str, place: int) -> None:
        original = getattr(owner, name)

        async def call(*given: Any, **more: Any) -> Any:
            trips.append((name, len(given[place])))
            return await original(*given, **more)

        monkeypatch.setattr(owner, name, call)

    for owner, name, place in (
        (contacts._index, "owners", 0),
        (contacts._ties, "knowing", 0),
        (contacts._ties, "note", 1),
        (contacts._users, "privacy_of", 0),
        (contacts._finding._social, "friends_among", 1),
        (contacts._finding._social, "blocked_among", 1),
    ):
        watched(owner, name, place)

    for mails in ([one.user["email"] for one in hidden], [f"nobody{n}@example.com" for n in range(3)]):
        await contacts.sync(ada.id, AddressBook(phones=[], emails=mails, tell_me=True))

    assert len(trips) == 12
    assert trips[:6] == trips[6:]
    assert {count for _, count in trips} == {3}
    stored = Counter("ownerId" in one for one in await server.app.mongo.collection("contact_matches").find({}, limit=9))
    assert stored == {True: 3, False: 3}


def test_r53_an_answer_waits_for_the_next_step_of_time() -> None:
    waits = [round(to_next_step(spent, 0.1), 6) for spent in (0.0, 0.013, 0.1, 0.231)]

    assert waits == [0.1, 0.087, 0.1, 0.069]
    assert to_next_step(0.013, 0.0) == 0.0


async def test_r53_an_answer_takes_no_less_whether_somebody_is_found_or_not(server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    await verify(server, bob)
    now = asyncio.get_running_loop().time

    took = []
    for book in (bob, "+27821234567"):
        began = now()
        await sync(ada, book)
        took.append(now() - began)

    assert min(took) >= 0.1


async def test_matches_come_in_pages_and_can_be_forgotten(door: Door, server: Server, people: People) -> None:
    ada, *others = await people("ada", *(f"bob{n}" for n in range(3)))
    for person in others:
        await verify(server, person)
    await sync(ada, *others, "+27821234567", tellMe=True)

    first = await door(ada, "contacts.matches", {"limit": 2})
    second = await door(ada, "contacts.matches", {"limit": 2, "cursor": first["nextCursor"]})

    found = [[one["user"]["id"] for one in page["matches"]] for page in (first, second)]
    assert found == [sorted(one.id for one in others)[:2], sorted(one.id for one in others)[2:]]
    assert second["nextCursor"] is None
    await door(ada, "contacts.forget_matches")
    assert (await door(ada, "contacts.matches"))["matches"] == []
    assert "ownerId" not in await everything(server, "contact_matches", "contact_waits")


async def test_r52_a_call_takes_at_most_a_thousand_contacts(door: Door, people: People) -> None:
    (ada,) = await people("ada")
    numbers = [f"+2782{n:07}" for n in range(501)]

    with pytest.raises(Refusal) as refusal:
        await door(ada, "contacts.sync", {"phones": numbers, "emails": [f"{n}@a.test" for n in range(500)]})

    assert refusal.value.code == "bad_request"


async def test_r52_contacts_cannot_be_tried_out_without_end(
    server: Server, people: People, clock: TurnableClock
) -> None:
    (ada,) = await people("ada")
    contacts: Contacts = server.service("contacts")

    def book(number: int, size: int = 1000) -> AddressBook:
        return AddressBook(phones=[f"+278{number}{n:07}" for n in range(size)], emails=[])

    # A new account has a fifth of the 5,000 and of the 500 a day.
    await contacts.sync(ada.id, book(1, 800))
    await contacts.sync(ada.id, book(1, 800))
    with pytest.raises(TooManyContacts, match=r"at most 20[0-9] new ones") as refusal:
        await contacts.sync(ada.id, book(2, 260))
    clock.advance(days=1)
    await contacts.sync(ada.id, book(2, 100))
    with pytest.raises(TooManyContacts):
        await contacts.sync(ada.id, book(2, 110))

    assert 0 < (refusal.value.retry_after_ms or 0) <= 86_400_000 * 10
    clock.advance(days=30)
    for number in range(5):
        await contacts.sync(ada.id, book(number))
    with pytest.raises(TooManyContacts):
        await contacts.sync(ada.id, book(6, 600))
    clock.advance(days=10)
    await contacts.sync(ada.id, book(6))


async def test_r52_many_calls_at_once_share_one_allowance(server: Server, people: People) -> None:
    (ada,) = await people("ada")
    contacts: Contacts = server.service("contacts")
    books = [AddressBook(phones=[f"+278{n}{i:07}" for i in range(400)], emails=[]) for n in range(4)]

    outcomes = await asyncio.gather(*(contacts.sync(ada.id, one) for one in books), return_exceptions=True)

    assert sum(not isinstance(one, Exception) for one in outcomes) == 2
    assert sum(isinstance(one, TooManyContacts) for one in outcomes) == 2


async def test_the_pepper_outlives_the_server_and_can_be_given(
    cluster: Cluster, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await people("ada", "bob")
    await verify(ada.server, bob)

    assert await sync(ada.at(await cluster()), bob) == [bob.id]
    monkeypatch.setenv("MIXEE_CONTACTS_PEPPER", "another pepper of enough length")
    peppered = await cluster()
    assert await sync(ada.at(peppered), bob) == []
    await peppered.service("contacts").learn(bob.id)
    assert await sync(ada.at(peppered), bob) == [bob.id]


async def test_of_an_erased_person_nothing_is_left(server: Server, people: People, clock: TurnableClock) -> None:
    ada, bob = await people("ada", "bob")
    for person in (ada, bob):
        await verify(server, person)
    await sync(ada, bob, "+27821234567", tellMe=True)
    await sync(bob, ada)
    await ada.ask("DELETE", "/api/users/me")

    clock.advance(days=31)
    await server.service("users").erase_due()
    await server.app.relay.settle()

    assert ada.id not in await everything(server)
