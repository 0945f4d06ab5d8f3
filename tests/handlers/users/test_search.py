"""Finding people by name and by distance."""

import base64
from typing import Any

import pytest

from handlers.users.service import discovery
from handlers.users.store import accounts as store
from handlers.users.store import around_where, named_where
from storage.mongo import Mongo
from tests.conftest import People
from tests.handlers.users.helpers import CAPE_TOWN, befriend, block, change, found, live, privacy
from tests.harness.people import Door, Refusal
from tests.harness.servers import Server

STELLENBOSCH, JOHANNESBURG = [-33.9321, 18.8602], [-26.2041, 28.0473]


async def test_people_are_found_by_the_beginnings_of_their_names_in_any_order(people: People, door: Door) -> None:
    ada, _, _ = await people("ada", "sarah_ct", "sahara")
    (elodie,) = await people("elodie99")
    await change(elodie, displayName="Élodie Sarraute")

    async def hits(q: str) -> list[str]:
        answer = await door(ada, "users.search", {"q": q})
        return [one["username"] for one in answer["users"]]

    assert await hits("sa") == ["sahara", "sarah_ct", "elodie99"]
    assert await hits("SARAH") == ["sarah_ct"]
    assert await hits("@sarah_ct") == ["sarah_ct"]
    assert await hits("ct sar") == ["sarah_ct"]
    assert await hits("sarr ÉLO") == ["elodie99"]
    assert await hits("elodie") == ["elodie99"]
    assert await hits("arah") == []
    assert await hits("sarah zz") == []
    assert await hits("^s.*") == ["elodie99", "sahara", "sarah_ct"]
    assert await hits("🌅") == []


async def test_the_very_name_comes_first(people: People) -> None:
    ada, *_ = await people("ada", "ann_a", "ann", "anna", "joanna.ann")

    assert await found(ada, q="ann") == ["ann", "ann_a", "anna", "joanna.ann"]


async def test_a_new_name_finds_and_the_old_one_does_not(people: People) -> None:
    ada, bob = await people("ada", "bob")
    await change(bob, displayName="Robert")

    assert await found(ada, q="rob") == ["bob"]
    await change(bob, displayName="Bertie")

    assert await found(ada, q="rob") == []


