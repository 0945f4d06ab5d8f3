"""Being told when a contact joins."""

from typing import Any

from storage.mongo import Mongo
from tests.conftest import Cluster, People
from tests.handlers.contacts.helpers import everything, matched, sync, verify
from tests.handlers.social.helpers import block
from tests.harness.clock import TurnableClock
from tests.harness.people import Socket
from tests.harness.servers import Server, until

NUMBER = "+27821234567"


async def told(socket: Socket) -> list[Any]:
    """Ids of those of whom the socket was told."""
    await socket.settle()
    return [one["user"]["id"] for one in socket.events("contacts:found")]


async def test_r51_whoever_wants_it_is_told_once_when_a_contact_joins_on_any_server(
    server: Server, cluster: Cluster, people: People
) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    await sync(ada, NUMBER, tellMe=True)
    await sync(cleo, NUMBER)
    phone, quiet = await ada.at(await cluster()).socket(), await cleo.socket()

    await verify(server, bob, phone=NUMBER)
    found = await phone.next("contacts:found")
    await verify(server, bob, phone=NUMBER)

    assert (found["user"]["displayName"], found["via"], found["isFriend"]) == ("Bob", ["phone"], False)
    assert (await told(phone), await told(quiet)) == ([bob.id], [])
    assert await matched(ada) == [bob.id]


async def test_r51_a_wish_to_be_told_is_a_hash_that_lasts_ninety_days(
    server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await bob.ask("PUT", "/api/users/me/privacy", {"searchableByPhone": "everyone"})
    await sync(ada, NUMBER, tellMe=True)
    socket = await ada.socket()
    (wait,) = await server.app.mongo.collection("contact_waits").find({}, limit=9)
    stored = await everything(server)

    clock.advance(days=90, seconds=1)
    await verify(server, bob, phone=NUMBER, by=None)

    assert set(wait) == {"_id", "ownerId", "hash", "via", "until"}
    assert NUMBER.strip("+") not in stored
    assert await told(socket) == []


async def test_r53_whoever_hides_from_the_one_who_waits_is_told_of_only_when_he_does_no_more(
    server: Server, people: People
) -> None:
    ada, bob = await people("ada", "bob")
    await verify(server, ada, by=None)
    await sync(ada, NUMBER, tellMe=True)
    socket = await ada.socket()

    await verify(server, bob, phone=NUMBER, by=None)
    assert await told(socket) == []
    await sync(bob, ada)

    await until(lambda: socket.events("contacts:found"))
    assert await told(socket) == [bob.id]


async def test_r53_a_change_of_mind_is_told_and_a_block_never(server: Server, people: People) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    await verify(server, bob, phone=NUMBER, by="nobody")
    for person in (ada, cleo):
        await sync(person, NUMBER, tellMe=True)
    await block(bob, cleo)
    sockets = [await person.socket() for person in (ada, cleo)]

    await bob.ask("PUT", "/api/users/me/privacy", {"searchableByPhone": "everyone"})

    await until(lambda: sockets[0].events("contacts:found"))
    await server.app.relay.settle()
    assert [await told(one) for one in sockets] == [[bob.id], []]


async def test_whoever_forgets_the_contacts_is_told_nothing(server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    await sync(ada, NUMBER, tellMe=True)
    await ada.ask("DELETE", "/api/contacts/matches")
    socket = await ada.socket()

    await verify(server, bob, phone=NUMBER)

    assert await told(socket) == []


async def test_more_people_than_one_step_takes_are_told(server: Server, people: People, mongo: Mongo) -> None:
    bob, *many = await people("bob", *(f"ada{n}" for n in range(3)))
    await verify(server, bob, by="nobody")
    ghosts = [f"00000000-0000-7000-8000-{n:012}" for n in range(250)]
    await sync(many[0], bob, tellMe=True)
    (tie,) = await mongo.collection("contact_matches").find({"userId": bob.id}, limit=9)
    await mongo.collection("contact_matches").insert_many(
        [{**tie, "_id": f"{one}:{bob.id}", "ownerId": one} for one in ghosts]
    )
    socket = await many[0].socket()

    await bob.ask("PUT", "/api/users/me/privacy", {"searchableByPhone": "everyone"})

    await until(lambda: socket.events("contacts:found"))
    assert await told(socket) == [bob.id]
