"""One's own account: reading and changing it."""

from typing import Any

import pytest

from tests.conftest import People
from tests.handlers.users.helpers import CAPE_TOWN, CITY, change
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Refusal

UNTOUCHED = {
    "nid": 1,
    "username": "ada",
    "email": "ada1@example.com",
    "phone": None,
    "displayName": "Ada",
    "bio": None,
    "avatar": None,
    "coverImage": None,
    "birthDate": None,
    "gender": None,
    "location": None,
    "interests": [],
    "languages": [],
    "friendsCount": 0,
    "followersCount": 0,
    "followingCount": 0,
    "privacy": {
        "profileVisibility": "public",
        "contactPreference": "everyone",
        "searchable": True,
        "searchableByPhone": "mutual",
        "showOnlineStatus": True,
        "presenceVisibility": "friends",
        "presenceAlways": [],
        "presenceNever": [],
        "readReceipts": True,
        "linkPreviews": True,
        "showLocation": True,
    },
    "accountType": "personal",
    "verificationStatus": "none",
    "subscriptionTier": "free",
    "role": "user",
    "emailVerifiedAt": None,
    "phoneVerifiedAt": None,
}
PROFILE: dict[str, Any] = {
    "displayName": "Ada Lovelace",
    "bio": "Poetical science 👩‍💻",
    "birthDate": "1990-12-10",
    "gender": "female",
    "location": {**CITY, "coordinates": CAPE_TOWN, "timezone": "Africa/Johannesburg"},
    "interests": ["technology", "poetry"],
    "languages": ["en", "zu", "nso"],
    "accountType": "creator",
}


async def test_a_new_account_has_every_field_of_the_specification(people: People, door: Door) -> None:
    (ada,) = await people("ada")

    me = await door(ada, "users.me")

    times = {me.pop(name) for name in ("createdAt", "updatedAt", "lastActiveAt")}
    assert me == {"id": ada.id, **UNTOUCHED}
    assert times == {ada.user["createdAt"]}


async def test_a_change_is_there_at_the_next_look_and_left_out_fields_stay(
    people: People, door: Door, clock: TurnableClock
) -> None:
    (ada,) = await people("ada")
    clock.advance(seconds=5)

    changed = await door(ada, "users.update", PROFILE)
    later = await door(ada, "users.update", {"bio": "Only this"})

    assert {name: changed[name] for name in PROFILE} == PROFILE
    assert {name: later[name] for name in PROFILE} == {**PROFILE, "bio": "Only this"}
    assert later == await door(ada, "users.me")
    assert later["updatedAt"] > later["createdAt"] == ada.user["createdAt"]


async def test_null_clears_what_may_be_missing(people: People, door: Door) -> None:
    (ada,) = await people("ada")
    await door(ada, "users.update", PROFILE)

    cleared = await door(ada, "users.update", {"bio": None, "birthDate": None, "gender": None, "location": None})

    assert [cleared[name] for name in ("bio", "birthDate", "gender", "location")] == [None] * 4
    assert cleared["interests"] == ["technology", "poetry"]
    assert await door(ada, "users.me") == cleared


async def test_what_changes_nothing_is_not_told_and_leaves_no_trace(people: People, clock: TurnableClock) -> None:
    (ada,) = await people("ada")
    before = await change(ada, **PROFILE)
    socket = await ada.socket()
    clock.advance(seconds=5)

    assert await change(ada, **PROFILE) == before
    assert await change(ada) == before

    await socket.settle()
    assert socket.events("user:updated") == []


async def test_a_person_is_not_born_in_the_future(people: People, door: Door, clock: TurnableClock) -> None:
    (ada,) = await people("ada")
    tomorrow = clock.now().date().replace(year=clock.now().year + 1).isoformat()

    with pytest.raises(Refusal) as refused:
        await door(ada, "users.update", {"birthDate": tomorrow})

    assert (refused.value.code, refused.value.fields) == ("users.bad_field", {"birthDate"})
    assert (await door(ada, "users.me"))["birthDate"] is None


async def test_pictures_are_set_and_taken_away(people: People, door: Door) -> None:
    (ada,) = await people("ada")
    picture = "https://cdn.example.com/a/ada.jpg?v=1"

    assert (await door(ada, "users.set_avatar", {"avatar": picture}))["avatar"] == picture
    assert (await door(ada, "users.set_cover", {"coverImage": picture}))["coverImage"] == picture
    assert (await door(ada, "users.set_avatar", {"avatar": None}))["avatar"] is None
    with pytest.raises(Refusal) as refused:
        await door(ada, "users.set_cover", {"coverImage": "http://example.com/a.jpg"})

    assert refused.value.fields == {"coverImage"}
    me = await door(ada, "users.me")
    assert (me["avatar"], me["coverImage"]) == (None, picture)


async def test_the_persons_other_devices_hear_of_a_change_and_nobody_else_does(people: People) -> None:
    ada, bob = await people("ada", "bob")
    phone, stranger = await ada.socket("phone"), await bob.socket()

    await change(ada, displayName="Ada Lovelace", bio="Hello")

    assert await phone.next("user:updated") == {
        "user": {
            "id": ada.id,
            "username": "ada",
            "displayName": "Ada Lovelace",
            "avatar": None,
            "isVerified": False,
        },
        "changed": ["bio", "displayName"],
    }
    await stranger.settle()
    assert stranger.events("user:updated") == []


async def test_privacy_settings_are_read_and_changed_one_by_one(people: People, door: Door) -> None:
    (ada,) = await people("ada")
    standard = UNTOUCHED["privacy"]
    assert await door(ada, "users.privacy") == standard

    changed = await door(ada, "users.set_privacy", {"profileVisibility": "friends", "searchable": False})

    assert changed == {**standard, "profileVisibility": "friends", "searchable": False}  # type: ignore[dict-item]  # it is a dict
    assert await door(ada, "users.privacy") == changed
    assert await door(ada, "users.set_privacy", {}) == changed


async def test_interests_can_be_read_before_there_is_an_account(people: People) -> None:
    (ada,) = await people("ada")
    ada.tokens = {"accessToken": ""}

    status, body = await ada.http("GET", "/api/interests")

    assert status == 200
    assert set(body["interests"][0]) == {"id", "category", "subcategory", "name", "description", "iconUrl"}
    assert body["interests"][0]["id"] == "travel"