async def test_a_card_and_no_more_is_shown_of_who_was_found(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    await live(bob, CAPE_TOWN)

    by_name = await door(ada, "users.search", {"q": "bob"})
    by_distance = await door(ada, "users.search", {"location": CAPE_TOWN, "radius": 10.0})

    card = {"id": bob.id, "username": "bob", "displayName": "Bob", "avatar": None, "isVerified": False}
    assert by_name == {"users": [{**card, "withinKm": None}], "nextCursor": None, "hasMore": False}
    assert by_distance == {"users": [{**card, "withinKm": 1}], "nextCursor": None, "hasMore": False}


async def test_who_does_not_want_to_be_found_or_should_not_be_is_not(server: Server, people: People) -> None:
    ada, *others = await people("ada", "x_open", "x_shy", "x_blocked", "x_blocking", "x_leaving", "x_shut")
    _, shy, blocked, blocking, leaving, shut = others
    for person in (ada, *others):
        await change(person, displayName="Xavier")
        await live(person, CAPE_TOWN)
    await privacy(shy, searchable=False)
    await block(ada, blocked)
    await block(blocking, ada)
    await leaving.ask("DELETE", "/api/users/me")
    await server.app.mongo.transact(lambda: server.service("users").suspend(shut.id))

    assert await found(ada, q="xavier") == ["x_open"]
    assert await found(ada, location=CAPE_TOWN, radius=5) == ["x_open"]
    assert await found(ada, q="xavier", location=CAPE_TOWN, radius=5) == ["x_open"]


async def test_a_distance_is_a_field_of_the_profile_and_as_private(people: People) -> None:
    ada, *others = await people("ada", "hidden", "private", "friendly", "stranger")
    hidden, private, friendly, stranger = others
    for person in others:
        await live(person, CAPE_TOWN)
    await befriend(ada, friendly)
    await privacy(hidden, showLocation=False)
    await privacy(private, profileVisibility="private")
    await privacy(friendly, profileVisibility="friends")
    await privacy(stranger, profileVisibility="friends")

    assert await found(ada, location=CAPE_TOWN, radius=5) == ["friendly"]
    assert await found(ada, q="hidden") == ["hidden"]
    assert await found(ada, q="hidden", location=CAPE_TOWN, radius=5) == []
    assert await found(ada, q="stranger", location=CAPE_TOWN, radius=5) == []


async def test_people_come_by_distance_in_steps_and_beyond_the_radius_not_at_all(people: People, door: Door) -> None:
    ada, far, near, middle, _ = await people("ada", "far", "near", "middle", "nowhere")
    await live(far, JOHANNESBURG)
    await live(near, [-33.93, 18.43])
    await live(middle, STELLENBOSCH)

    async def steps(**query: Any) -> list[tuple[str, int]]:
        answer = await door(ada, "users.search", {"location": CAPE_TOWN, **query})
        return [(one["username"], one["withinKm"]) for one in answer["users"]]

    assert await steps(radius=500.0) == [("near", 1), ("middle", 50)]
    assert await steps() == [("near", 1)]
    assert await steps(radius=41.0) == [("near", 1), ("middle", 50)]
    assert await steps(radius=39.0) == [("near", 1)]


async def test_coordinates_go_the_right_way_round(people: People) -> None:
    ada, bob = await people("ada", "bob")
    await live(bob, CAPE_TOWN)

    assert await found(ada, location=CAPE_TOWN, radius=1) == ["bob"]
    assert await found(ada, location=CAPE_TOWN[::-1], radius=500) == []


async def test_two_people_of_one_square_kilometre_cannot_be_told_apart_from_anywhere(people: People) -> None:
    ada, one, other = await people("ada", "one", "other")
    await live(one, [-33.9212, 18.4213])
    await live(other, [-33.9188, 18.4187])

    for step in range(12):
        eye = [-33.9 - step * 0.0037, 18.4 + step * 0.0051]
        for radius in (0.5, 1.3, 2.7):
            assert await found(ada, location=eye, radius=radius) in (["one", "other"], [])


async def test_pages_hold_everybody_once_also_when_somebody_new_comes_between(people: People) -> None:
    ada, *_ = await people("ada", *(f"sam{number:02d}" for number in range(7)))
    names: list[str] = []
    cursor: dict[str, str] = {}

    for page in range(4):
        answer = await ada.ask("GET", "/api/users/search", params={"q": "sam", "limit": "2", **cursor})
        names += [one["username"] for one in answer["users"]]
        assert answer["hasMore"] is (page < 3)
        assert (answer["nextCursor"] is not None) is (page < 3)
        cursor = {"cursor": answer["nextCursor"] or ""}
        if page == 1:
            await people("sam00a", "sam05a")

    assert names == ["sam00", "sam01", "sam02", "sam03", "sam04", "sam05", "sam05a", "sam06"]


async def test_a_cursor_that_no_page_gave_is_refused(people: People, door: Door) -> None:
    (ada,) = await people("ada")
    shapes = [b"", b"{}", b"[1,2]", b"[1,2,3]", b'["a",2,"b"]', b"[1,2,null]", b"[" * 200, b"\xff\xfe"]
    made_up = ["x", "é", "====", *(base64.urlsafe_b64encode(shape).decode().rstrip("=") or "-" for shape in shapes)]

    for cursor in made_up:
        with pytest.raises(Refusal) as refused:
            await door(ada, "users.search", {"q": "ada", "cursor": cursor})
        assert (refused.value.code, refused.value.fields) == ("users.bad_cursor", {"cursor"}), cursor


async def test_in_a_crowd_the_nearest_are_found(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    ada, far, farther, near = await people("ada", "a_far", "a_farther", "z_near")
    for person, place in ((far, [-33.95, 18.5]), (farther, [-34.0, 18.6]), (near, CAPE_TOWN)):
        await live(person, place)
    monkeypatch.setattr(discovery, "MAX_CANDIDATES", 1)

    assert await found(ada, location=CAPE_TOWN, radius=100) == ["z_near"]


@pytest.mark.parametrize(
    ("where", "index"),
    [
        (named_where(["sarah"], None), "words"),
        (named_where(["johnson", "sa"], None), "words"),
        (around_where(CAPE_TOWN, 10), "near"),
        ({**store._FINDABLE, "accountType": "creator"}, "creators"),
        ({**store._FINDABLE, "interests": {"$in": ["travel", "food"]}}, "interests"),
        ({"username": "ada"}, "username"),
        ({"email": "ada@example.com"}, "email"),
        ({"status": "leaving", "eraseAt": {"$lte": 1}}, "erase"),
    ],
)
async def test_every_question_is_served_by_an_index(mongo: Mongo, where: dict[str, Any], index: str) -> None:
    collection = mongo.collection("users")
    await collection.create_indexes(store.USER_INDEXES)

    plan = str((await collection.explain(where))["queryPlanner"]["winningPlan"])

    assert f"'indexName': '{index}'" in plan
    assert "COLLSCAN" not in plan


async def test_a_search_by_name_reads_no_more_than_the_names_that_begin_so(mongo: Mongo) -> None:
    collection = mongo.collection("users")
    await collection.create_indexes(store.USER_INDEXES)
    await collection.insert_many(
        [
            {
                "_id": f"u{number}",
                "nid": number,
                "username": f"u{number}",
                "email": f"u{number}@example.com",
                "status": "active",
                "privacy": {"searchable": number % 2 == 0},
                "words": [f"name{number}"],
            }
            for number in range(2000)
        ]
    )

    plan = await collection.explain(named_where(["name19"], None))

    read = plan["executionStats"]
    assert read["nReturned"] == 55
    assert read["totalDocsExamined"] == 55
    assert read["totalKeysExamined"] <= 57
