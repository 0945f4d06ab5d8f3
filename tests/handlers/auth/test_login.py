"""Coming in."""

from typing import Any

import pytest

from handlers.auth.models import Login
from server.edge.dispatch import parse
from server.errors import Invalid
from storage.mongo import Mongo
from tests.conftest import Cluster, People
from tests.handlers.auth.conftest import PASSWORD, Post, joining
from tests.harness.servers import Server

WRONG = {"code": "auth.invalid_credentials", "message": "The name or the password is not right."}


async def test_somebody_comes_in_by_email_or_username(post: Post) -> None:
    _, joined = await post("register", joining("ada"))

    for name in ({"email": "ada@example.com"}, {"email": " ADA@Example.com "}, {"username": "AdA"}):
        status, answer = await post("login", {**name, "password": PASSWORD})

        assert status == 200
        assert answer["user"] == joined["user"]
        assert set(answer["tokens"]) == {"accessToken", "refreshToken", "expiresIn"}


async def test_what_is_wrong_is_not_told(post: Post) -> None:
    await post("register", joining("ada"))

    for body in (
        {"email": "ada@example.com", "password": PASSWORD + "!"},
        {"username": "ada", "password": PASSWORD.lower()},
        {"username": "ada@example.com", "password": PASSWORD},
        {"email": "ada", "password": PASSWORD},
        {"email": "nobody@example.com", "password": PASSWORD},
        {"username": "nobody", "password": PASSWORD},
        {"username": "{'$ne': ''}", "password": PASSWORD},
    ):
        status, answer = await post("login", body)

        assert status == 401
        assert {key: answer[key] for key in ("code", "message")} == WRONG
        assert "details" not in answer


@pytest.mark.parametrize(
    "body",
    [
        {"password": PASSWORD},
        {"email": "ada@example.com", "username": "ada", "password": PASSWORD},
        {"email": "ada@example.com"},
        {"email": {"$ne": ""}, "password": PASSWORD},
        {"email": "ada@example.com", "password": ["x"]},
    ],
)
def test_a_sign_in_names_one_account_and_its_password(body: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        parse(Login, body)


async def test_an_unknown_name_costs_the_same_questions_and_the_same_check(
    server: Server, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post("register", joining("ada"))
    auth, done = server.service("auth"), []
    get, verify = auth._credentials.get, auth._pool.verify

    async def watched_get(user_id: str) -> Any:
        done.append("password read")
        return await get(user_id)

    async def watched_verify(stored: str | None, password: str) -> Any:
        done.append("password checked")
        return await verify(stored, password)

    monkeypatch.setattr(auth._credentials, "get", watched_get)
    monkeypatch.setattr(auth._pool, "verify", watched_verify)

    await post("login", {"username": "ada", "password": "wrong wrong"})
    known = list(done)
    done.clear()
    await post("login", {"username": "nobody", "password": "wrong wrong"})

    assert known == done == ["password read", "password checked"]


async def test_a_suspended_account_is_refused_only_to_who_knows_the_password(server: Server, post: Post) -> None:
    _, joined = await post("register", joining("ada"))
    await server.app.mongo.transact(lambda: server.service("users").suspend(joined["user"]["id"]))

    knowing = await post("login", {"username": "ada", "password": PASSWORD})
    guessing = await post("login", {"username": "ada", "password": "wrong wrong"})

    assert (knowing[0], knowing[1]["code"]) == (403, "auth.account_suspended")
    assert (guessing[0], guessing[1]["code"]) == (401, "auth.invalid_credentials")


async def test_who_is_let_in_again_can_sign_in(server: Server, post: Post) -> None:
    _, joined = await post("register", joining("ada"))
    users = server.service("users")
    await server.app.mongo.transact(lambda: users.suspend(joined["user"]["id"]))

    await server.app.mongo.transact(lambda: users.unsuspend(joined["user"]["id"]))

    assert (await post("login", {"username": "ada", "password": PASSWORD}))[0] == 200


async def test_the_other_devices_hear_of_a_sign_in(people: People, post: Post) -> None:
    (ada,) = await people("ada")
    socket = await ada.socket()
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

    await post("login", {"username": "ada", "password": PASSWORD, "deviceId": "laptop"}, agent=agent)

    told = await socket.next("session:opened")
    assert (told["deviceId"], told["name"]) == ("laptop", "Firefox on Linux")


async def test_a_cheaper_hash_is_replaced_at_the_next_sign_in(
    cluster: Cluster, post: Post, mongo: Mongo, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post("register", joining("ada"))
    monkeypatch.setenv("MIXEE_AUTH_ARGON2_MEMORY_KIB", "20480")
    dearer = await cluster()

    status, _ = await post("login", {"username": "ada", "password": PASSWORD}, at=dearer)

    kept = await mongo.collection("credentials").find_one({})
    assert status == 200
    assert kept is not None
    assert "m=20480" in kept["passwordHash"]
    assert (await post("login", {"username": "ada", "password": PASSWORD}))[0] == 200


async def test_a_server_that_has_too_many_password_checks_says_so(
    server: Server, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post("register", joining("ada"))
    monkeypatch.setattr(server.service("auth")._pool, "_room", 0)

    status, answer = await post("login", {"username": "ada", "password": PASSWORD})

    assert (status, answer["code"], answer["retryAfterMs"]) == (503, "overloaded", 1000)


async def test_somebody_signed_in_more_often_than_allowed_loses_the_oldest_session(
    cluster: Cluster, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIXEE_AUTH_MAX_SESSIONS", "3")
    small = await cluster()
    await post("register", joining("ada", deviceId="device 0"), at=small)
    for number in range(1, 4):
        await post("login", {"username": "ada", "password": PASSWORD, "deviceId": f"device {number}"}, at=small)

    account = await small.service("users").by_username("ada")
    sessions = await small.service("auth").book._sessions.of_user(account.id)

    assert [one.device_id for one in sessions] == ["device 3", "device 2", "device 1"]
