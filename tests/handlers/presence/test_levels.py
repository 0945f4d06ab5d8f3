"""Who sees when somebody is here, by level and by lists: asked of every way in which presence is told."""

from typing import Any

import pytest

from handlers.presence.service import Presence
from tests.conftest import Cluster, People
from tests.handlers.presence.helpers import all_heard, arrive, befriend, block, freeze, pass_time, presence_of
from tests.harness.clock import TurnableClock
from tests.harness.people import Person, Refusal, Socket
from tests.harness.servers import Server

VIEWERS = ("close", "friend", "stranger", "chosen", "shunned", "blocked")
LEVELS = {
    "everyone": {"close", "friend", "stranger", "chosen"},
    "friends": {"close", "friend", "chosen"},
    "close": {"close", "chosen"},
    "nobody": {"chosen"},
}


async def privacy(person: Person, **change: Any) -> Any:
    """Somebody changes his settings, and every slice has heard of it."""
    answer = await person.ask("PUT", "/api/users/me/privacy", change)
    await all_heard(person.server)
    return answer


async def open_to_all(*people: Person) -> None:
    """These show it to everybody, so that nothing but the others' settings hides anything from them."""
    for one in people:
        await privacy(one, presenceVisibility="everyone")


async def told(socket: Socket, of: Person) -> list[str]:
    """Every status of somebody that was told over a connection, by itself and in batches."""
    await socket.settle()
    alone = [one["status"] for one in socket.events("presence:updated") if one["userId"] == of.id]
    batches = [one for each in socket.events("presence:batch") for one in each["presences"]]
    return alone + [one["status"] for one in batches if one["userId"] == of.id]


@pytest.mark.parametrize("level", LEVELS)
async def test_r34_each_level_and_each_list_holds_in_every_way_that_presence_is_told(
    server: Server, people: People, clock: TurnableClock, level: str
) -> None:
    sue, *others = await people("sue", *VIEWERS)
    viewers = dict(zip(VIEWERS, others, strict=True))
    for who in ("close", "friend", "shunned", "blocked"):
        friendship = await befriend(sue, viewers[who])
        if who in {"close", "shunned"}:
            await sue.ask("PUT", f"/api/friends/{friendship}", {"relationship": "close_friend"})
    await block(sue, viewers["blocked"])
    await open_to_all(*others)
    lists = {"presenceAlways": [viewers["chosen"].id, viewers["blocked"].id], "presenceNever": [viewers["shunned"].id]}
    await privacy(sue, presenceVisibility=level, **lists)
    await arrive(sue)
    sockets = {who: await arrive(viewer) for who, viewer in viewers.items()}
    watched = {who for who, one in sockets.items() if await watches(one, sue)}
    await pass_time(clock, server, seconds=11)

    await sue.ask("PUT", "/api/presence/status", {"status": "busy"})
    await server.service("presence").tick()

    heard, read, profiles, snapshots = set(), set(), set(), set()
    for who, viewer in viewers.items():
        if await told(sockets[who], sue):
            heard.add(who)
        if (await presence_of(viewer, sue))["lastSeenAt"] is not None:
            read.add(who)
        snapshot = await sockets[who].ask("presence:snapshot")
        snapshots |= {who for one in snapshot["presences"] if one["userId"] == sue.id}
        if who != "blocked":
            profile = await viewer.ask("GET", f"/api/users/{sue.id}")
            profiles |= {who} if profile["lastActiveAt"] is not None else set()
    assert heard == read == profiles == snapshots == watched == LEVELS[level]


async def watches(socket: Socket, person: Person) -> bool:
    answer = await socket.ask("presence:watch", {"userIds": [person.id]})
    return bool(answer["watched"] == [person.id])


async def test_r34_who_hides_from_somebody_does_not_see_him_whatever_he_shows(people: People) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    await arrive(ada), await arrive(bob)

    for change in ({"presenceNever": [bob.id]}, {"presenceNever": [], "presenceVisibility": "close"}):
        await privacy(ada, **change)
        assert (await presence_of(ada, bob))["lastSeenAt"] is None
        assert (await presence_of(bob, ada))["lastSeenAt"] is None
    await privacy(ada, presenceAlways=[bob.id])
    assert (await presence_of(ada, bob))["status"] == (await presence_of(bob, ada))["status"] == "online"


