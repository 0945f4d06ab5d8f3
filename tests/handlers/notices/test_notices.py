"""The list of what happened: told at once, joined, counted, read on all devices."""

import asyncio
from typing import Any

import pytest

from handlers.notices.models import Happening, Subject
from handlers.notices.service import Notices
from tests.conftest import PASSWORD, Cluster, People
from tests.handlers.contacts.helpers import sync, verify
from tests.handlers.notices.helpers import group, notices, said, settled, wish
from tests.handlers.social.helpers import ask, befriend, block
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Person, Refusal
from tests.harness.servers import Server, until


def happening(person: Person, event: str, actor: str | None = None, **more: str) -> Happening:
    return Happening(
        event_id=event,
        user_id=person.id,
        kind="group_added",
        key=more.get("key", event),
        actor=actor,
        subject=Subject(name=more.get("name")),
    )


async def test_a_request_and_its_acceptance_are_told_to_the_other_one(
    server: Server, cluster: Cluster, people: People
) -> None:
    ada, bob = await people("ada", "bob")
    far = await bob.at(await cluster()).socket()

    friendship = await befriend(ada, bob)
    await settled(server)

    news = await far.next("notice:new")
    assert (said([news["notice"]]), news["unread"], news["silent"]) == ([("friend_request", 1, ["ada"])], 1, False)
    assert news["notice"]["subject"]["friendshipId"] == friendship
    assert said(await notices(bob)) == [("friend_request", 1, ["ada"])]
    assert said(await notices(ada)) == [("friend_accepted", 1, ["bob"])]


async def test_whoever_is_added_to_a_group_is_told_and_nobody_else(server: Server, people: People) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")

    conversation = await group(ada, bob)
    await ada.ask("POST", f"/api/conversations/{conversation}/participants", {"userIds": [cleo.id]})
    await ada.ask("POST", "/api/conversations", {"type": "direct", "participantIds": [bob.id]})
    await settled(server)

    assert [said(await notices(one)) for one in (ada, bob, cleo)] == [
        [],
        [("group_added", 1, ["ada"])],
        [("group_added", 1, ["ada"])],
    ]
    (notice,) = await notices(cleo)
    assert (notice["subject"]["conversationId"], notice["subject"]["name"]) == (conversation, "Hikers")


