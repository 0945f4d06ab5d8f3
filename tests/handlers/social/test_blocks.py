"""Blocks: stronger than everything, in both directions, and never told."""

import asyncio

from handlers.social.service import Social
from tests.conftest import People
from tests.handlers.social.helpers import ask, befriend, block, friends, friends_count, refused
from tests.harness.people import Door, Person
from tests.harness.servers import Server


async def test_a_block_ends_a_friendship_and_only_the_blocker_knows(door: Door, people: People) -> None:
    ada, bob = await people("ada", "bob")
    friendship = await befriend(ada, bob)
    adas, bobs = await ada.socket(), await bob.socket()

    made = await door(ada, "social.block", {"userId": bob.id, "reason": "spam"})

    assert made == {
        "id": made["id"],
        "blockerId": ada.id,
        "blockedUserId": bob.id,
        "reason": "spam",
        "createdAt": made["createdAt"],
    }
    assert await adas.next("user:blocked") == made
    # Bob hears what he would hear if Ada had removed him.
    assert (await bobs.next("friend:removed"))["id"] == friendship
    await bobs.settle()
    assert bobs.events("user:blocked") == []
    assert await friends(ada) == await friends(bob) == []
    assert (await friends_count(ada), await friends_count(bob)) == (0, 0)


async def test_blocks_are_listed_for_the_blocker_alone(door: Door, people: People) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    await block(ada, bob, reason="spam")
    await block(ada, cleo)

    first = await door(ada, "social.blocks", {"limit": 1})
    second = await door(ada, "social.blocks", {"limit": 1, "cursor": first["nextCursor"]})

    assert [(one["user"]["username"], one["reason"]) for one in first["blocks"]] == [("cleo", None)]
    assert [(one["user"]["username"], one["reason"]) for one in second["blocks"]] == [("bob", "spam")]
    assert second["nextCursor"] is None
    assert (await door(bob, "social.blocks"))["blocks"] == []
    assert [one["user"]["username"] for one in await friends(ada, status="blocked")] == ["cleo", "bob"]
    assert await friends(bob, status="blocked") == []


async def test_blocking_twice_is_blocking_once(door: Door, people: People) -> None:
    ada, bob = await people("ada", "bob")

    first = await door(ada, "social.block", {"userId": bob.id, "reason": "spam"})
    second = await door(ada, "social.block", {"userId": bob.id, "reason": "more spam"})

    assert second == first


async def test_a_block_cancels_requests_in_either_direction(people: People) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    to_bob, from_cleo = await ask(ada, bob), await ask(cleo, ada)
    adas, bobs, cleos = await ada.socket(), await bob.socket(), await cleo.socket()

    await block(ada, bob)
    await block(ada, cleo)

    for person in (ada, bob, cleo):
        assert await friends(person, status="pending") == []
    for person, asked in ((bob, to_bob), (ada, from_cleo)):
        with refused("social.no_friendship"):
            await person.ask("PUT", f"/api/friends/{asked['id']}/accept")
    # To Bob the request was withdrawn. Cleo would learn of the block if her request went away before her eyes.
    for socket, gone in ((adas, [to_bob["id"], from_cleo["id"]]), (bobs, [to_bob["id"]]), (cleos, [])):
        await socket.settle()
        assert [one["id"] for one in socket.events("friend:removed")] == gone


async def test_what_a_block_ended_does_not_come_back_with_its_end(door: Door, people: People) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    await block(ada, bob)
    adas = await ada.socket()

    await door(ada, "social.unblock", {"userId": bob.id})

    assert (await adas.next("user:unblocked"))["blockedUserId"] == bob.id
    assert await friends(ada) == await friends(ada, status="blocked") == []
    assert (await ask(bob, ada))["status"] == "pending"
    with refused("social.not_blocked"):
        await door(ada, "social.unblock", {"userId": bob.id})


