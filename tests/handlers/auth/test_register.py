"""Making an account."""

import asyncio
import re
from typing import Any

import pytest

from handlers.auth.models import NewAccount
from server.edge.dispatch import parse
from server.errors import Invalid
from storage.mongo import Mongo
from tests.conftest import Cluster
from tests.handlers.auth.conftest import PASSWORD, Post, joining

PLACE = {
    "city": "Cape Town",
    "region": "Western Cape",
    "country": "South Africa",
    "coordinates": [-33.9249, 18.4241],
}
SAMPLE = {
    "email": "sarah@example.com",
    "password": "SecurePass123!",
    "username": "sarah_ct",
    "displayName": "Sarah Johnson",
    "acceptTerms": True,
    "location": PLACE,
}


async def test_the_specifications_sample_is_answered_as_the_specification_says(post: Post) -> None:
    status, answer = await post("register", SAMPLE)

    assert status == 201
    user, tokens = answer.pop("user"), answer.pop("tokens")
    assert answer == {}
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", user.pop("id"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", user.pop("createdAt"))
    assert user == {
        "username": "sarah_ct",
        "email": "sarah@example.com",
        "displayName": "Sarah Johnson",
        "avatar": None,
        "location": {**PLACE, "timezone": None},
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
    }
    assert set(tokens) == {"accessToken", "refreshToken", "expiresIn"}
    assert tokens["expiresIn"] == 3600


async def test_names_are_brought_into_one_form(post: Post) -> None:
    _, answer = await post(
        "register", joining("ada", username="Ada.L_1", email="Ada@EXAMPLE.com", displayName=" A  L ")
    )

    assert answer["user"]["username"] == "ada.l_1"
    assert answer["user"]["email"] == "ada@example.com"
    assert answer["user"]["displayName"] == "A L"


