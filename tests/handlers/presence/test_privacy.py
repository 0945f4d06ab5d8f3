"""Who may know that somebody is here: every kind of viewer under every kind of setting."""

from typing import Any

import pytest

from handlers.presence.service import Presence
from tests.conftest import People
from tests.handlers.presence.helpers import arrive, befriend, block, pass_time, presence_of
from tests.handlers.social.helpers import ask
from tests.harness.clock import TurnableClock
from tests.harness.people import Person
from tests.harness.servers import Server

HIDDEN = {"showOnlineStatus": False}
VIEWERS = ("friend", "stranger", "asked", "asking", "blocked", "blocking")
SETTINGS = {
    "nothing special": {"friend"},
    "sue hides from everybody": set(),
    "the viewer hides from everybody": set(),
    "sue hides from this friend": set(),
    "the viewer hides from sue": set(),
    "sue is invisible": set(),
}


async def arrange(setting: str, sue: Person, viewers: dict[str, Person], friendship: str) -> None:
    """Bring a setting about."""
    if setting == "sue hides from everybody":
        await sue.ask("PUT", "/api/users/me/privacy", HIDDEN)
    if setting == "the viewer hides from everybody":
        for viewer in viewers.values():
            await viewer.ask("PUT", "/api/users/me/privacy", HIDDEN)
    if setting == "sue hides from this friend":
        await sue.ask("PUT", f"/api/friends/{friendship}", {"allows": {"canSeeOnlineStatus": False}})
    if setting == "the viewer hides from sue":
        await viewers["friend"].ask("PUT", f"/api/friends/{friendship}", {"allows": {"canSeeOnlineStatus": False}})
    if setting == "sue is invisible":
        await sue.ask("PUT", "/api/presence/status", {"status": "invisible"})


@pytest.mark.parametrize("setting", SETTINGS)
async def test_r34_only_those_who_may_know_learn_that_somebody_is_here(
    server: Server, people: People, setting: str
) -> None:
    sue, *others = await people("sue", *VIEWERS)
    viewers = dict(zip(VIEWERS, others, strict=True))
    friendship = await befriend(sue, viewers["friend"])
    await ask(sue, viewers["asked"])
    await ask(viewers["asking"], sue)
    for who in ("blocked", "blocking"):
        await befriend(sue, viewers[who])
    await block(sue, viewers["blocked"])
    await block(viewers["blocking"], sue)
    await arrange(setting, sue, viewers, friendship)
    await server.app.relay.settle()
    sockets = {who: await arrive(viewer) for who, viewer in viewers.items()}

    await arrive(sue)

    told, read, listed, greeted = set(), set(), set(), set()
    for who, viewer in viewers.items():
        await sockets[who].settle()
        told |= {who for one in sockets[who].events("presence:updated") if one["userId"] == sue.id}
        seen = await presence_of(viewer, sue)
        if seen["status"] != "offline":
            read.add(who)
        elif setting != "sue is invisible":
            assert (seen["lastSeenAt"], seen["currentDevice"], seen["customStatus"]) == (None, None, None)
            assert seen["lastSeen"] == ("long_ago" if who.startswith("block") else "recently")
        friends = (await viewer.ask("GET", "/api/presence/friends"))["presences"]
        listed |= {who for one in friends if one["userId"] == sue.id and one["status"] != "offline"}
        snapshot = await (await viewer.socket()).next("presence:snapshot")
        greeted |= {who for one in snapshot["presences"] if one["userId"] == sue.id}
    expected = SETTINGS[setting]
    assert told == expected
    assert read == expected
    assert listed == expected
    assert greeted == expected


async def updates(person: Any) -> list[tuple[str, str, Any]]:
    await person.settle()
    return [(one["userId"], one["status"], one["lastSeenAt"]) for one in person.events("presence:updated")]