async def test_a_sign_in_and_a_contact_who_joins_are_told(server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    await sync(ada, bob, tellMe=True)
    await verify(server, bob)
    await ada.ask("POST", "/api/auth/login", {"username": "ada", "password": PASSWORD, "deviceId": "phone"})
    await settled(server)

    found = await notices(ada)

    assert said(found) == [("sign_in", 1, []), ("contact_found", 1, ["bob"])]
    assert found[0]["subject"]["sessionId"] is not None


async def test_equal_notices_join_until_one_is_read(server: Server, people: People) -> None:
    ada, *others = await people("ada", "bob", "cleo", "dan", "eve", "fay")
    socket = await ada.socket()
    for one in others[:4]:
        await ask(one, ada)
        await settled(server)

    (first,) = await notices(ada)
    assert said([first]) == [("friend_request", 4, ["eve", "dan", "cleo"])]
    assert [one["notice"]["count"] for one in socket.events("notice:new")] == [1, 2, 3, 4]
    assert {(one["notice"]["id"], one["unread"]) for one in socket.events("notice:new")} == {(first["id"], 1)}
    await ada.ask("POST", f"/api/notices/{first['id']}/read")
    await ask(others[4], ada)
    await settled(server)

    assert said(await notices(ada)) == [
        ("friend_request", 1, ["fay"]),
        ("friend_request", 4, ["eve", "dan", "cleo"]),
    ]


async def test_what_joins_comes_to_the_top_and_after_a_day_nothing_joins(
    server: Server, people: People, clock: TurnableClock
) -> None:
    (ada,) = await people("ada")
    service: Notices = server.service("notices")
    for event, key in (("1", "a"), ("2", "b"), ("3", "a")):
        await service.tell(happening(ada, event, key=key, name=key))

    before = [(one["subject"]["name"], one["count"]) for one in await notices(ada)]
    clock.advance(hours=24, seconds=1)
    await service.tell(happening(ada, "4", key="a", name="a"))

    assert before == [("a", 2), ("b", 1)]
    store = server.app.mongo.collection("notices")
    counts = {one["position"]: one["count"] for one in await store.find({"userId": ada.id}, limit=9)}
    assert [counts[key] for key in sorted(counts, reverse=True)] == [1, 2, 1]


async def test_what_is_heard_twice_is_counted_once_also_at_the_same_moment(
    server: Server, cluster: Cluster, people: People
) -> None:
    ada, bob = await people("ada", "bob")
    services: list[Notices] = [one.service("notices") for one in (server, await cluster())]
    twice = [happening(ada, f"event {n}", bob.id, key="same") for n in range(5)] * 2

    await asyncio.gather(*(services[n % 2].tell(one) for n, one in enumerate(twice)))
    await services[0].tell(twice[0])

    assert said(await notices(ada)) == [("group_added", 5, ["bob"])]


async def test_reading_is_told_to_the_other_devices_with_what_is_left(
    door: Door, server: Server, people: People
) -> None:
    ada, bob = await people("ada", "bob")
    service: Notices = server.service("notices")
    for n in range(4):
        await service.tell(happening(ada, str(n), bob.id))
    other = await ada.socket()
    fourth, third, *_ = (await door(ada, "notices.listed"))["notices"]

    assert await door(ada, "notices.read", {"noticeId": fourth["id"]}) == {"unread": 3}
    assert await door(ada, "notices.read", {"noticeId": fourth["id"]}) == {"unread": 3}
    assert [one["id"] for one in (await door(ada, "notices.listed", {"unread": True, "limit": 1}))["notices"]] == [
        third["id"]
    ]
    await service.tell(happening(ada, "late", bob.id))
    assert await door(ada, "notices.read_all", {"upTo": third["position"]}) == {"unread": 1}
    assert await door(ada, "notices.read_all") == {"unread": 0}
    assert await door(ada, "notices.read_all") == {"unread": 0}

    await until(lambda: len(other.events("notice:read")) == 3)
    assert other.events("notice:read") == [
        {"noticeIds": [fourth["id"]], "upTo": None, "unread": 3},
        {"noticeIds": None, "upTo": third["position"], "unread": 1},
        {"noticeIds": None, "upTo": None, "unread": 0},
    ]


async def test_nobody_reads_the_notices_of_another(door: Door, server: Server, people: People) -> None:
    ada, bob = await people("ada", "bob")
    await server.service("notices").tell(happening(ada, "1"))
    (notice,) = await notices(ada)

    with pytest.raises(Refusal) as refusal:
        await door(bob, "notices.read", {"noticeId": notice["id"]})

    assert refusal.value.code == "notices.not_found"
    assert (await door(ada, "notices.listed"))["unread"] == 1
    assert (await door(bob, "notices.listed"))["notices"] == []


async def test_notices_come_in_pages(door: Door, server: Server, people: People) -> None:
    (ada,) = await people("ada")
    for n in range(5):
        await server.service("notices").tell(happening(ada, str(n), name=str(n)))

    pages = []
    cursor: dict[str, Any] = {}
    for _ in range(3):
        page = await door(ada, "notices.listed", {"limit": 2, **cursor})
        pages.append([one["subject"]["name"] for one in page["notices"]])
        cursor = {"cursor": page["nextCursor"]}

    assert pages == [["4", "3"], ["2", "1"], ["0"]]
    assert cursor == {"cursor": None}


async def test_the_oldest_go_when_there_are_too_many_or_ninety_days_are_over(
    cluster: Cluster, people: People, clock: TurnableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIXEE_NOTICES_KEPT", "3")
    (ada,) = await people("ada")
    small = await cluster()
    service: Notices = small.service("notices")
    for n in range(5):
        await service.tell(happening(ada, str(n), name=str(n)))

    assert [one["subject"]["name"] for one in await notices(ada)] == ["4", "3", "2"]
    clock.advance(days=89)
    await service.tell(happening(ada, "new", name="new"))
    clock.advance(days=1, seconds=1)
    await service.expire()

    stored = await small.app.mongo.collection("notices").find({}, limit=9)
    assert [one["subject"]["name"] for one in stored] == ["new"]


async def test_a_block_takes_each_out_of_the_notices_of_the_other(server: Server, people: People) -> None:
    ada, bob, cleo = await people("ada", "bob", "cleo")
    for one in (bob, cleo):
        await ask(one, ada)
        await settled(server)
    await server.service("notices").tell(happening(ada, "1", bob.id))
    socket = await ada.socket()

    await block(ada, bob)
    await until(lambda: socket.events("notice:read"))

    assert said(await notices(ada)) == [("friend_request", 1, ["cleo"])]
    assert socket.events("notice:read") == [{"noticeIds": [], "upTo": None, "unread": 1}]
    await server.service("notices").tell(happening(ada, "late", bob.id))
    assert said(await notices(ada)) == [("friend_request", 1, ["cleo"])]


async def test_of_an_erased_person_nothing_is_left(server: Server, people: People, clock: TurnableClock) -> None:
    ada, bob = await people("ada", "bob")
    await befriend(ada, bob)
    await wish(ada, digest="hourly")
    await settled(server)
    await ada.ask("DELETE", "/api/users/me")

    clock.advance(days=31)
    await server.service("users").erase_due()
    await settled(server)

    for name in ("notices", "notice_preferences", "notice_mail"):
        assert ada.id not in str(await server.app.mongo.collection(name).find({}, limit=99)), name
