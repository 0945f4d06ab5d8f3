"""Friendships: listed, put into categories, limited, ended, and gone with an account."""

from datetime import timedelta

from handlers.social.service import Social
from handlers.users.service import Users
from tests.conftest import People
from tests.handlers.social.helpers import ask, befriend, friends, friends_count, refused
from tests.harness.clock import TurnableClock
from tests.harness.people import Door
from tests.harness.servers import Server


async def test_a_removed_friend_is_gone_for_both(door: Door, people: People) -> None:
    ada, bob = await people("ada", "bob")
    friendship = await befriend(ada, bob)
    adas, bobs = await ada.socket(), await bob.socket()

    await door(bob, "social.remove", {"friendshipId": friendship})

    for socket, other in ((adas, bob), (bobs, ada)):
        told = await socket.next("friend:removed")
        assert (told["id"], told["status"], told["user"]["id"]) == (friendship, "accepted", other.id)
    assert await friends(ada) == await friends(bob) == []
    assert (await friends_count(ada), await friends_count(bob)) == (0, 0)
    with refused("social.no_friendship"):
        await door(ada, "social.remove", {"friendshipId": friendship})


async def test_each_side_has_a_category_of_its_own_that_the_other_does_not_learn(door: Door, people: People) -> None:
    ada, bob = await people("ada", "bob")
    friendship = await befriend(ada, bob)
    adas, bobs = await ada.socket(), await bob.socket()

    changed = await door(ada, "social.change", {"friendshipId": friendship, "relationship": "family"})
    await door(bob, "social.change", {"friendshipId": friendship, "relationship": "work"})

    assert await adas.next("friend:updated") == changed
    assert changed["relationship"] == "family"
    assert (await bobs.next("friend:updated"))["relationship"] == "work"
    await adas.settle()
    assert len(adas.events("friend:updated")) == 1
    assert [one["relationship"] for one in await friends(ada)] == ["family"]
    assert [one["relationship"] for one in await friends(bob)] == ["work"]


async def test_what_one_allows_is_what_the_other_may(door: Door, people: People) -> None:
    ada, bob = await people("ada", "bob")
    friendship = await befriend(ada, bob)

    await door(
        ada,
        "social.change",
        {"friendshipId": friendship, "allows": {"canMessage": False, "canSeeLocation": False}},
    )

    (adas,), (bobs,) = await friends(ada), await friends(bob)
    assert adas["allows"] == {"canMessage": False, "canSeeOnlineStatus": True, "canSeeLocation": False}
    assert bobs["allows"] == {"canMessage": True, "canSeeOnlineStatus": True, "canSeeLocation": True}
    names = ("canMessage", "canSeeOnlineStatus", "canSeeLocation")
    assert [adas[name] for name in names] == [True, True, True]
    assert [bobs[name] for name in names] == [False, True, False]


async def test_only_friends_are_put_into_categories(door: Door, people: People) -> None:
    ada, bob = await people("ada", "bob")
    asked = await ask(ada, bob)

    with refused("social.not_friends"):
        await door(ada, "social.change", {"friendshipId": asked["id"], "relationship": "work"})

    assert [one["relationship"] for one in await friends(ada, status="pending")] == ["friend"]


async def test_friends_come_in_pages_the_newest_first(door: Door, people: People) -> None:
    ada, *others = await people("ada", *(f"bob{n}" for n in range(5)))
    made = [await befriend(ada, one) if n % 2 else await befriend(one, ada) for n, one in enumerate(others)]

    first = await door(ada, "social.friends", {"limit": 2})
    second = await door(ada, "social.friends", {"limit": 2, "cursor": first["nextCursor"]})
    third = await door(ada, "social.friends", {"limit": 2, "cursor": second["nextCursor"]})

    pages = [[one["id"] for one in page["friends"]] for page in (first, second, third)]
    assert pages == [[made[4], made[3]], [made[2], made[1]], [made[0]]]
    assert third["nextCursor"] is None


async def test_common_friends_are_counted(server: Server, people: People) -> None:
    ada, bob, cleo, dan, eve = await people("ada", "bob", "cleo", "dan", "eve")
    for one, other in ((ada, cleo), (ada, dan), (bob, cleo), (dan, bob), (ada, bob), (cleo, eve), (cleo, dan)):
        await befriend(one, other)
    social: Social = server.service("social")

    counts = await social.mutual_counts(ada.id, [bob.id, cleo.id, dan.id, eve.id])

    assert counts == {bob.id: 2, cleo.id: 2, dan.id: 2, eve.id: 1}
    shown = {one["user"]["id"]: one["mutualFriends"] for one in await friends(ada)}
    assert shown == {bob.id: 2, cleo.id: 2, dan.id: 2}


async def test_an_erased_person_is_taken_out_of_all_friendships(
    server: Server, people: People, clock: TurnableClock
) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    await befriend(ada, bob)
    await ask(cleo, ada)
    await ada.ask("POST", f"/api/users/{cleo.id}/block")
    users: Users = server.service("users")
    await ada.ask("DELETE", "/api/users/me")
    clock.advance(seconds=timedelta(days=31).total_seconds())

    assert await users.erase_due() == 1
    await server.app.relay.settle()

    social: Social = server.service("social")
    assert await social.friend_ids(bob.id) == []
    account = await users.account(bob.id)
    assert account is not None
    assert account.friends_count == 0
    mongo = server.app.mongo
    for name in ("friendships", "blocks"):
        assert await mongo.collection(name).count({}) == 0, name
