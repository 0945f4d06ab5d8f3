"""The driver's wrapper: units of work, and reads that have a bound."""

import pytest

from storage.mongo import Document, DuplicateKeyError, Mongo, current_unit
from storage.numbers import Numbers


async def test_a_unit_commits_everything_or_nothing(mongo: Mongo) -> None:
    things = mongo.collection("things")
    await things.insert({"_id": 0})

    async def fail() -> None:
        await things.insert({"_id": 1})
        await things.insert({"_id": 0})

    with pytest.raises(DuplicateKeyError):
        await mongo.transact(fail)

    assert await things.find({}, limit=10) == [{"_id": 0}]


async def test_what_waits_for_the_commit_runs_after_it_and_not_without_it(mongo: Mongo) -> None:
    things = mongo.collection("things")
    seen: list[list[Document]] = []

    async def look() -> None:
        seen.append(await things.find({}, limit=10))

    async def work(fail: bool) -> None:
        unit = current_unit()
        assert unit is not None
        unit.after_commit(look)
        await things.insert({"_id": 1})
        if fail:
            raise ValueError("no")

    await things.insert({"_id": 0})
    with pytest.raises(ValueError, match="no"):
        await mongo.transact(lambda: work(True))
    await mongo.transact(lambda: work(False))

    assert seen == [[{"_id": 0}, {"_id": 1}]]
    assert current_unit() is None


async def test_a_unit_inside_a_unit_is_the_same_unit(mongo: Mongo) -> None:
    things = mongo.collection("things")

    async def inner() -> None:
        await things.insert({"_id": 1})

    async def outer() -> None:
        await things.insert({"_id": 0})
        await mongo.transact(inner)
        raise ValueError("no")

    await things.insert({"_id": 9})
    with pytest.raises(ValueError, match="no"):
        await mongo.transact(outer)

    assert await things.find({}, limit=10) == [{"_id": 9}]


async def test_a_read_without_a_bound_is_refused(mongo: Mongo) -> None:
    with pytest.raises(ValueError, match="bound"):
        await mongo.collection("things").find({}, limit=0)


async def test_numbers_are_never_given_twice(mongo: Mongo) -> None:
    numbers = Numbers(mongo)

    given = [await numbers.next("users") for _ in range(5)]

    assert given == [1, 2, 3, 4, 5]
    assert await numbers.next("conversations") == 1
