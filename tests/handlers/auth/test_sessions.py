"""The devices somebody is signed in on."""

import asyncio

import pytest
from socketio.exceptions import ConnectionError  # noqa: A004 - its own name

from server.actors import Caller
from tests.conftest import Cluster, People
from tests.handlers.auth.conftest import PASSWORD, Post
from tests.harness.people import Door, Refusal

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def test_somebody_sees_the_devices_he_is_signed_in_on(people: People, post: Post, door: Door) -> None:
    (ada,) = await people("ada")
    await people("bob")
    await post("login", {"username": "ada", "password": PASSWORD, "deviceId": "laptop"}, agent=FIREFOX)

    listed = (await door(ada, "auth.sessions"))["sessions"]

    assert [(one["name"], one["isCurrent"]) for one in listed] == [("Firefox on Linux", False), ("Python", True)]
    assert listed[0]["deviceId"] == "laptop"
    assert set(listed[0]) == {"id", "deviceId", "name", "platform", "createdAt", "lastUsedAt", "isCurrent"}


async def test_ending_a_session_shuts_that_device_out_and_no_other(
    cluster: Cluster, people: People, post: Post, door: Door
) -> None:
    other = await cluster()
    (ada,) = await people("ada")
    _, answer = await post("login", {"username": "ada", "password": PASSWORD, "deviceId": "laptop"})
    laptop = ada.at(other)
    laptop.tokens = answer["tokens"]
    here, there = await ada.socket(), await laptop.socket()
    listed = (await door(ada, "auth.sessions"))["sessions"]
    session_id = next(one["id"] for one in listed if one["deviceId"] == "laptop")

    await door(ada, "auth.end_session", {"sessionId": session_id})

    assert await there.next("session:closed") == {"code": "session_revoked"}
    assert await here.next("session:ended") == {"sessionIds": [session_id], "code": "session_revoked"}
    assert here.events("session:closed") == []
    assert (await laptop.at(ada.server).http("GET", "/api/users/me"))[0] == 401
    assert (await post("refresh", {"refreshToken": laptop.tokens["refreshToken"]}))[0] == 401
    assert (await ada.http("GET", "/api/users/me"))[0] == 200


