"""Telling moderators that something is wrong with somebody."""

import asyncio

import pytest

from storage.mongo import Mongo
from tests.conftest import Cluster, People
from tests.handlers.users.helpers import block
from tests.harness.people import Door, Refusal

NOBODY = "01999999-0000-7000-8000-000000000001"


async def test_a_report_is_kept_for_the_moderators(people: People, door: Door, mongo: Mongo) -> None:
    ada, bob = await people("ada", "bob")

    report = await door(ada, "users.report", {"userId": bob.id, "reason": "spam", "details": "Sells hats"})

    assert set(report) == {"id", "userId", "reason", "status", "createdAt"}
    assert (report["userId"], report["reason"], report["status"]) == (bob.id, "spam", "open")
    (kept,) = await mongo.collection("user_reports").find({}, limit=10)
    assert (kept["_id"], kept["reporterId"], kept["details"]) == (report["id"], ada.id, "Sells hats")


async def test_reporting_somebody_again_returns_the_first_report(people: People, door: Door, mongo: Mongo) -> None:
    ada, bob, cyd = await people("ada", "bob", "cyd")
    first = await door(ada, "users.report", {"userId": bob.id, "reason": "spam"})

    again = await asyncio.gather(
        *(ada.ask("POST", f"/api/users/{bob.id}/report", {"reason": "hate"}) for _ in range(5))
    )
    other = await door(cyd, "users.report", {"userId": bob.id, "reason": "hate"})

    assert again == [first] * 5
    assert other["id"] != first["id"]
    assert await mongo.collection("user_reports").count({}) == 2


async def test_whom_one_cannot_see_one_cannot_report(people: People, door: Door, mongo: Mongo) -> None:
    ada, bob = await people("ada", "bob")
    await block(bob, ada)

    for who in (bob.id, NOBODY):
        with pytest.raises(Refusal) as refused:
            await door(ada, "users.report", {"userId": who, "reason": "spam"})
        assert refused.value.code == "users.not_found"
    assert await mongo.collection("user_reports").count({}) == 0


async def test_whom_one_has_blocked_one_may_report(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    await block(ada, bob)

    report = await door(ada, "users.report", {"userId": bob.id, "reason": "harassment"})

    assert report["userId"] == bob.id


async def test_nobody_reports_himself(people: People, door: Door) -> None:
    (ada,) = await people("ada")

    with pytest.raises(Refusal) as refused:
        await door(ada, "users.report", {"userId": ada.id, "reason": "other"})

    assert refused.value.code == "users.not_yourself"


async def test_twenty_reports_a_day_are_enough(cluster: Cluster, people: People) -> None:
    strict = await cluster(limits="on")
    ada, bob = await people("ada", "bob")
    here = ada.at(strict)

    statuses = [(await here.http("POST", f"/api/users/{bob.id}/report", {"reason": "spam"}))[0] for _ in range(21)]

    assert statuses == [201] * 20 + [429]
