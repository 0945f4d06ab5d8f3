"""Leaving: hidden at once, back within thirty days, gone for good after them."""

import asyncio
from typing import Any

import pytest

from storage.mongo import Mongo
from tests.conftest import PASSWORD, Cluster, People
from tests.handlers.users.helpers import befriend, found
from tests.harness.clock import TurnableClock
from tests.harness.people import Person, Refusal
from tests.harness.servers import Server


async def sign_in(person: Person) -> tuple[int, Any]:
    body = {"username": person.name, "password": PASSWORD}
    async with person._session.post(f"{person.server.url}/api/auth/login", json=body) as response:
        answer = await response.json()
    if response.status == 200:
        person.tokens = answer["tokens"]
    return response.status, answer


async def settled(server: Server) -> None:
    """What was told has been heard."""
    await server.app.relay.settle()


async def test_who_leaves_is_signed_out_everywhere_and_hidden_at_once(cluster: Cluster, people: People) -> None:
    other = await cluster()
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    here, there = await ada.socket(), await ada.at(other).socket()

    status, body = await ada.http("DELETE", "/api/users/me")

    assert (status, body) == (204, None)
    for socket in (here, there):
        assert await socket.next("session:closed") == {"code": "session_revoked"}
        await asyncio.wait_for(socket.closed.wait(), 5)
    assert (await ada.http("GET", "/api/users/me"))[0] == 401
    with pytest.raises(Refusal) as refused:
        await bob.ask("GET", f"/api/users/{ada.id}")
    assert refused.value.code == "users.not_found"
    assert await found(bob, q="ada") == []
    users = ada.server.service("users")
    assert await users.existing([ada.id, bob.id]) == {bob.id}
    assert set(await users.cards([ada.id, bob.id])) == {bob.id}
    assert set(await users.privacy_of([ada.id, bob.id])) == {bob.id}


async def test_signing_in_within_thirty_days_brings_everything_back(people: People, clock: TurnableClock) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    before = await ada.ask("GET", "/api/users/me")
    await ada.ask("DELETE", "/api/users/me")
    clock.advance(days=29)

    assert (await sign_in(ada))[0] == 200

    after = await ada.ask("GET", "/api/users/me")
    assert {**after, "updatedAt": None} == {**before, "updatedAt": None}
    assert await ada.server.service("users").existing([ada.id]) == {ada.id}
    clock.advance(days=2)
    assert await ada.server.service("users").erase_due() == 0


async def test_after_thirty_days_nothing_is_left(
    server: Server, people: People, clock: TurnableClock, mongo: Mongo
) -> None:
    ada, bob = await people("ada", "bob")
    await ada.ask("POST", f"/api/users/{bob.id}/report", {"reason": "spam"})
    await bob.ask("POST", f"/api/users/{ada.id}/report", {"reason": "hate"})
    await server.service("auth").settle()
    await ada.ask("DELETE", "/api/users/me")
    clock.advance(days=30)

    assert await server.service("users").erase_due() == 1
    await settled(server)

    for name in ("users", "credentials", "sessions", "proofs", "user_reports"):
        kept = await mongo.collection(name).find({}, limit=100)
        assert ada.id not in str(kept), name
        assert "ada1@example.com" not in str(kept), name
    (report,) = await mongo.collection("user_reports").find({}, limit=10)
    assert (report["userId"], report["reason"]) == (bob.id, "spam")
    assert (await sign_in(ada))[0] == 401
    assert (await sign_in(bob))[0] == 200


async def test_before_the_thirty_days_are_over_nothing_is_erased(people: People, clock: TurnableClock) -> None:
    (ada,) = await people("ada")
    await ada.ask("DELETE", "/api/users/me")
    clock.advance(days=29, hours=23)

    assert await ada.server.service("users").erase_due() == 0


async def test_the_name_is_kept_for_the_one_who_may_come_back_and_free_after_that(
    people: People, clock: TurnableClock
) -> None:
    (ada,) = await people("ada")
    await ada.ask("DELETE", "/api/users/me")

    with pytest.raises(AssertionError, match=r"auth\.username_taken"):
        await people("ada")

    clock.advance(days=31)
    await ada.server.service("users").erase_due()
    (other,) = await people("ada")
    assert other.id != ada.id


async def test_leaving_twice_at_once_is_leaving_once(people: People, mongo: Mongo) -> None:
    (ada,) = await people("ada")

    answers = await asyncio.gather(*(ada.http("DELETE", "/api/users/me") for _ in range(3)))

    assert min(status for status, _ in answers) == 204
    assert {status for status, _ in answers} <= {204, 401, 404}
    account = await mongo.collection("users").find_one({"_id": ada.id})
    assert account is not None
    assert account["status"] == "leaving"


async def test_the_last_activity_is_written_once_a_minute_at_most(people: People, clock: TurnableClock) -> None:
    (ada,) = await people("ada")
    users = ada.server.service("users")

    async def last_active() -> str:
        return str((await ada.ask("GET", "/api/users/me"))["lastActiveAt"])

    first = await last_active()
    await users.seen([ada.id])
    assert await last_active() == first

    clock.advance(seconds=61)
    await users.seen([ada.id])
    assert await last_active() > first
