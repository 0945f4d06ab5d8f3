"""The fields of an account, and what does not fit them."""

from typing import Any

import pytest

from handlers.users.interests import INTERESTS
from handlers.users.models import AvatarChange, CoverChange, NewReport, ProfileChange, Search, Suggesting
from handlers.users.names import normal_email, search_words, words_of
from handlers.users.privacy import PrivacyChange
from server.edge.dispatch import parse
from server.errors import Invalid
from server.models import Input

PLACE = {"city": "Cape Town", "region": "Western Cape", "country": "South Africa"}
SOMEBODY = "01999999-0000-7000-8000-000000000001"
FAMILY = "👨‍👩‍👧"

REFUSED: list[tuple[type[Input], dict[str, Any], str]] = [
    (ProfileChange, {"displayName": ""}, "displayName"),
    (ProfileChange, {"displayName": "  "}, "displayName"),
    (ProfileChange, {"displayName": "\u202egnihtemos"}, "displayName"),
    (ProfileChange, {"bio": "x" * 501}, "bio"),
    (ProfileChange, {"bio": FAMILY * 501}, "bio"),
    (ProfileChange, {"bio": 7}, "bio"),
    (ProfileChange, {"birthDate": "1998-02-30"}, "birthDate"),
    (ProfileChange, {"birthDate": "17.5.1998"}, "birthDate"),
    (ProfileChange, {"birthDate": "1998-05-17T00:00:00Z"}, "birthDate"),
    (ProfileChange, {"birthDate": "١٩٩٨-٠٥-١٧"}, "birthDate"),
    (ProfileChange, {"gender": "Male"}, "gender"),
    (ProfileChange, {"interests": ["no-such-thing"]}, "interests"),
    (ProfileChange, {"interests": ["travel", "travel"]}, "interests"),
    (ProfileChange, {"interests": "travel"}, "interests"),
    (ProfileChange, {"languages": ["xx"]}, "languages.0"),
    (ProfileChange, {"languages": ["EN"]}, "languages.0"),
    (ProfileChange, {"languages": ["en", "en"]}, "languages"),
    (ProfileChange, {"languages": ["en"] * 11}, "languages"),
    (ProfileChange, {"location": {**PLACE, "coordinates": [18.4]}}, "location.coordinates"),
    (ProfileChange, {"location": {**PLACE, "coordinates": [0, 181]}}, "location.coordinates"),
    (ProfileChange, {"location": {**PLACE, "timezone": "Cape Town"}}, "location.timezone"),
    (ProfileChange, {"location": {**PLACE, "street": "Long Street"}}, "location.street"),
    (ProfileChange, {"accountType": "business"}, "accountType"),
    (ProfileChange, {"verificationStatus": "verified"}, "verificationStatus"),
    (ProfileChange, {"role": "admin"}, "role"),
    (ProfileChange, {"email": "ada@example.com"}, "email"),
    (ProfileChange, {"friendsCount": 1000}, "friendsCount"),
    (PrivacyChange, {"profileVisibility": "everyone"}, "profileVisibility"),
    (PrivacyChange, {"searchable": "true"}, "searchable"),
    (PrivacyChange, {"everything": True}, "everything"),
    (AvatarChange, {}, "avatar"),
    (AvatarChange, {"avatar": "http://example.com/a.jpg"}, "avatar"),
    (AvatarChange, {"avatar": "//example.com/a.jpg"}, "avatar"),
    (AvatarChange, {"avatar": "https://"}, "avatar"),
    (AvatarChange, {"avatar": "https://user:word@example.com/a.jpg"}, "avatar"),
    (AvatarChange, {"avatar": "https://example.com/a b.jpg"}, "avatar"),
    (AvatarChange, {"avatar": 'https://example.com/"onload="x'}, "avatar"),
    (AvatarChange, {"avatar": "https://[::1/a.jpg"}, "avatar"),
    (AvatarChange, {"avatar": "javascript:alert(1)"}, "avatar"),
    (AvatarChange, {"avatar": "data:image/png;base64,AAAA"}, "avatar"),
    (AvatarChange, {"avatar": "https://example.com/" + "a" * 2048}, "avatar"),
    (CoverChange, {"coverImage": "ftp://example.com/a.jpg"}, "coverImage"),
    (Search, {"q": ""}, "q"),
    (Search, {"q": "x" * 101}, "q"),
    (Search, {"location": [91.0, 0.0]}, "location"),
    (Search, {"location": [0.0, 0.0], "radius": 0.0}, "radius"),
    (Search, {"location": [0.0, 0.0], "radius": 501.0}, "radius"),
    (Search, {"location": [0.0, 0.0], "radius": float("nan")}, "radius"),
    (Search, {"q": "a", "limit": 0}, "limit"),
    (Search, {"q": "a", "limit": 51}, "limit"),
    (Search, {}, "(all)"),
    (Search, {"q": "a", "radius": 5.0}, "(all)"),
    (Suggesting, {"type": "everybody"}, "type"),
    (NewReport, {"userId": SOMEBODY, "reason": "boring"}, "reason"),
    (NewReport, {"userId": "me", "reason": "spam"}, "userId"),
    (NewReport, {"userId": SOMEBODY, "reason": "spam", "details": "x" * 1001}, "details"),
]


