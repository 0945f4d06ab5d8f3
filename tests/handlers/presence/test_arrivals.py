"""Coming and going: told to friends once, late enough to be true."""

import asyncio

import pytest

from handlers.presence.models import Device
from server.actors import Actor
from server.hub.connections import Connection
from tests.conftest import People
from tests.handlers.presence.helpers import arrive, befriend, devices, hang_up, minute, pass_time, presence_of, statuses
from tests.harness.clock import TurnableClock
from tests.harness.servers import Server, until


async def test_r33_friends_hear_at_once_that_somebody_came_and_strangers_do_not(
    people: People, clock: TurnableClock
) -> None:
    ada, bob, eve = await people("ada", "bob", "eve")
    await befriend(ada, bob)
    bobs, eves = await arrive(bob), await arrive(eve)

    before = minute(clock)
    await arrive(ada, device="ios-1")

    heard = await bobs.next("presence:updated")
    assert heard["lastSeenAt"] in {before, minute(clock)}
    assert heard == {
        "userId": ada.id,
        "status": "online",
        "lastSeenAt": heard["lastSeenAt"],
        "lastSeen": None,
        "currentDevice": "mobile",
        "location": None,
        "customStatus": None,
    }
    assert await presence_of(bob, ada) == heard
    assert await statuses(eves) == []


async def test_a_new_connection_is_told_which_friends_are_here(people: People) -> None:
    ada, bob, cleo, eve = await people("ada", "bob", "cleo", "eve")
    await befriend(ada, bob)
    await befriend(ada, cleo)
    await arrive(bob)
    await arrive(eve)

    socket = await ada.socket()
    snapshot = await socket.next("presence:snapshot")

    assert [(one["userId"], one["status"]) for one in snapshot["presences"]] == [(bob.id, "online")]
    assert [event for event, _ in socket.log] == ["session:ready", "presence:snapshot"]


async def test_somebody_is_gone_only_after_the_grace_period(
    server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs, adas = await arrive(bob), await arrive(ada)
    await bobs.next("presence:updated")
    left = minute(clock)
    await hang_up(server, ada, adas)

    await pass_time(clock, server, seconds=28)
    assert await statuses(bobs) == ["online"]
    assert (await presence_of(bob, ada))["status"] == "online"
    await pass_time(clock, server, seconds=3)

    heard = await bobs.next("presence:updated")
    assert (heard["status"], heard["currentDevice"]) == ("offline", None)
    assert heard["lastSeenAt"] in {left, minute(clock)}
    await pass_time(clock, server, seconds=60)
    assert await statuses(bobs) == ["online", "offline"]
    assert await presence_of(bob, ada) == heard


async def test_r31_whoever_comes_back_within_the_grace_period_was_never_gone(
    server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs = await arrive(bob)

    for _ in range(3):
        adas = await arrive(ada)
        await hang_up(server, ada, adas)
        await pass_time(clock, server, seconds=28)
    await arrive(ada)
    await pass_time(clock, server, seconds=60)

    assert await statuses(bobs) == ["online"]


async def test_whoever_looks_while_somebody_is_back_soon_sees_no_gap(
    server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    adas = await arrive(ada, device="ios-1")
    await hang_up(server, ada, adas)
    await pass_time(clock, server, seconds=20)

    bobs = await bob.socket()
    snapshot = await bobs.next("presence:snapshot")
    await arrive(ada)
    await pass_time(clock, server, seconds=60)

    assert [(one["status"], one["currentDevice"]) for one in snapshot["presences"]] == [("online", "mobile")]
    assert await statuses(bobs) == []


async def test_a_connection_that_ends_while_it_begins_leaves_nothing_behind(
    server: Server, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ada,) = await people("ada")
    heart = server.service("presence")._heart
    put = heart._live.put
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def late(user_id: str, device: Device) -> None:
        await ended
        await put(user_id, device)

    monkeypatch.setattr(heart._live, "put", late)
    actor = Actor(ada.id, "user", frozenset(), "session", "device", server.app.clock.now())
    connection = Connection("fleeting", actor, "127.0.0.1", server.app.clock.now())
    begin = asyncio.create_task(heart.came(connection))
    await until(lambda: "fleeting" in heart.devices)

    await heart.left(connection)
    ended.set_result(None)
    await begin

    assert await devices(server, ada) == []


async def test_a_second_device_is_no_news(server: Server, people: People, clock: TurnableClock) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs = await arrive(bob)
    phone, _ = await arrive(ada, device="android-7"), await arrive(ada, device="desktop-1")
    assert (await presence_of(bob, ada))["currentDevice"] == "desktop"

    await hang_up(server, ada, phone)
    await pass_time(clock, server, seconds=60)

    assert await statuses(bobs) == ["online"]
    assert (await presence_of(bob, ada))["status"] == "online"


async def test_r32_friends_hear_of_somebody_at_most_once_in_ten_seconds_and_the_last_state_wins(
    server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs, adas = await arrive(bob), await arrive(ada)

    for status in ("away", "busy", "online", "busy"):
        await adas.ask("presence:update", {"status": status})
    await pass_time(clock, server, seconds=1)
    assert await statuses(bobs) == ["online"]
    await pass_time(clock, server, seconds=10)
    assert await statuses(bobs) == ["online", "busy"]

    for status in ("away", "busy"):
        await adas.ask("presence:update", {"status": status})
    await pass_time(clock, server, seconds=11)
    assert await statuses(bobs) == ["online", "busy"]


async def test_an_account_was_last_active_when_its_person_was_seen_here(
    server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await ada.ask("PUT", "/api/presence/status", {"status": "invisible"})
    before = [(await one.ask("GET", "/api/users/me"))["lastActiveAt"] for one in (ada, bob)]
    clock.advance(minutes=5)

    for person in (ada, bob):
        await arrive(person)
    await pass_time(clock, server, seconds=1)

    after = [(await one.ask("GET", "/api/users/me"))["lastActiveAt"] for one in (ada, bob)]
    assert after[0] == before[0]
    assert after[1] > before[1]


async def test_when_somebody_was_last_here_outlives_the_server(
    server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    left = minute(clock)
    await hang_up(server, ada, await arrive(ada))
    await pass_time(clock, server, seconds=31)
    after = minute(clock)

    async for key in server.app.redis.scan_iter(match=f"{server.service('presence')._live.keys.prefix}:*"):
        await server.app.redis.delete(key)
    await pass_time(clock, server, seconds=6)
    await pass_time(clock, server, seconds=120)

    seen = await presence_of(bob, ada)
    assert seen["status"] == "offline"
    assert seen["lastSeenAt"] in {left, after}
