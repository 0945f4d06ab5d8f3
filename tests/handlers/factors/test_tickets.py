"""The ticket between the two steps of a sign-in, and those who would do without the second."""

import asyncio
from typing import Any

import pytest

from crypto.tokens import digest
from storage.mongo import Mongo
from tests.conftest import Cluster, People
from tests.handlers.auth.conftest import PASSWORD
from tests.handlers.chat.test_plans import indexes_of
from tests.handlers.factors.conftest import Apps, Outbox, Post, second, ticket
from tests.harness.clock import TurnableClock
from tests.harness.servers import Server

GONE = (401, "auth.ticket_gone")


async def test_a_ticket_signs_in_once(people: People, post: Post, app: Apps) -> None:
    (ada,) = await people("ada")
    one = await app(ada)
    opened = await ticket(post)

    assert await second(post, opened, code=one.code()) == (200, None)
    assert await second(post, opened, code=one.code()) == GONE


async def test_a_ticket_at_two_servers_at_once_signs_in_once(
    cluster: Cluster, server: Server, people: People, post: Post, app: Apps
) -> None:
    other = await cluster()
    (ada,) = await people("ada")
    one = await app(ada)
    opened = await ticket(post)

    answers = await asyncio.gather(
        second(post, opened, at=server, recoveryCode=one.recovery[0]),
        second(post, opened, at=other, recoveryCode=one.recovery[1]),
    )

    assert sorted(answers, key=str) == [(200, None), GONE]
    assert (await ada.ask("GET", "/api/auth/factors"))["recoveryCodesLeft"] == 9


async def test_no_other_text_is_a_ticket(people: People, post: Post, app: Apps, mongo: Mongo) -> None:
    (ada,) = await people("ada")
    one = await app(ada)
    opened = await ticket(post)
    turned = opened[:-1] + ("A" if opened[-1] != "A" else "B")

    forged = [turned, opened[:-1], opened + "A", opened.swapcase(), digest(opened), "A" * 43, ada.id]
    for text in forged:
        assert await second(post, text, recoveryCode=one.recovery[0]) == GONE, text
    for text in ("", "x", "../../..", "{'$ne': ''}", ada.token, f"{opened}\x00"):
        assert await second(post, text, recoveryCode=one.recovery[0]) == (422, "bad_request"), text

    kept = await mongo.collection("sign_in_tickets").find({}, limit=10)
    assert [opened in str(document) for document in kept] == [False]
    assert await second(post, opened, recoveryCode=one.recovery[0]) == (200, None)


async def test_a_ticket_is_for_one_account(people: People, post: Post, app: Apps) -> None:
    """Somebody's own factor does not open the account of which he knows the password."""
    ada, eve = await people("ada", "eve")
    await app(ada)
    hers = await app(eve)

    opened = await ticket(post)

    assert await second(post, opened, code=hers.code()) == (403, "factors.wrong")
    assert await second(post, opened, recoveryCode=hers.recovery[0]) == (403, "factors.wrong")
    assert (await eve.ask("GET", "/api/auth/factors"))["recoveryCodesLeft"] == 10


async def test_a_ticket_lasts_five_attempts_and_five_minutes(
    people: People, post: Post, app: Apps, clock: TurnableClock
) -> None:
    (ada,) = await people("ada")
    one = await app(ada)
    guessed, waited = await ticket(post), await ticket(post)

    answers = [await second(post, guessed, code=one.wrong()) for _ in range(5)]

    assert answers == [(403, "factors.wrong")] * 5
    assert await second(post, guessed, code=one.code()) == GONE
    clock.advance(minutes=5)
    assert await second(post, waited, code=one.code()) == GONE


async def test_a_ticket_is_no_token(people: People, post: Post, app: Apps, server: Server) -> None:
    (ada,) = await people("ada")
    await app(ada)
    ada.tokens = {"accessToken": await ticket(post)}

    assert (await ada.http("GET", "/api/users/me"))[0] == 401
    assert (await post("refresh", {"refreshToken": ada.token}))[1]["code"] == "auth.refresh_invalid"


async def test_a_new_password_voids_tickets_and_does_not_replace_the_second_factor(
    people: People, post: Post, app: Apps, outbox: Outbox
) -> None:
    """Whoever reads somebody's mail gets no further than somebody who knows the password."""
    (ada,) = await people("ada")
    one = await app(ada)
    before = await ticket(post)
    await post("forgot-password", {"email": ada.user["email"]})
    token = await outbox.secret(ada.user["email"], "Set a new password")

    status, _ = await post("reset-password", {"token": token, "password": "Another-Horse-8"})

    assert status == 204
    assert await second(post, before, code=one.code()) == GONE
    after = await ticket(post, password="Another-Horse-8")
    assert await second(post, after, code=one.wrong()) == (403, "factors.wrong")
    assert await second(post, after, code=one.code()) == (200, None)


async def test_a_suspended_account_is_not_entered_by_its_ticket(
    server: Server, people: People, post: Post, app: Apps
) -> None:
    (ada,) = await people("ada")
    one = await app(ada)
    opened = await ticket(post)
    await server.app.mongo.transact(lambda: server.service("users").suspend(ada.id))

    assert await second(post, opened, code=one.code()) == (403, "auth.account_suspended")


async def test_who_leaves_and_comes_back_needs_the_second_factor_too(people: People, post: Post, app: Apps) -> None:
    (ada,) = await people("ada")
    one = await app(ada)
    await ada.ask("DELETE", "/api/users/me")

    opened = await ticket(post)
    assert (await ada.http("GET", "/api/users/me"))[0] == 401
    status, answer = await post("login/second-factor", {"ticket": opened, "code": one.code()})

    assert status == 200
    ada.tokens = answer["tokens"]
    assert (await ada.http("GET", "/api/users/me"))[0] == 200


async def test_guesses_at_one_account_are_limited_whatever_the_ticket(
    cluster: Cluster, people: People, post: Post, app: Apps, clock: TurnableClock
) -> None:
    (ada,) = await people("ada")
    one = await app(ada)
    strict = await cluster(limits="on")
    opened = [await ticket(post) for _ in range(7)]

    answers = [await second(post, each, at=strict, code=one.wrong()) for each in opened[:6]]

    assert answers == [(403, "factors.wrong")] * 5 + [(429, "rate_limited")]
    clock.advance(seconds=61)
    assert await second(post, opened[6], at=strict, code=one.code()) == (200, None)


async def test_the_answer_to_a_wrong_password_does_not_tell_of_a_second_factor(
    people: People, post: Post, app: Apps
) -> None:
    ada, _ = await people("ada", "bob")
    await app(ada)

    answers = [await post("login", {"username": name, "password": "wrong wrong"}) for name in ("ada", "bob", "nobody")]

    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 401


@pytest.mark.parametrize(
    ("where", "index"),
    [({"_id": "x", "expiresAt": {"$gt": 0}}, "_id_"), ({"userId": "x"}, "of_user")],
)
async def test_every_question_to_tickets_is_answered_by_an_index(
    server: Server, where: dict[str, object], index: str
) -> None:
    assert await indexes_of(server, "sign_in_tickets", where) == {index}


async def test_the_second_step_takes_exactly_one_proof_and_no_password(people: People, post: Post, app: Apps) -> None:
    (ada,) = await people("ada")
    one = await app(ada)
    opened = await ticket(post)

    proofs: list[dict[str, Any]] = [{}, {"code": one.code(), "recoveryCode": one.recovery[0]}, {"password": PASSWORD}]
    for proof in proofs:
        assert (await second(post, opened, **proof))[0] == 422