async def test_r34_who_begins_to_hide_goes_offline_for_former_viewers_and_sees_nobody(
    server: Server, people: People
) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    bobs, adas = await arrive(bob), await arrive(ada)
    await bobs.next("presence:updated")

    await ada.ask("PUT", "/api/users/me/privacy", HIDDEN)
    await server.app.relay.settle()

    assert (await updates(bobs))[1:] == [(ada.id, "offline", None)]
    assert (await adas.next("presence:snapshot"))["presences"] == []
    assert (await presence_of(ada, bob))["status"] == "offline"

    await ada.ask("PUT", "/api/users/me/privacy", {"showOnlineStatus": True})
    await server.app.relay.settle()
    assert [one[:2] for one in (await updates(bobs))[2:]] == [(ada.id, "online")]
    assert [one["userId"] for one in (await adas.next("presence:snapshot"))["presences"]] == [bob.id]

    await ada.ask("PUT", "/api/users/me/privacy", {"searchable": False})
    await server.app.relay.settle()
    assert len(await updates(bobs)) == 3


async def test_who_hides_from_one_friend_goes_offline_for_that_one_alone(server: Server, people: People) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    friendship = await befriend(ada, bob)
    await befriend(ada, cleo)
    bobs, cleos, adas = await arrive(bob), await arrive(cleo), await arrive(ada)

    await ada.ask("PUT", f"/api/friends/{friendship}", {"allows": {"canSeeOnlineStatus": False}})
    await server.app.relay.settle()

    assert [one[:2] for one in await updates(bobs)] == [(ada.id, "online"), (ada.id, "offline")]
    assert [one[:2] for one in await updates(cleos)] == [(ada.id, "online")]
    assert [one[:2] for one in await updates(adas)] == [(bob.id, "offline")]

    await ada.ask("PUT", f"/api/friends/{friendship}", {"relationship": "work", "allows": {"canMessage": False}})
    await server.app.relay.settle()
    assert len(await updates(bobs)) == 2


async def test_new_friends_see_each_other_and_former_friends_do_not(
    server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob = await people("ada", "bob")
    adas, bobs = await arrive(ada), await arrive(bob)

    friendship = await befriend(ada, bob)
    assert [one[:2] for one in await updates(adas)] == [(bob.id, "online")]
    assert [one[:2] for one in await updates(bobs)] == [(ada.id, "online")]

    await ada.ask("DELETE", f"/api/friends/{friendship}")
    await server.app.relay.settle()

    assert (await updates(adas))[1:] == [(bob.id, "offline", None)]
    assert (await updates(bobs))[1:] == [(ada.id, "offline", None)]
    await pass_time(clock, server, seconds=11)
    await ada.ask("PUT", "/api/presence/status", {"status": "busy"})
    assert len(await updates(bobs)) == 2


async def test_a_place_is_the_city_and_only_for_friends_who_may_see_it(server: Server, people: People) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    city = {"city": "Cape Town", "region": "Western Cape", "country": "South Africa"}
    await ada.ask("PUT", "/api/users/me", {"location": {**city, "coordinates": [-33.92, 18.42]}})
    to_bob, to_cleo = await befriend(ada, bob), await befriend(ada, cleo)
    await ada.ask("PUT", f"/api/friends/{to_cleo}", {"allows": {"canSeeLocation": False}})
    await bob.ask("PUT", f"/api/friends/{to_bob}", {"allows": {"canSeeLocation": False}})
    bobs, cleos = await arrive(bob), await arrive(cleo)

    await arrive(ada)

    place = {"city": "Cape Town", "country": "South Africa"}
    assert (await bobs.next("presence:updated"))["location"] == place
    assert (await cleos.next("presence:updated"))["location"] is None
    assert (await presence_of(bob, ada))["location"] == (await presence_of(ada, ada))["location"] == place
    assert (await presence_of(cleo, ada))["location"] is None
    for privacy in ({"showLocation": False}, {"showLocation": True, "profileVisibility": "private"}):
        await ada.ask("PUT", "/api/users/me/privacy", privacy)
        assert (await presence_of(bob, ada))["location"] is None


async def test_an_erased_account_leaves_no_presence_behind(server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    await ada.ask("PUT", "/api/presence/status", {"status": "busy"})
    presence: Presence = server.service("presence")

    await presence.forget(ada.id)

    assert await server.app.mongo.collection("presence").count({"_id": ada.id}) == 0
    assert (await presence.of(bob.id, [ada.id]))[ada.id].status == "offline"
