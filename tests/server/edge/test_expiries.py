"""Tokens run out in their order, and only those that still count."""

from datetime import UTC, datetime, timedelta

from server.edge.expiries import SLACK, Expiries

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def due(expiries: Expiries, minutes: float) -> list[str]:
    """The connections whose time has come by then."""
    found: list[str] = []
    expiries.due(NOON + timedelta(minutes=minutes), found.append)
    return found


def given(**minutes: float) -> Expiries:
    expiries = Expiries()
    for name, after in minutes.items():
        expiries.set(name, NOON + timedelta(minutes=after))
    return expiries


def test_each_is_due_once_from_its_moment_on_the_earliest_first() -> None:
    expiries = given(late=9, early=1, middle=5)

    assert due(expiries, 0.9) == []
    assert due(expiries, 5) == ["early", "middle"]
    assert due(expiries, 8) == []
    assert due(expiries, 9) == ["late"]
    assert (len(expiries), expiries.entries) == (0, 0)


def test_a_renewed_one_is_due_at_its_new_moment_alone() -> None:
    expiries = given(ada=1)

    expiries.set("ada", NOON + timedelta(minutes=7))

    assert due(expiries, 6) == []
    assert due(expiries, 7) == ["ada"]


def test_one_that_has_ended_is_never_due() -> None:
    expiries = given(ada=1, bob=1)

    expiries.drop("ada")
    expiries.drop("nobody")

    assert due(expiries, 2) == ["bob"]


def test_what_is_out_of_date_is_swept_out_when_there_is_too_much_of_it() -> None:
    expiries = given(stays=1)

    for number in range(10_000):
        expiries.set(f"c{number}", NOON + timedelta(minutes=15))
        expiries.drop(f"c{number}")
        assert expiries.entries <= 2 * len(expiries) + SLACK + 2

    assert due(expiries, 60) == ["stays"]
