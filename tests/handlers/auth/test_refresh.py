"""Carrying a session on: the exchange of refresh tokens, lost answers and thieves."""

import asyncio
from typing import Any

from storage.mongo import Mongo
from tests.conftest import Cluster, People
from tests.handlers.auth.conftest import PASSWORD, Post, joining
from tests.harness.clock import TurnableClock
from tests.harness.servers import Server


async def refreshed(post: Post, token: str, **other: Any) -> tuple[int, Any]:
    where = {name: other.pop(name) for name in ("at", "agent") if name in other}
    return await post("refresh", {"refreshToken": token, **other}, **where)


async def test_a_refresh_token_brings_a_fresh_pair(people: People, post: Post) -> None:
    (ada,) = await people("ada")

    status, pair = await refreshed(post, ada.tokens["refreshToken"])

    assert status == 200
    assert set(pair) == {"accessToken", "refreshToken", "expiresIn"}
    assert pair["expiresIn"] == 3600
    assert pair["accessToken"] != ada.tokens["accessToken"]
    assert pair["refreshToken"] != ada.tokens["refreshToken"]
    ada.tokens = pair
    assert (await ada.http("GET", "/api/users/me"))[0] == 200


async def test_a_session_goes_on_as_long_as_it_is_used(post: Post, clock: TurnableClock) -> None:
    _, answer = await post("register", joining("ada"))
    pair = answer["tokens"]

    for _ in range(3):
        clock.advance(days=29)
        status, pair = await refreshed(post, pair["refreshToken"])
        assert status == 200

    clock.advance(days=31)
    status, answer = await refreshed(post, pair["refreshToken"])
    assert (status, answer["code"]) == (401, "auth.refresh_invalid")


async def test_a_token_that_comes_back_ends_the_session_and_cuts_its_sockets_on_every_server(
    cluster: Cluster, people: People, post: Post, clock: TurnableClock, mongo: Mongo
) -> None:
    other = await cluster()
    (ada,) = await people("ada")
    here, there = await ada.socket(), await ada.at(other).socket()
    stolen = ada.tokens["refreshToken"]
    _, pair = await refreshed(post, stolen)
    clock.advance(seconds=11)

    status, answer = await refreshed(post, stolen, at=other)

    assert (status, answer["code"]) == (401, "auth.refresh_reused")
    for socket in (here, there):
        assert await socket.next("session:closed") == {"code": "session_revoked"}
        await asyncio.wait_for(socket.closed.wait(), 5)
    assert (await refreshed(post, pair["refreshToken"]))[1]["code"] == "auth.refresh_invalid"
    assert (await ada.http("GET", "/api/users/me"))[0] == 401
    assert await mongo.collection("sessions").count({}) == 0


async def test_a_replay_leaves_the_other_sessions_of_the_account_alone(
    people: People, post: Post, clock: TurnableClock
) -> None:
    (ada,) = await people("ada")
    _, elsewhere = await post("login", {"username": "ada", "password": PASSWORD})
    await refreshed(post, ada.tokens["refreshToken"])
    clock.advance(seconds=11)
    await refreshed(post, ada.tokens["refreshToken"])

    status, _ = await refreshed(post, elsewhere["tokens"]["refreshToken"])

    assert status == 200


async def test_a_lost_answer_does_not_lock_the_device_out(post: Post, clock: TurnableClock) -> None:
    _, answer = await post("register", joining("ada"))
    first = answer["tokens"]["refreshToken"]
    _, lost = await refreshed(post, first)
    clock.advance(seconds=9)

    status, again = await refreshed(post, first)

    assert status == 200
    assert again["refreshToken"] not in {first, lost["refreshToken"]}
    clock.advance(hours=1)
    assert (await refreshed(post, again["refreshToken"]))[0] == 200


async def test_the_answer_that_seemed_lost_still_counts(post: Post, clock: TurnableClock) -> None:
    """Two tabs of one browser refresh at once; whichever pair is kept works."""
    _, answer = await post("register", joining("ada"))
    first = answer["tokens"]["refreshToken"]
    _, one = await refreshed(post, first)
    _, _other = await refreshed(post, first)
    clock.advance(hours=1)

    assert (await refreshed(post, one["refreshToken"]))[0] == 200


async def test_another_device_gets_no_grace(post: Post) -> None:
    _, answer = await post("register", joining("ada"))
    await refreshed(post, answer["tokens"]["refreshToken"])

    status, refusal = await refreshed(post, answer["tokens"]["refreshToken"], agent="Thief/1")

    assert (status, refusal["code"]) == (401, "auth.refresh_reused")


async def test_the_grace_has_an_end_also_in_number(post: Post) -> None:
    _, answer = await post("register", joining("ada"))
    first = answer["tokens"]["refreshToken"]

    statuses = [(await refreshed(post, first))[0] for _ in range(7)]

    assert statuses == [200, 200, 200, 200, 200, 401, 401]


async def test_of_many_at_once_on_two_servers_nobody_is_locked_out(cluster: Cluster, post: Post) -> None:
    other = await cluster()
    _, answer = await post("register", joining("ada"))
    first = answer["tokens"]["refreshToken"]

    answers = await asyncio.gather(*(refreshed(post, first, at=other if n % 2 else None) for n in range(4)))

    assert [status for status, _ in answers] == [200] * 4
    assert len({pair["refreshToken"] for _, pair in answers}) == 4
    assert (await refreshed(post, answers[0][1]["refreshToken"]))[0] == 200


async def test_a_device_that_names_itself_must_be_the_one(post: Post) -> None:
    _, answer = await post("register", joining("ada", deviceId="phone"))
    token = answer["tokens"]["refreshToken"]

    wrong = await refreshed(post, token, deviceId="laptop")
    right = await refreshed(post, token, deviceId="phone")

    assert (wrong[0], wrong[1]["code"]) == (401, "auth.refresh_invalid")
    assert right[0] == 200


async def test_what_is_no_refresh_token_is_refused_and_ends_nothing(people: People, post: Post, mongo: Mongo) -> None:
    (ada,) = await people("ada")
    good = ada.tokens["refreshToken"]
    made_up = ["hello", ada.token, good[:-2], good + "x", good.replace(".0.", ".1."), "é", "x" * 400]

    for token in made_up:
        status, answer = await refreshed(post, token)
        assert (status, answer["code"]) == (401, "auth.refresh_invalid")

    assert await mongo.collection("sessions").count({}) == 1
    assert (await refreshed(post, good))[0] == 200


async def test_a_suspended_account_cannot_carry_on(server: Server, people: People, post: Post) -> None:
    (ada,) = await people("ada")
    socket = await ada.socket()

    await server.app.mongo.transact(lambda: server.service("users").suspend(ada.id))

    assert await socket.next("session:closed") == {"code": "account_suspended"}
    assert (await refreshed(post, ada.tokens["refreshToken"]))[0] == 401
    assert (await ada.http("GET", "/api/users/me"))[0] == 401


async def test_a_new_role_is_in_the_next_session_and_not_before(server: Server, people: People, post: Post) -> None:
    (ada,) = await people("ada")

    await server.app.mongo.transact(lambda: server.service("users").change_role(ada.id, "admin"))

    assert (await ada.http("GET", "/api/users/me"))[0] == 401
    _, answer = await post("login", {"username": "ada", "password": PASSWORD})
    actor = await server.service("auth").book.actor(answer["tokens"]["accessToken"])
    assert actor.role == "admin"
    assert actor.may("user:inspect")
