"""How fast a process lets connections in: all together, from one address, of one device."""

import pytest

from server.edge.admission import Admission, Buckets
from server.errors import RateLimited, Unavailable
from tests.harness.clock import TurnableClock


@pytest.fixture
def still() -> TurnableClock:
    """A clock that only a test moves."""
    return TurnableClock()


def admission(clock: TurnableClock, *, per_second: float = 300, burst: int = 600, on: bool = True) -> Admission:
    return Admission(clock, per_second=per_second, burst=burst, on=on)


def let_in(gate: Admission, most: int) -> int:
    """How many of `most` people, each from an address of his own, are let in before the first is refused."""
    for number in range(most):
        try:
            gate.knock(f"10.0.{number // 250}.{number % 250}")
        except Unavailable:
            return number
    return most


def test_a_process_lets_in_its_burst_and_then_as_many_as_come_back_each_second(still: TurnableClock) -> None:
    gate = admission(still)

    at_once = let_in(gate, 1000)
    still.advance(seconds=1)
    a_second_later = let_in(gate, 1000)
    still.advance(seconds=60)
    much_later = let_in(gate, 1000)

    assert (at_once, a_second_later, much_later) == (600, 300, 600)


def test_who_is_refused_learns_when_to_come_again(still: TurnableClock) -> None:
    gate = admission(still, per_second=4, burst=1)
    gate.knock("10.0.0.1")

    with pytest.raises(Unavailable) as refused:
        gate.knock("10.0.0.2")
    still.advance(milliseconds=250)
    gate.knock("10.0.0.2")

    assert (refused.value.code, refused.value.retry_after_ms) == ("unavailable", 250)


def test_an_address_connects_sixty_times_and_then_once_a_second(still: TurnableClock) -> None:
    gate = admission(still)
    for _ in range(60):
        gate.knock("10.0.0.1")

    with pytest.raises(RateLimited) as refused:
        gate.knock("10.0.0.1")
    gate.knock("10.0.0.2")
    still.advance(seconds=1)
    gate.knock("10.0.0.1")

    assert refused.value.retry_after_ms == 1000


def test_an_address_that_is_refused_takes_nothing_from_the_others(still: TurnableClock) -> None:
    gate = admission(still, per_second=1, burst=61)
    for _ in range(60):
        gate.knock("10.0.0.1")

    for _ in range(100):
        with pytest.raises(RateLimited):
            gate.knock("10.0.0.1")

    gate.knock("10.0.0.2")


def test_a_device_connects_ten_times_and_then_every_six_seconds(still: TurnableClock) -> None:
    gate = admission(still)
    for _ in range(10):
        gate.recognise("ada", "phone")

    with pytest.raises(RateLimited) as refused:
        gate.recognise("ada", "phone")
    gate.recognise("ada", "desk")
    gate.recognise("bob", "phone")
    still.advance(seconds=6)
    gate.recognise("ada", "phone")

    assert refused.value.retry_after_ms == 6000


def test_without_limits_everybody_is_let_in(still: TurnableClock) -> None:
    gate = admission(still, burst=1, on=False)

    for _ in range(1000):
        gate.knock("10.0.0.1")
        gate.recognise("ada", "phone")


def test_no_more_keys_are_known_than_the_bound_and_the_quietest_is_forgotten(still: TurnableClock) -> None:
    buckets = Buckets(1, most=3)
    for key in ("a", "b", "c", "a", "d"):
        buckets.take(key, 0.0)

    assert len(buckets) == 3
    assert buckets.take("a", 0.0) == 60.0
    assert buckets.take("b", 0.0) == 0.0
