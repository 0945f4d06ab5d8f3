"""After Redis lost everything: written again over some seconds, never all at once, and nobody is forgotten."""

import random

import pytest

from handlers.presence.service.refill import PER_TURN, Refill
from handlers.presence.store import Unreachable


async def test_people_are_written_again_over_the_whole_span() -> None:
    random.seed(7)
    written: list[str] = []

    async def write(user_id: str) -> None:
        written.append(user_id)

    refill = Refill(write, span=10_000)
    refill.plan((f"p{number}" for number in range(1_000)), now=50_000)
    refill.plan(["p1", "p2"], now=50_000)

    progress = []
    for now in (50_000, 52_500, 55_000, 57_500, 60_000):
        await refill.turn(now=now)
        progress.append(len(written))

    assert progress[0] < 10
    assert [abs(done - expected) < 60 for done, expected in zip(progress[1:], (250, 500, 750, 1_000), strict=True)] == [
        True
    ] * 4
    assert sorted(written) == sorted(f"p{number}" for number in range(1_000))
    assert len(refill) == 0


async def test_one_turn_writes_no_more_than_it_may() -> None:
    written: list[str] = []

    async def write(user_id: str) -> None:
        written.append(user_id)

    refill = Refill(write, span=0)
    refill.plan((f"p{number}" for number in range(1_200)), now=0)

    counts = []
    for _ in range(3):
        await refill.turn(now=0)
        counts.append(len(written))
    assert counts == [PER_TURN, 2 * PER_TURN, 1_200]


async def test_whoever_could_not_be_written_is_tried_again() -> None:
    troubles: list[Exception | None] = [Unreachable("away"), ValueError("odd"), None]

    async def write(_: str) -> None:
        trouble = troubles.pop(0)
        if trouble:
            raise trouble

    refill = Refill(write, span=0)
    refill.plan(["ada"], now=0)

    with pytest.raises(Unreachable):
        await refill.turn(now=0)
    await refill.turn(now=1_000)
    await refill.turn(now=1_999)
    assert (len(refill), len(troubles)) == (1, 1)
    await refill.turn(now=2_000)
    assert len(refill) == 0