@pytest.mark.parametrize(("model", "given", "field"), REFUSED)
def test_what_does_not_fit_is_refused_by_its_name(model: type[Input], given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(model, given)

    assert [detail["field"] for detail in refused.value.details or []] == [field]


@pytest.mark.parametrize("name", ["displayName", "interests", "languages", "accountType"])
def test_what_everybody_has_cannot_be_cleared(name: str) -> None:
    with pytest.raises(Invalid, match=f"{name} cannot be cleared"):
        parse(ProfileChange, {name: None})


@pytest.mark.parametrize("bio", ["", "x" * 500, FAMILY * 500, "e\u0301" * 500, "🇿🇦" * 500])
def test_a_bio_is_as_long_as_its_reader_counts(bio: str) -> None:
    change = parse(ProfileChange, {"bio": bio})

    assert isinstance(change, ProfileChange)
    assert change.bio == bio


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        (" ada@example.com ", "ada@example.com"),
        ("ada+list@example.com", "ada+list@example.com"),
        ("ada@xn--bcher-kva.example.com", "ada@bücher.example.com"),
        ("ada@BÜCHER.example.com", "ada@bücher.example.com"),
    ],
)
def test_an_email_has_one_form(typed: str, normal: str) -> None:
    assert normal_email(typed) == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "a b@example.com",
        "ada@example",
        "ada@localhost",
        "ada@[127.0.0.1]",
        "a@b@c.com",
    ],
)
def test_what_is_no_email_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an e-mail address"):
        normal_email(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Sarah Johnson", ["sarah", "johnson"]),
        ("sarah_ct.99", ["sarah", "ct", "99"]),
        ("ÉLODIE Çelik-Straße", ["elodie", "celik", "strasse"]),
        ("İbrahim", ["ibrahim"]),
        ("王小明", ["王小明"]),
        ("हिन्दी", ["हिनदी"]),
        ("sarah Sarah SARAH", ["sarah"]),
        ("🌅 ☕ $.^*", []),
    ],
)
def test_names_are_compared_by_their_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_a_person_is_found_by_the_words_of_both_names() -> None:
    assert search_words("sarah_ct", "Sarah Johnson") == ["sarah", "ct", "johnson"]


def test_there_are_more_than_twenty_categories_of_interests_and_every_id_is_unique() -> None:
    assert len({one.category for one in INTERESTS}) == 30
    assert len({one.id for one in INTERESTS}) == len(INTERESTS) == 79
    assert all(one.icon_url.startswith("data:image/svg+xml,") for one in INTERESTS)
    assert {one.category for one in INTERESTS} == {one.id for one in INTERESTS if one.subcategory is None}
