"""Watching people: who hears of whom, in how many messages, on which process, and what is left of it afterwards."""

from typing import Any

import pytest

from crypto.ids import new_id
from handlers.presence.events import PresenceBatch
from handlers.presence.service import Presence, watching
from server.events import Event, Passing
from tests.conftest import Cluster, People
from tests.handlers.presence.helpers import (
    arrive,
    befriend,
    block,
    freeze,
    hang_up,
    lose_everything,
    pass_time,
    presence_of,
    statuses,
)
from tests.harness.clock import TurnableClock
from tests.harness.people import Person, Refusal, Socket
from tests.harness.servers import Server, until


@pytest.fixture(autouse=True)
def friends_told(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody has more friends than are told by default (0, unless a test gives another number)."""
    monkeypatch.setenv("MIXEE_PRESENCE_FRIENDS_TOLD", str(getattr(request, "param", 0)))


@pytest.fixture
def crowds_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two watchers are a crowd."""
    monkeypatch.setenv("MIXEE_PRESENCE_CROWD_WATCHERS", "1")


async def watch(socket: Socket, *people: Person) -> Any:
    return await socket.ask("presence:watch", {"userIds": [one.id for one in people]})


async def batches(socket: Socket) -> list[list[tuple[str, str]]]:
    """Who was how, in every batch so far."""
    await socket.settle()
    return [[(one["userId"], one["status"]) for one in each["presences"]] for each in socket.events("presence:batch")]


async def interest(server: Server, person: Person) -> dict[str, int]:
    presence: Presence = server.service("presence")
    return await presence._watchers._store.interest(person.id)


async def test_r33_watchers_on_another_server_hear_in_one_batch_of_all_who_changed(
    server: Server, cluster: Cluster, people: People
) -> None:
    other = await cluster()
    ada, bob, cleo, eve = await people("ada", "bob", "cleo", "eve")
    for friend in (ada, cleo):
        await befriend(bob, friend)
    bobs = await arrive(bob.at(other))
    await freeze(other)
    answer = await watch(bobs, cleo, ada, eve)

    for person in (ada, cleo, eve):
        await arrive(person)
    assert await batches(bobs) == []
    await other.service("presence").tick()

    assert [(one["userId"], one["status"]) for one in answer["presences"]] == [
        (cleo.id, "offline"),
        (ada.id, "offline"),
        (eve.id, "offline"),
    ]
    assert (answer["watched"], answer["total"]) == ([cleo.id, ada.id], 2)
    assert await batches(bobs) == [sorted([(ada.id, "online"), (cleo.id, "online")])]
    assert await statuses(bobs) == []
    await other.service("presence").tick()
    assert len(await batches(bobs)) == 1


async def test_equal_news_for_many_watchers_are_one_publication_and_none_without_watchers(
    server: Server, people: People, clock: TurnableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, *others = await people("ada", "bob", "cleo", "dan")
    for person in others:
        await befriend(ada, person)
    await freeze(server)
    presence: Presence = server.service("presence")
    publish, told = presence._teller._publish, list[Event[Any]]()

    async def listen(event: Event[Any]) -> None:
        told.append(event)
        await publish(event)

    monkeypatch.setattr(presence._teller, "_publish", listen)
    sockets = [await arrive(person) for person in others]
    await arrive(ada)
    assert [key async for key in server.app.redis.scan_iter(match=f"{presence._live.keys.news('*')}")] == []
    await presence.tick()
    assert told == []

    for socket in sockets:
        await watch(socket, ada)
    await arrive(ada, device="second")
    await ada.ask("PUT", "/api/presence/status", {"status": "busy"})
    told.clear()
    await pass_time(clock, server, seconds=11)
    await presence.tick()

    (batch,) = told
    assert isinstance(batch, PresenceBatch)
    assert isinstance(batch.to, Passing)
    assert sorted(batch.to.ids) == sorted(one.id for one in others)
    assert [await batches(socket) for socket in sockets] == [[[(ada.id, "busy")]]] * 3


@pytest.mark.parametrize("friends_told", [1], indirect=True)
async def test_a_friend_who_is_told_by_default_is_not_told_again_for_watching(
    server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs = await arrive(bob)
    await watch(bobs, ada)

    await arrive(ada)
    await pass_time(clock, server, seconds=1)

    assert await statuses(bobs) == ["online"]
    assert await batches(bobs) == []


async def test_nobody_hears_of_whom_he_watches_no_longer(server: Server, people: People, clock: TurnableClock) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    for friend in (ada, cleo):
        await befriend(bob, friend)
    bobs = await arrive(bob)
    await watch(bobs, ada, cleo)
    assert await interest(server, ada) == {server.app.node: 1}

    left = await bobs.ask("presence:unwatch", {"userIds": [ada.id]})
    for person in (ada, cleo):
        await arrive(person)
    await pass_time(clock, server, seconds=1)

    assert left["total"] == 1
    assert await batches(bobs) == [[(cleo.id, "online")]]
    assert await interest(server, ada) == {}
    assert (await bobs.ask("presence:unwatch", {}))["total"] == 0
    assert await interest(server, cleo) == {}


async def test_watching_ends_with_the_last_connection_of_the_device(server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    first, second, phone = await arrive(bob, "laptop"), await arrive(bob, "laptop"), await arrive(bob, "phone")
    await watch(first, ada)
    await watch(phone, ada)
    watchers = server.service("presence")._watchers

    await hang_up(server, bob, first)
    assert len(watchers._watched) == 2
    await hang_up(server, bob, second)
    await until(lambda: len(watchers._watched) == 1)
    assert await interest(server, ada) == {server.app.node: 1}
    await hang_up(server, bob, phone)

    async def nobody() -> bool:
        return await interest(server, ada) == {}

    await until(nobody)
    assert (watchers._watched, watchers._watching) == ({}, {})


async def test_a_device_that_ends_while_it_begins_to_watch_leaves_nothing_behind(
    server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    await freeze(server)
    presence: Presence = server.service("presence")
    bobs = await arrive(bob)
    actor = next(iter(server.app.hub.connections.all())).actor
    await hang_up(server, bob, bobs)
    await presence.watch(actor, [ada.id])
    assert await interest(server, ada) == {server.app.node: 1}

    for _ in range(watching.LOOKS + 1):
        await pass_time(clock, server, seconds=0)

    assert await interest(server, ada) == {}
    assert presence._watchers._watched == {}


async def test_r33_a_device_watches_so_many_and_no_more(
    server: Server, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "MAX_WATCHED", 2)
    bob, *others = await people("bob", "ada", "cleo", "dan")
    for person in others:
        await befriend(bob, person)
    bobs = await arrive(bob)
    await watch(bobs, others[0])

    with pytest.raises(Refusal) as refusal:
        await watch(bobs, others[1], others[2])
    answer = await watch(bobs, others[0], others[1])
    with pytest.raises(Refusal) as too_long:
        await bobs.ask("presence:watch", {"userIds": [new_id() for _ in range(201)]})

    assert refusal.value.code == "presence.too_many_watched"
    assert answer["total"] == 2
    assert await interest(server, others[2]) == {}
    assert too_long.value.code == "bad_request"


@pytest.mark.parametrize("what", ["she hides", "she hides from him", "he hides", "she blocks him", "no friends"])
async def test_r34_whether_a_watcher_may_know_is_decided_when_it_is_told(
    server: Server, people: People, clock: TurnableClock, what: str
) -> None:
    ada, bob = await people("ada", "bob")
    friendship = await befriend(ada, bob)
    bobs = await arrive(bob)
    await watch(bobs, ada)
    await arrive(ada)
    await pass_time(clock, server, seconds=11)
    assert await batches(bobs) == [[(ada.id, "online")]]

    if what == "she hides":
        await ada.ask("PUT", "/api/users/me/privacy", {"showOnlineStatus": False})
    elif what == "he hides":
        await bob.ask("PUT", "/api/users/me/privacy", {"showOnlineStatus": False})
    elif what == "she hides from him":
        await ada.ask("PUT", f"/api/friends/{friendship}", {"allows": {"canSeeOnlineStatus": False}})
    elif what == "she blocks him":
        await block(ada, bob)
    else:
        await ada.ask("DELETE", f"/api/friends/{friendship}")
    await server.app.relay.settle()
    await ada.ask("PUT", "/api/presence/status", {"status": "busy"})
    await pass_time(clock, server, seconds=11)

    assert await batches(bobs) == [[(ada.id, "online")]]
    if what != "he hides":
        assert [(one["userId"], one["status"]) for one in bobs.events("presence:updated")] == [(ada.id, "offline")]
    assert (await presence_of(bob, ada))["status"] == "offline"


async def test_the_place_goes_only_to_watchers_who_may_know_it(
    server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    city = {"city": "Cape Town", "region": "Western Cape", "country": "South Africa"}
    await ada.ask("PUT", "/api/users/me", {"location": {**city, "coordinates": [-33.92, 18.42]}})
    await befriend(ada, bob)
    to_cleo = await befriend(ada, cleo)
    await ada.ask("PUT", f"/api/friends/{to_cleo}", {"allows": {"canSeeLocation": False}})
    sockets = [await arrive(bob), await arrive(cleo)]
    for socket in sockets:
        await watch(socket, ada)

    await arrive(ada)
    await pass_time(clock, server, seconds=1)

    told = [(await socket.next("presence:batch"))["presences"] for socket in sockets]
    assert [one["location"] for (one,) in told] == [{"city": "Cape Town", "country": "South Africa"}, None]


@pytest.mark.usefixtures("crowds_of_two")
async def test_a_crowd_of_watchers_hears_once_a_minute_and_the_last_state_wins(
    server: Server, cluster: Cluster, people: People, clock: TurnableClock
) -> None:
    other = await cluster()
    ada, bob, cleo = await people("ada", "bob", "cleo")
    for friend in (bob, cleo):
        await befriend(ada, friend)
    sockets = [await arrive(bob), await arrive(cleo.at(other))]
    for one in (server, other):
        await freeze(one)
    clock.advance(seconds=61 - clock.now().second)
    for socket in sockets:
        await watch(socket, ada)

    await arrive(ada)
    await pass_time(clock, server, other, seconds=12)
    await ada.ask("PUT", "/api/presence/status", {"status": "busy"})
    await pass_time(clock, server, other, seconds=12)
    assert [await batches(socket) for socket in sockets] == [[], []]
    await pass_time(clock, server, other, seconds=36)
    await pass_time(clock, server, other, seconds=20)

    assert [await batches(socket) for socket in sockets] == [[[(ada.id, "busy")]]] * 2


async def test_the_interest_of_a_server_that_died_is_forgotten(
    server: Server, cluster: Cluster, people: People, clock: TurnableClock
) -> None:
    dying = await cluster()
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    await watch(await arrive(bob.at(dying)), ada)
    assert await interest(server, ada) == {dying.app.node: 1}
    await pass_time(clock, server, seconds=16)

    await freeze(dying)
    await server.app.redis.delete(server.service("presence")._live.keys.lease(dying.app.node))
    await pass_time(clock, server, seconds=6)

    assert await interest(server, ada) == {}


async def test_a_server_that_stops_forgets_its_interest(server: Server, cluster: Cluster, people: People) -> None:
    leaving = await cluster()
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    await watch(await arrive(bob.at(leaving)), ada)

    await leaving.service("presence").stop()

    assert await interest(server, ada) == {}


async def test_what_redis_lost_of_watching_is_written_again(
    server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs = await arrive(bob)
    await watch(bobs, ada)

    await lose_everything(server)
    await pass_time(clock, server, seconds=6)
    assert await interest(server, ada) == {server.app.node: 1}
    await arrive(ada)
    await pass_time(clock, server, seconds=1)

    assert await batches(bobs) == [[(ada.id, "online")]]


async def test_a_snapshot_names_the_friends_who_are_here_whenever_it_is_asked_for(
    server: Server, people: People
) -> None:
    ada, bob, cleo, eve = await people("ada", "bob", "cleo", "eve")
    for friend in (ada, cleo):
        await befriend(bob, friend)
    bobs = await arrive(bob)
    for person in (ada, eve):
        await arrive(person)
    await watch(bobs, ada, cleo, eve)

    snapshot = await bobs.ask("presence:snapshot", {})

    assert [(one["userId"], one["status"]) for one in snapshot["presences"]] == [(ada.id, "online")]
