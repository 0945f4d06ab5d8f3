"""Suggesting people one may want to know."""

import pytest

from tests.conftest import People
from tests.handlers.users.helpers import CAPE_TOWN, befriend, block, change, live, privacy
from tests.harness.people import Door


async def test_friends_of_friends_come_first_by_how_many_there_are_in_common(people: People, door: Door) -> None:
    ada, bob, cyd, one, two, alike = await people("ada", "bob", "cyd", "one", "two", "alike")
    for friend in (bob, cyd):
        await befriend(ada, friend)
        await befriend(friend, two)
    await befriend(bob, one)
    await change(ada, interests=["travel", "food"])
    await change(alike, interests=["food", "music"])

    suggested = (await door(ada, "users.suggested", {"type": "friends"}))["users"]

    assert [(who["username"], who["mutualFriends"], who["sharedInterests"]) for who in suggested] == [
        ("two", 2, []),
        ("one", 1, []),
        ("alike", 0, ["food"]),
    ]
    assert set(suggested[0]) == {
        "id",
        "username",
        "displayName",
        "avatar",
        "isVerified",
        "accountType",
        "mutualFriends",
        "sharedInterests",
        "withinKm",
    }


async def test_creators_of_the_same_interests_come_before_the_others(people: People, door: Door) -> None:
    ada, other, same, _ = await people("ada", "other", "same", "nobody")
    await change(ada, interests=["travel"], accountType="creator")
    await change(other, interests=["food"], accountType="creator")
    await change(same, interests=["food", "travel"], accountType="creator")

    suggested = (await door(ada, "users.suggested", {"type": "creators"}))["users"]

    assert [(who["username"], who["sharedInterests"]) for who in suggested] == [("same", ["travel"]), ("other", [])]


async def test_people_nearby_come_by_distance_from_ones_own_place(people: People, door: Door) -> None:
    ada, near, far, _ = await people("ada", "near", "far", "nowhere")
    assert (await door(ada, "users.suggested", {"type": "local"}))["users"] == []
    await live(ada, CAPE_TOWN)
    await live(far, [-34.1, 18.6])
    await live(near, [-33.93, 18.43])

    suggested = (await door(ada, "users.suggested", {"type": "local"}))["users"]

    assert [(who["username"], who["withinKm"]) for who in suggested] == [("near", 1), ("far", 50)]
    assert [
        who["username"] for who in (await door(ada, "users.suggested", {"type": "local", "limit": 1}))["users"]
    ] == ["near"]


@pytest.mark.parametrize("kind", ["friends", "creators", "local"])
async def test_whoever_is_hidden_blocked_or_a_friend_already_is_not_suggested(
    people: People, door: Door, kind: str
) -> None:
    ada, *others = await people("ada", "friend", "blocked", "blocking", "shy", "leaving", "open")
    friend, blocked, blocking, shy, leaving, _ = others
    for person in (ada, *others):
        await change(person, interests=["travel"], accountType="creator")
        await live(person, CAPE_TOWN)
    await befriend(ada, friend)
    await block(ada, blocked)
    await block(blocking, ada)
    await privacy(shy, searchable=False)
    await leaving.ask("DELETE", "/api/users/me")

    suggested = (await door(ada, "users.suggested", {"type": kind}))["users"]

    assert [who["username"] for who in suggested] == ["open"]