async def test_nothing_but_a_digest_is_kept_of_the_secrets(post: Post, mongo: Mongo) -> None:
    _, answer = await post("register", joining("ada"))

    kept = ""
    for name in ("users", "credentials", "sessions", "proofs", "outbox"):
        kept += str(await mongo.collection(name).find({}, limit=100))
    assert PASSWORD not in kept
    assert answer["tokens"]["refreshToken"].split(".")[2] not in kept
    assert "$argon2id$" in kept


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "x" * 250 + "@example.com"}, "email"),
        ({"username": "ab"}, "username"),
        ({"username": "a" * 31}, "username"),
        ({"username": "ada lovelace"}, "username"),
        ({"username": "ädä"}, "username"),
        ({"displayName": ""}, "displayName"),
        ({"displayName": "   "}, "displayName"),
        ({"displayName": "x" * 101}, "displayName"),
        ({"displayName": "two\nlines"}, "displayName"),
        ({"displayName": "nul\x00"}, "displayName"),
        ({"displayName": "half \ud83d"}, "displayName"),
        ({"password": "Short-7"}, "password"),
        ({"password": "x" * 257}, "password"),
        ({"password": 12345678}, "password"),
        ({"acceptTerms": False}, "acceptTerms"),
        ({"acceptTerms": "true"}, "acceptTerms"),
        ({"phone": "0821234567"}, "phone"),
        ({"location": {"city": "X", "region": "Y"}}, "location.country"),
        ({"location": {**PLACE, "coordinates": [91.0, 0.0]}}, "location.coordinates"),
        ({"location": {**PLACE, "timezone": "Mars/Olympus"}}, "location.timezone"),
        ({"role": "admin"}, "role"),
        ({"deviceId": ""}, "deviceId"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_name(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(NewAccount, {**joining("ada"), **change})

    assert [detail["field"] for detail in refused.value.details or []] == [field]


@pytest.mark.parametrize("missing", ["email", "password", "username", "displayName", "acceptTerms"])
def test_nothing_that_is_needed_may_be_missing(missing: str) -> None:
    body = joining("ada")
    del body[missing]

    with pytest.raises(Invalid) as refused:
        parse(NewAccount, body)

    assert [detail["field"] for detail in refused.value.details or []] == [missing]


async def test_a_refused_registration_names_the_field_and_leaves_nothing(post: Post, mongo: Mongo) -> None:
    own_names = ["lovelace", "LOVELACE", "lovelace@example.com", " Lovelace@Example.com "]
    refused = [
        *((joining("lovelace", password=name), "password", "auth.weak_password") for name in own_names),
        (joining("lovelace", email="nobody"), "email", "bad_request"),
        (joining("lovelace", email="a@b@example.com"), "email", "bad_request"),
        (joining("lovelace", email="a@localhost"), "email", "bad_request"),
        (joining("lovelace", username="!"), "username", "bad_request"),
    ]

    for body, field, code in refused:
        status, answer = await post("register", body)
        assert (status, answer["code"]) == (422, code)
        assert [detail["field"] for detail in answer["details"]] == [field]
    for name in ("users", "credentials", "sessions", "proofs"):
        assert await mongo.collection(name).count({}) == 0, name


async def test_a_username_and_an_email_belong_to_one_account(post: Post) -> None:
    await post("register", joining("ada"))

    by_name = await post("register", joining("bob", username="ADA"))
    by_mail = await post("register", joining("bob", email="ADA@Example.com"))

    assert (by_name[0], by_name[1]["code"]) == (409, "auth.username_taken")
    assert by_name[1]["details"] == [{"field": "username", "message": "is taken"}]
    assert (by_mail[0], by_mail[1]["code"]) == (409, "auth.email_taken")
    assert by_mail[1]["details"] == [{"field": "email", "message": "is taken"}]


async def test_of_many_who_want_one_username_at_once_on_two_servers_exactly_one_gets_it(
    cluster: Cluster, post: Post, mongo: Mongo
) -> None:
    other = await cluster()
    wishes = [joining("ada", email=f"ada{number}@example.com") for number in range(10)]

    answers = await asyncio.gather(
        *(post("register", wish, at=other if number % 2 else None) for number, wish in enumerate(wishes))
    )

    assert sorted(status for status, _ in answers) == [201] + [409] * 9
    assert {answer["code"] for status, answer in answers if status == 409} == {"auth.username_taken"}
    for name in ("users", "credentials", "sessions"):
        assert await mongo.collection(name).count({}) == 1, name


async def test_every_account_gets_a_number_of_its_own(post: Post, mongo: Mongo) -> None:
    await asyncio.gather(*(post("register", joining(f"ada{number}")) for number in range(5)))

    accounts = await mongo.collection("users").find({}, limit=10)
    assert sorted(one["nid"] for one in accounts) == [1, 2, 3, 4, 5]


async def test_of_many_who_want_one_email_at_once_on_two_servers_exactly_one_gets_it(
    cluster: Cluster, post: Post, mongo: Mongo
) -> None:
    other = await cluster()
    wishes = [joining(f"ada{number}", email="ada@example.com") for number in range(10)]

    answers = await asyncio.gather(
        *(post("register", wish, at=other if number % 2 else None) for number, wish in enumerate(wishes))
    )

    assert sorted(status for status, _ in answers) == [201] + [409] * 9
    assert {answer["code"] for status, answer in answers if status == 409} == {"auth.email_taken"}
    assert await mongo.collection("users").count({}) == 1


async def test_coordinates_are_kept_as_geojson_and_come_back_as_they_went(post: Post, mongo: Mongo) -> None:
    _, answer = await post("register", SAMPLE)

    kept = await mongo.collection("users").find_one({"_id": answer["user"]["id"]})
    assert kept is not None
    assert kept["location"]["point"] == {"type": "Point", "coordinates": [18.4241, -33.9249]}
    assert "coordinates" not in kept["location"]
    assert answer["user"]["location"]["coordinates"] == [-33.9249, 18.4241]
