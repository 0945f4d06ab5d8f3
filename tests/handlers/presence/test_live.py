"""The steps that Redis takes for presence: what is news, when, and for whom."""

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from handlers.presence.models import Device
from handlers.presence.store import Keys, LiveStore
from storage.redis import Redis

QUIET = 10_000
GRACE = 10_000


@pytest.fixture
async def live(redis: Redis) -> AsyncIterator[LiveStore]:
    keys = Keys(f"test:{secrets.token_hex(6)}")
    yield LiveStore(redis, keys=keys, node="node-1", refill_ms=10_000)
    await redis.delete(*[key async for key in redis.scan_iter(match=f"{keys.prefix}:*")])


def device(connection: str = "c1", state: Any = "online") -> Device:
    return Device("node-1", connection, "phone", "mobile", state, 1)


async def settle(
    live: LiveStore, news: str, now: int, *, mark: str | None = None, after_loss: bool = True, again: int | None = None
) -> str:
    known = (await live.look(["ada"], now=now))["ada"]
    settled = await live.settle(
        "ada",
        mark=known.mark if mark is None else mark,
        news=news,
        now=now,
        quiet=QUIET,
        grace=GRACE,
        after_loss=after_loss,
        again=again,
    )
    return settled.verdict


async def test_news_that_somebody_overtook_are_not_told(live: LiveStore) -> None:
    await live.put("ada", device())
    old = (await live.look(["ada"], now=0))["ada"].mark
    await live.touch("ada")

    assert await settle(live, "busy", 0, mark=old) == "changed"
    assert await settle(live, "online", 0) == "tell"
    assert await settle(live, "online", 0) == "same"


async def test_the_next_news_wait_for_the_quiet_time_and_are_due_then(live: LiveStore) -> None:
    await live.put("ada", device())
    assert await settle(live, "online", 1_000) == "tell"

    assert await settle(live, "away", 5_000) == "later"
    assert await live.take_due(now=10_999, hold=5_000, limit=10) == []
    assert await live.take_due(now=11_000, hold=5_000, limit=10) == ["ada"]
    assert await live.take_due(now=11_000, hold=5_000, limit=10) == []
    assert await settle(live, "away", 11_000) == "tell"
    assert await live.take_due(now=99_000, hold=5_000, limit=10) == []


async def test_whoever_takes_due_people_and_dies_leaves_them_due(live: LiveStore) -> None:
    await live.put("ada", device())
    await settle(live, "online", 0)
    await live.drop("ada", "c1", now=0, grace=GRACE)

    assert await live.take_due(now=10_000, hold=5_000, limit=10) == ["ada"]
    assert await live.take_due(now=15_000, hold=5_000, limit=10) == ["ada"]


async def test_gone_is_news_after_the_grace_period_and_not_when_somebody_is_left(live: LiveStore) -> None:
    await live.put("ada", device("c1"))
    await live.put("ada", device("c2"))
    await settle(live, "online", 0)

    assert await live.drop("ada", "c1", now=20_000, grace=GRACE) == 1
    assert await live.drop("ada", "c2", now=20_000, grace=GRACE) == 0
    assert await settle(live, "offline", 29_999) == "later"
    assert await settle(live, "offline", 30_000) == "tell"


async def test_nobody_hears_that_somebody_is_offline_of_whom_nothing_was_told(live: LiveStore) -> None:
    await live.put("ada", device())

    assert await settle(live, "offline", 0, after_loss=False) == "same"
    await live.drop("ada", "c1", now=0, grace=GRACE)
    assert await settle(live, "offline", 50_000, after_loss=False) == "same"
    assert await settle(live, "offline", 50_000, after_loss=True) == "tell"


async def test_what_was_restored_is_no_news_but_what_happens_then_is(live: LiveStore) -> None:
    assert await live.restore("ada", device())
    assert not await live.restore("ada", device())

    assert await settle(live, "busy", 0) == "same"
    assert await settle(live, "online", QUIET) == "tell"


async def test_a_state_is_set_for_the_device_that_says_it_or_for_all(live: LiveStore) -> None:
    await live.put("ada", device("c1"))
    await live.put("ada", Device("node-1", "c2", "lap|top", "desktop", "online", 2))

    assert await live.set_state("ada", "lap|top", "away", now=7) == 1
    assert await live.set_app("ada", "phone", "background", now=8) == 1
    assert await live.used("ada", "phone", at=9) == 1
    assert await live.used("ada", "phone", at=3) == 1
    assert await live.set_app("ada", "unknown", "background", now=8) == 0
    found = {one.connection: one for one in (await live.look(["ada"], now=0))["ada"].devices}
    assert (found["c1"].state, found["c2"].state) == ("online", "away")
    assert (found["c2"].device_id, found["c2"].since, found["c2"].app) == ("lap|top", 7, "foreground")
    assert (found["c1"].since, found["c1"].app) == (9, "background")
    assert await live.set_state("ada", "unknown", "away", now=9) == 2
    assert await live.set_state("bob", "phone", "away", now=9) == 0


async def test_only_a_node_without_a_lease_is_cleared(live: LiveStore) -> None:
    await live.beat(now=0, lease=60_000, starting=True)
    await live.put("ada", device())

    assert await live.clear("node-1", gone=0, due=0) == (False, [])
    assert len((await live.look(["ada"], now=0))["ada"].devices) == 1
    assert await live.clear("node-1", gone=0, due=0, leaving=True) == (False, ["ada"])
    assert (await live.look(["ada"], now=0))["ada"].devices == []
    assert await live.take_due(now=0, hold=1, limit=10) == ["ada"]


async def test_a_large_node_is_cleared_in_several_steps(live: LiveStore) -> None:
    people = [f"p{number:03}" for number in range(250)]
    for person in people:
        await live.put(person, device())

    gone, more, steps = [], True, 0
    while more:
        more, some = await live.clear("node-1", gone=0, due=0)
        gone += some
        steps += 1

    assert sorted(gone) == people
    assert steps == 3
    assert await live.here(people) == []
