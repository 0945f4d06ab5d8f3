"""What the doors make of tokens and of too many tries."""

from datetime import timedelta
from typing import Any

import pytest
from socketio.exceptions import ConnectionError  # noqa: A004 - its own name

from crypto import tokens
from crypto.tokens import Claims, SigningKey
from tests.conftest import Cluster, People
from tests.handlers.auth.conftest import PASSWORD, Post, joining
from tests.harness.clock import TurnableClock
from tests.harness.people import Person
from tests.harness.servers import Server


async def refused_by_both_doors(person: Person, token: Any) -> None:
    person.tokens = {"accessToken": token}
    status, body = await person.http("GET", "/api/users/me")
    assert (status, body["code"]) == (401, "unauthenticated")
    with pytest.raises(ConnectionError):
        await person.socket()
    assert person._sockets[-1].refused["data"]["code"] == "unauthenticated"


async def test_both_doors_refuse_what_is_no_valid_token(server: Server, people: People, clock: TurnableClock) -> None:
    """The fifty forgeries are tried on the check itself; here a few prove that both doors ask it."""
    (ada,) = await people("ada")
    book = server.service("auth").book
    key, now = book._keys.signing, clock.now()
    good = tokens.verify(ada.token, book._keys.public, audience="mixee", issuer="mixee", now=now)

    def signed(by: SigningKey = key, **other: Any) -> str:
        values = {name: getattr(good, name) for name in Claims.__slots__}
        return tokens.sign(Claims(**{**values, **other}), by)

    forgeries = [
        "hello",
        ada.token[:-4],
        ada.tokens["refreshToken"],
        signed(SigningKey.generate(key.kid)),
        signed(iat=now - timedelta(hours=2), exp=now - timedelta(hours=1)),
        signed(aud="other"),
        signed(iss="other"),
    ]
    for token in forgeries:
        await refused_by_both_doors(ada, token)
    ada.tokens = {"accessToken": signed()}
    assert (await ada.http("GET", "/api/users/me"))[0] == 200


async def test_a_live_connection_ends_with_its_token(people: People, clock: TurnableClock) -> None:
    (ada,) = await people("ada")
    socket = await ada.socket()

    clock.advance(seconds=3601)

    assert await socket.next("session:closed") == {"code": "token_expired"}


async def test_a_connection_goes_on_with_a_fresh_token(people: People, post: Post, clock: TurnableClock) -> None:
    (ada,) = await people("ada")
    socket = await ada.socket()
    clock.advance(seconds=3500)
    _, pair = await post("refresh", {"refreshToken": ada.tokens["refreshToken"]})

    assert (await socket.call("session:renew", {"token": pair["accessToken"]}))["ok"]

    clock.advance(seconds=200)
    assert (await socket.call("users:me", {}))["data"]["id"] == ada.id


async def test_registration_is_limited_by_address(cluster: Cluster, post: Post) -> None:
    strict = await cluster(limits="on")

    answers = [await post("register", joining(f"ada{number}"), at=strict) for number in range(4)]

    assert [status for status, _ in answers] == [201, 201, 201, 429]
    assert answers[-1][1]["code"] == "rate_limited"
    assert 55_000 < answers[-1][1]["retryAfterMs"] <= 60_000


async def test_sign_in_is_limited_by_address_whatever_the_account(
    cluster: Cluster, post: Post, clock: TurnableClock
) -> None:
    strict = await cluster(limits="on")
    await post("register", joining("ada"))

    answers = [await post("login", {"username": f"ada{number}", "password": "x"}, at=strict) for number in range(6)]
    right = await post("login", {"email": "ADA@example.com", "password": PASSWORD}, at=strict)

    assert [status for status, _ in answers] == [401] * 5 + [429]
    assert right[0] == 429
    clock.advance(seconds=334)
    assert (await post("login", {"email": "ada@example.com", "password": PASSWORD}, at=strict))[0] == 200


async def test_letters_to_one_address_are_limited(cluster: Cluster, post: Post) -> None:
    strict = await cluster(limits="on")

    answers = [await post("forgot-password", {"email": "ada@example.com"}, at=strict) for _ in range(6)]

    assert [status for status, _ in answers] == [202] * 5 + [429]
    assert (await post("forgot-password", {"email": "bob@example.com"}, at=strict))[0] == 202
