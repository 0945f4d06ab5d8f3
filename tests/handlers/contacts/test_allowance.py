"""How many contacts may be compared, counted in days."""

import pytest

from handlers.contacts.allowance import Bounds, Days, TooMany, charge

BOUNDS = Bounds(window=10, distinct=5_000, per_day=500)


def refusal(days: Days, tags: range, today: int) -> tuple[int, int]:
    with pytest.raises(TooMany) as refused:
        charge(days, tags, today, BOUNDS)
    return refused.value.room, refused.value.on


def test_r52_the_first_day_takes_a_whole_address_book_and_not_one_more() -> None:
    days = charge({}, range(3_000), 100, BOUNDS)
    days = charge(days, range(2_000, 5_000), 100, BOUNDS)

    assert {day: len(tags) for day, tags in days.items()} == {100: 5_000}
    assert refusal(days, range(5_001), 100) == (0, 110)


def test_r52_a_later_day_takes_five_hundred_new_ones() -> None:
    days = charge({}, range(1_000), 100, BOUNDS)

    assert refusal(days, range(1_501), 101) == (500, 102)
    days = charge(days, range(1_500), 101, BOUNDS)
    assert refusal(days, range(1_501), 101) == (0, 102)
    assert len(charge(days, range(2_000), 102, BOUNDS)[102]) == 500


def test_r52_what_was_compared_within_ten_days_costs_nothing() -> None:
    days = charge({}, range(5_000), 100, BOUNDS)

    assert charge(days, range(5_000), 109, BOUNDS) == {100: frozenset(range(5_000)), 109: frozenset()}
    assert refusal(days, range(5_000, 5_001), 109) == (0, 110)


def test_r52_after_ten_days_a_whole_address_book_may_come_again() -> None:
    days = charge({}, range(5_000), 100, BOUNDS)

    assert charge(days, range(5_000, 10_000), 110, BOUNDS) == {110: frozenset(range(5_000, 10_000))}


def test_r52_never_more_than_five_thousand_different_ones_in_any_ten_days() -> None:
    days: Days = charge({}, range(1_000), 100, BOUNDS)
    for step in range(8):
        days = charge(days, range(1_000 + 500 * step, 1_500 + 500 * step), 101 + step, BOUNDS)

    assert sum(len(tags) for tags in days.values()) == 5_000
    assert refusal(days, range(9_000, 9_001), 109) == (0, 110)
    assert len(charge(days, range(9_000, 9_500), 110, BOUNDS)[110]) == 500