async def test_a_session_of_somebody_else_does_not_exist(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    session_id = (await door(bob, "auth.sessions"))["sessions"][0]["id"]

    for unknown in (session_id, bob.id):
        with pytest.raises(Refusal) as refused:
            await door(ada, "auth.end_session", {"sessionId": unknown})
        assert refused.value.code == "auth.session_not_found"

    assert (await bob.http("GET", "/api/users/me"))[0] == 200


async def test_signing_out_ends_this_session_everywhere(cluster: Cluster, people: People, post: Post) -> None:
    other = await cluster()
    (ada,) = await people("ada")
    here, there = await ada.socket(), await ada.at(other).socket()

    status, body = await ada.http("POST", "/api/auth/logout")

    assert (status, body) == (204, None)
    for socket in (here, there):
        assert await socket.next("session:closed") == {"code": "session_revoked"}
        await asyncio.wait_for(socket.closed.wait(), 5)
    assert (await ada.http("GET", "/api/users/me"))[0] == 401
    assert (await post("refresh", {"refreshToken": ada.tokens["refreshToken"]}))[1]["code"] == "auth.refresh_invalid"
    with pytest.raises(ConnectionError):
        await ada.socket()


async def test_connections_are_cut_at_once_and_not_only_when_somebody_looks(cluster: Cluster, people: People) -> None:
    other = await cluster()
    (ada,) = await people("ada")
    here, there = await ada.socket(), await ada.at(other).socket()
    for one in (ada.server, other):
        one.service("auth")._watch.cancel()

    await ada.http("POST", "/api/auth/logout")

    for socket in (here, there):
        assert await socket.next("session:closed") == {"code": "session_revoked"}


async def test_connections_are_cut_also_when_the_order_to_cut_is_lost(
    cluster: Cluster, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await cluster()
    (ada,) = await people("ada")
    here, there = await ada.socket(), await ada.at(other).socket()

    async def lost(*_: object, **__: object) -> None:
        return None

    monkeypatch.setattr(ada.server.service("auth").book, "_cut", lost)

    await ada.http("POST", "/api/auth/logout")

    for socket in (here, there):
        assert await socket.next("session:closed", timeout=2.5) == {"code": "session_revoked"}


async def test_the_same_device_replaces_its_session(people: People, post: Post) -> None:
    (ada,) = await people("ada")
    _, first = await post("login", {"username": "ada", "password": PASSWORD, "deviceId": "laptop"})
    ada.tokens = first["tokens"]
    socket = await ada.socket()

    _, second = await post("login", {"username": "ada", "password": PASSWORD, "deviceId": "laptop"})

    assert await socket.next("session:closed") == {"code": "replaced"}
    assert (await ada.http("GET", "/api/users/me"))[0] == 401
    ada.tokens = second["tokens"]
    assert (await ada.http("GET", "/api/users/me"))[0] == 200


async def test_r36_a_device_has_a_platform_and_the_name_that_its_owner_gives_it(
    people: People, post: Post, door: Door
) -> None:
    ada, bob = await people("ada", "bob")
    await post("login", {"username": "ada", "password": PASSWORD, "deviceId": "laptop"}, agent=FIREFOX)
    laptop = next(one for one in (await door(ada, "auth.sessions"))["sessions"] if one["deviceId"] == "laptop")

    renamed = await door(ada, "auth.rename_session", {"sessionId": laptop["id"], "name": "  Desk  "})

    assert renamed == laptop | {"name": "Desk"}
    assert (renamed["platform"], renamed["isCurrent"]) == ("web", False)
    assert renamed in (await door(ada, "auth.sessions"))["sessions"]
    with pytest.raises(Refusal) as refused:
        await door(bob, "auth.rename_session", {"sessionId": laptop["id"], "name": "Mine"})
    assert refused.value.code == "auth.session_not_found"
    for name in ("", "   ", "x" * 61):
        with pytest.raises(Refusal) as refused:
            await door(ada, "auth.rename_session", {"sessionId": laptop["id"], "name": name})
        assert refused.value.fields == {"name"}


async def test_r36_the_thirty_first_device_takes_the_place_of_the_one_idle_longest(
    cluster: Cluster, people: People
) -> None:
    other = await cluster()
    (ada,) = await people("ada")
    book, users = ada.server.service("auth").book, ada.server.service("users")
    account = await users.account(ada.id)
    socket = await ada.at(other).socket()
    first = (await ada.ask("GET", "/api/auth/sessions"))["sessions"][0]["id"]

    for number in range(30):
        _, pair = await book.open(account, Caller("http", "127.0.0.1", FIREFOX), f"device-{number}")
    ada.tokens["accessToken"] = pair.access_token

    listed = (await ada.ask("GET", "/api/auth/sessions"))["sessions"]
    assert {one["deviceId"] for one in listed} == {f"device-{number}" for number in range(30)}
    assert await book.alive([first, listed[0]["id"]]) == {listed[0]["id"]}
    assert await socket.next("session:closed", timeout=2) == {"code": "session_revoked"}


async def test_r37_a_revoked_device_is_cut_off_on_every_server_within_two_seconds(
    cluster: Cluster, people: People, post: Post, door: Door
) -> None:
    other = await cluster()
    (ada,) = await people("ada")
    _, answer = await post("login", {"username": "ada", "password": PASSWORD, "deviceId": "laptop"})
    laptop = ada.at(other)
    laptop.tokens = answer["tokens"]
    sockets = [await laptop.socket(), await laptop.at(ada.server).socket()]
    listed = (await door(ada, "auth.sessions"))["sessions"]

    await door(ada, "auth.end_session", {"sessionId": next(o["id"] for o in listed if o["deviceId"] == "laptop")})

    async with asyncio.timeout(2):
        for socket in sockets:
            await socket.closed.wait()
