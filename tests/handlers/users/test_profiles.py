"""What others may see of somebody, and what never leaves."""

from typing import Any

import pytest

from tests.conftest import People
from tests.handlers.users.helpers import CAPE_TOWN, CITY, befriend, block, change, privacy
from tests.harness.people import Door, Person, Refusal
from tests.harness.servers import Server

NOBODY = "01999999-0000-7000-8000-000000000001"
SECRETS = {"email", "phone", "birthDate", "gender", "nid", "privacy", "role", "emailVerifiedAt", "phoneVerifiedAt"}


async def refusal(door: Door, viewer: Person, user_id: str) -> dict[str, Any]:
    with pytest.raises(Refusal) as refused:
        await door(viewer, "users.get", {"userId": user_id})
    return {"code": refused.value.code, "message": str(refused.value), "status": refused.value.status}


async def test_a_public_profile_shows_what_it_may_and_no_more(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    await change(
        ada,
        bio="Hello",
        birthDate="1990-12-10",
        gender="female",
        interests=["travel"],
        languages=["en"],
        location={**CITY, "coordinates": CAPE_TOWN, "timezone": "Africa/Johannesburg"},
    )

    profile = await door(bob, "users.get", {"userId": ada.id})

    assert profile == {
        "id": ada.id,
        "username": "ada",
        "displayName": "Ada",
        "avatar": None,
        "isVerified": False,
        "accountType": "personal",
        "isRestricted": False,
        "isFriend": False,
        "bio": "Hello",
        "coverImage": None,
        "location": CITY,
        "interests": ["travel"],
        "languages": ["en"],
        "friendsCount": 0,
        "followersCount": 0,
        "followingCount": 0,
        "lastActiveAt": None,
        "createdAt": ada.user["createdAt"],
    }
    assert SECRETS & set(profile) == set()


@pytest.mark.parametrize(
    ("visibility", "stranger_sees", "friend_sees"),
    [("public", True, True), ("friends", False, True), ("private", False, False)],
)
async def test_the_visibility_of_a_profile_decides_who_sees_more_than_its_card(
    people: People, door: Door, visibility: str, stranger_sees: bool, friend_sees: bool
) -> None:
    ada, friend, stranger = await people("ada", "friend", "stranger")
    await befriend(ada, friend)
    await change(ada, bio="Hello", interests=["travel"], languages=["en"], location=CITY)
    await privacy(ada, profileVisibility=visibility)

    for viewer, sees in ((friend, friend_sees), (stranger, stranger_sees)):
        profile = await door(viewer, "users.get", {"userId": ada.id})

        assert (profile["username"], profile["displayName"]) == ("ada", "Ada")
        assert profile["isRestricted"] is not sees
        assert profile["isFriend"] is (viewer is friend)
        shown = [profile[name] for name in ("bio", "interests", "languages", "location", "friendsCount")]
        assert shown == (["Hello", ["travel"], ["en"], CITY, 1] if sees else [None, [], [], None, None])
        assert (profile["createdAt"] is not None) is sees
    assert (await door(ada, "users.get", {"userId": ada.id}))["bio"] == "Hello"


async def test_a_hidden_place_is_hidden_from_friends_too(people: People, door: Door) -> None:
    ada, friend = await people("ada", "friend")
    await befriend(ada, friend)
    await change(ada, location=CITY)
    await privacy(ada, showLocation=False)

    assert (await door(friend, "users.get", {"userId": ada.id}))["location"] is None
    assert (await ada.ask("GET", "/api/users/me"))["location"]["city"] == "Cape Town"


async def test_only_friends_see_when_somebody_was_active_and_only_if_he_shows_it(people: People, door: Door) -> None:
    ada, friend, stranger = await people("ada", "friend", "stranger")
    await befriend(ada, friend)

    async def seen_by(viewer: Person) -> bool:
        return (await door(viewer, "users.get", {"userId": ada.id}))["lastActiveAt"] is not None

    assert (await seen_by(friend), await seen_by(stranger)) == (True, False)
    await privacy(ada, showOnlineStatus=False)
    assert (await seen_by(friend), await seen_by(stranger)) == (False, False)


async def test_a_block_in_either_direction_looks_like_no_account(people: People, door: Door) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    await block(ada, bob)

    nobody = await refusal(door, bob, NOBODY)

    assert nobody["code"] == "users.not_found"
    assert await refusal(door, bob, ada.id) == nobody
    assert await refusal(door, ada, bob.id) == nobody
    assert (await door(cyd, "users.get", {"userId": ada.id}))["username"] == "ada"


async def test_a_suspended_account_looks_like_none(server: Server, people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")

    await server.app.mongo.transact(lambda: server.service("users").suspend(ada.id))

    assert await refusal(door, bob, ada.id) == await refusal(door, bob, NOBODY)


async def test_an_admin_sees_every_profile_and_still_no_secrets(server: Server, people: People) -> None:
    ada, boss = await people("ada", "boss")
    await change(ada, bio="Hello")
    await privacy(ada, profileVisibility="private")
    await block(ada, boss)
    await server.app.mongo.transact(lambda: server.service("users").change_role(boss.id, "admin"))
    async with boss._session.post(
        f"{server.url}/api/auth/login", json={"username": "boss", "password": "Correct-Horse-7"}
    ) as response:
        boss.tokens = (await response.json())["tokens"]

    profile = await boss.ask("GET", f"/api/users/{ada.id}")

    assert (profile["bio"], profile["isRestricted"]) == ("Hello", False)
    assert SECRETS & set(profile) == set()


async def test_an_id_that_is_none_is_refused_as_such(people: People, door: Door) -> None:
    (ada,) = await people("ada")

    with pytest.raises(Refusal) as refused:
        await door(ada, "users.get", {"userId": "ada"})

    assert (refused.value.code, refused.value.fields) == ("bad_request", {"userId"})