async def test_r34_a_stranger_who_watches_hears_each_state_once_and_that_it_is_hidden(
    server: Server, cluster: Cluster, people: People, clock: TurnableClock
) -> None:
    other = await cluster()
    for one in (server, other):
        await freeze(one)
    ada, bob = await people("ada", "bob")
    await open_to_all(ada, bob)
    await arrive(ada)
    bobs = await arrive(bob.at(other))
    assert await watches(bobs, ada)

    async def pass_on() -> list[str]:
        for one in (server, other):
            await one.service("presence").tick()
        return await told(bobs, ada)

    assert await pass_on() == []
    await pass_time(clock, server, other, seconds=11)
    await ada.ask("PUT", "/api/presence/status", {"status": "busy"})
    assert await pass_on() == ["busy"]
    await privacy(ada, presenceVisibility="friends")
    assert await pass_on() == ["busy", "offline"]
    await pass_time(clock, server, other, seconds=11)
    await ada.ask("PUT", "/api/presence/status", {"status": "online"})
    await privacy(ada, presenceNever=[bob.id])
    assert await pass_on() == ["busy", "offline"]
    await privacy(ada, presenceVisibility="everyone", presenceNever=[])
    assert await pass_on() == ["busy", "offline", "online"]
    await block(ada, bob)
    await all_heard(server)
    assert await pass_on() == ["busy", "offline", "online", "offline"]


async def test_r34_friends_hear_a_change_of_level_at_once_and_only_those_whom_it_concerns(
    server: Server, people: People
) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    await befriend(ada, bob)
    to_cleo = await befriend(ada, cleo)
    await ada.ask("PUT", f"/api/friends/{to_cleo}", {"relationship": "close_friend"})
    await arrive(ada)
    bobs, cleos = await arrive(bob), await arrive(cleo)

    await privacy(ada, presenceVisibility="close")
    assert (await told(bobs, ada), await told(cleos, ada)) == (["offline"], [])
    await ada.ask("PUT", f"/api/friends/{to_cleo}", {"relationship": "work"})
    await all_heard(server)
    assert (await told(bobs, ada), await told(cleos, ada)) == (["offline"], ["offline"])
    await privacy(ada, presenceVisibility="friends")
    assert (await told(bobs, ada), await told(cleos, ada)) == (["offline", "online"], ["offline", "online"])


async def test_r34_the_old_switch_hides_and_brings_back_the_level_that_was(people: People) -> None:
    (ada,) = await people("ada")

    def seen(answer: Any) -> tuple[bool, str]:
        return answer["showOnlineStatus"], answer["presenceVisibility"]

    assert seen(await ada.ask("GET", "/api/users/me/privacy")) == (True, "friends")
    assert seen(await privacy(ada, presenceVisibility="close")) == (True, "close")
    assert seen(await privacy(ada, showOnlineStatus=False)) == (False, "nobody")
    assert seen(await privacy(ada, showOnlineStatus=True)) == (True, "close")
    assert seen(await privacy(ada, presenceVisibility="nobody")) == (False, "nobody")
    assert seen(await privacy(ada, presenceVisibility="everyone")) == (True, "everyone")
    with pytest.raises(Refusal) as refusal:
        await privacy(ada, presenceVisibility="nobody", showOnlineStatus=True)
    assert refusal.value.code == "bad_request"


async def test_r34_nobody_is_in_both_lists_and_an_erased_person_in_none(server: Server, people: People) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")

    await privacy(ada, presenceNever=[bob.id, cleo.id, bob.id])
    moved = await privacy(ada, presenceAlways=[bob.id])
    assert (moved["presenceAlways"], moved["presenceNever"]) == ([bob.id], [cleo.id])
    for wrong in ({"presenceAlways": [bob.id], "presenceNever": [bob.id]}, {"presenceNever": [bob.id] * 101}):
        with pytest.raises(Refusal) as refusal:
            await privacy(ada, **wrong)
        assert refusal.value.code == "bad_request"

    await server.service("users")._store.forget_exceptions(bob.id)
    kept = await ada.ask("GET", "/api/users/me/privacy")
    assert (kept["presenceAlways"], kept["presenceNever"]) == ([], [cleo.id])


async def test_the_lists_are_looked_through_by_an_index(server: Server) -> None:
    users = server.app.mongo.collection("users")
    for name in ("presenceAlways", "presenceNever"):
        plan = await users.explain({f"privacy.{name}": "somebody"})
        assert plan["queryPlanner"]["winningPlan"]["inputStage"]["stage"] == "IXSCAN"


async def test_a_number_tells_of_everybody_but_those_who_hide(server: Server, people: People) -> None:
    members = await people("ada", "bob", "cleo", "dan")
    for one, level in zip(members, ("everyone", "friends", "close", "nobody"), strict=True):
        await privacy(one, presenceVisibility=level)
        await arrive(one)

    presence: Presence = server.service("presence")
    found = await presence.online_count("0192f7a4-7c1e-7b6a-9f3e-5d2c8a4b1e60", [one.id for one in members])

    assert found is not None
    assert found.online_count == 3