async def test_two_who_block_each_other_stay_apart_until_both_let_go(server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    await block(ada, bob)
    await block(bob, ada)
    social: Social = server.service("social")

    await ada.ask("DELETE", f"/api/users/{bob.id}/block")

    assert await social.blocked_between(ada.id, bob.id)
    assert (await social.has_blocked(ada.id, bob.id), await social.has_blocked(bob.id, ada.id)) == (False, True)
    with refused("social.no_such_person"):
        await ask(ada, bob)
    await bob.ask("DELETE", f"/api/users/{ada.id}/block")
    assert not await social.blocked_between(ada.id, bob.id)
    assert (await ask(ada, bob))["status"] == "pending"


async def test_blocks_and_their_ends_at_once_leave_a_pair_that_agrees_with_the_register(
    server: Server, people: People
) -> None:
    pairs = [await people(f"ada{n}", f"bob{n}") for n in range(6)]

    await asyncio.gather(
        *(
            asyncio.gather(
                ada.http("POST", f"/api/users/{bob.id}/block"),
                bob.http("POST", f"/api/users/{ada.id}/block"),
                ada.http("DELETE", f"/api/users/{bob.id}/block"),
                bob.http("POST", f"/api/users/{ada.id}/block"),
            )
            for ada, bob in pairs
        )
    )

    social: Social = server.service("social")
    for ada, bob in pairs:
        for one, other in ((ada, bob), (bob, ada)):
            listed = [entry["blockedUserId"] for entry in (await one.ask("GET", "/api/blocks"))["blocks"]]
            assert listed == ([other.id] if await social.has_blocked(one.id, other.id) else [])
        assert await social.has_blocked(bob.id, ada.id)


async def test_oneself_and_nobody_cannot_be_blocked(door: Door, people: People) -> None:
    (ada,) = await people("ada")

    for code, user_id in (
        ("social.yourself", ada.id),
        ("social.no_such_person", "01890a5d-ac96-774b-bcce-b302099a8057"),
    ):
        with refused(code):
            await door(ada, "social.block", {"userId": user_id})


async def appearances(viewer: Person, other: Person) -> dict[str, bool]:
    """On which surfaces somebody sees another person."""

    async def ids(path: str, *names: str, **params: str) -> set[str]:
        found = await viewer.ask("GET", path, params=params)
        for name in names:
            found = found[name]
        return {one.get("user", one)["id"] for one in found}

    presence = await viewer.ask("GET", "/api/presence", params={"userIds": other.id})
    return {
        "friends": other.id in await ids("/api/friends", "friends"),
        "pending": other.id in await ids("/api/friends", "friends", status="pending"),
        "suggestions": other.id in await ids("/api/friends/suggestions", "suggestions"),
        "contacts": other.id in await ids("/api/contacts/matches", "matches"),
        "search": other.id in await ids("/api/users/search", "users", q=other.name),
        "suggested": other.id in await ids("/api/users/suggested", "users", type="friends"),
        "profile": (await viewer.http("GET", f"/api/users/{other.id}"))[0] == 200,
        "presence": presence["presences"][0]["status"] != "offline",
    }


async def test_a_block_makes_each_vanish_for_the_other_everywhere(server: Server, people: People) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    await befriend(ada, cleo)
    await befriend(cleo, bob)
    for person in (ada, bob):
        await server.service("users").email_verified(person.id, person.user["email"])
    await server.app.relay.settle()
    for one, other in ((ada, bob), (bob, ada)):
        await one.ask("POST", "/api/contacts/sync", {"emails": [other.user["email"]]})
        await one.socket()
    before = [await appearances(one, other) for one, other in ((ada, bob), (bob, ada))]

    await block(ada, bob)

    seen = {name for name, yes in before[0].items() if yes}
    assert before[0] == before[1]
    assert seen == {"suggestions", "contacts", "search", "suggested", "profile"}
    for one, other in ((ada, bob), (bob, ada)):
        assert not any((await appearances(one, other)).values())
