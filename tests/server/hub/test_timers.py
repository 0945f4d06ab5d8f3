"""Many timers at the price of one."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from server.hub.timers import Timers
from tests.harness.servers import until


class Loop:
    """What Timers asks of the event loop, with a clock that the test turns."""

    def __init__(self) -> None:
        self.now = 100.0
        self.handles: list[tuple[float, Callable[[], None], asyncio.TimerHandle]] = []
        self.made = 0

    def time(self) -> float:
        return self.now

    def call_at(self, at: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        self.made += 1
        handle = asyncio.TimerHandle(at, callback, (), asyncio.get_event_loop())
        self.handles.append((at, callback, handle))
        return handle

    def call_later(self, delay: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        return self.call_at(self.now + delay, callback)

    def turn(self, seconds: float) -> None:
        """Let time pass, and ring what is due."""
        end = self.now + seconds
        while due := [one for one in self.handles if one[0] <= end and not one[2].cancelled()]:
            one = min(due, key=lambda it: it[0])
            self.handles.remove(one)
            self.now = max(self.now, one[0])
            one[1]()
        self.now = end


@pytest.fixture
async def loop() -> Loop:
    """A loop whose clock the test turns."""
    return Loop()


async def test_each_item_is_due_once_a_span_after_it_was_set(loop: Loop) -> None:
    rung: list[tuple[str, float]] = []
    timers: Timers[str] = Timers(10.0, lambda item, at: rung.append((item, at)), loop)

    timers.set("a")
    loop.turn(4)
    timers.set("b")
    loop.turn(5.9)
    assert rung == []
    loop.turn(0.2)
    assert rung == [("a", 110.0)]
    loop.turn(100)

    assert rung == [("a", 110.0), ("b", 114.0)]
    assert len(timers) == 0


async def test_an_item_that_is_set_again_counts_anew_and_one_that_is_dropped_does_not_ring(loop: Loop) -> None:
    rung: list[str] = []
    timers: Timers[str] = Timers(10.0, lambda item, _: rung.append(item), loop)

    timers.set("a")
    timers.set("b")
    loop.turn(9)
    timers.set("a")
    timers.drop("b")
    timers.drop("never set")
    assert ("a" in timers, "b" in timers) == (True, False)
    loop.turn(9)
    assert rung == []
    loop.turn(2)

    assert rung == ["a"]


async def test_an_item_that_is_set_again_does_not_delay_those_behind_it(loop: Loop) -> None:
    rung: list[str] = []
    timers: Timers[str] = Timers(10.0, lambda item, _: rung.append(item), loop)
    timers.set("a")
    timers.set("b")
    loop.turn(9)

    timers.set("a")
    loop.turn(2)

    assert rung == ["b"]


async def test_a_thousand_items_take_one_timer_of_the_loop(loop: Loop) -> None:
    rung: list[int] = []
    timers: Timers[int] = Timers(10.0, lambda item, _: rung.append(item), loop)

    for number in range(1000):
        timers.set(number)
        loop.now += 0.00001

    assert loop.made == 1
    loop.turn(11)
    assert rung == list(range(1000))
    assert loop.made <= 3


async def test_items_that_are_set_while_others_ring_ring_a_span_later(loop: Loop) -> None:
    rung: list[float] = []

    def again(item: str, at: float) -> None:
        rung.append(at)
        timers.set(item, at)

    timers: Timers[str] = Timers(10.0, again, loop)
    timers.set("a")

    loop.turn(35)

    assert rung == [110.0, 120.0, 130.0]


async def test_what_fails_does_not_keep_the_others_from_ringing(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    rung: list[str] = []

    def due(item: str, _: float) -> None:
        if item == "broken":
            raise RuntimeError("this one is broken")
        rung.append(item)

    timers: Timers[str] = Timers(10.0, due, loop)
    for item in ("a", "broken", "b"):
        timers.set(item)

    with caplog.at_level(logging.ERROR):
        loop.turn(11)
        timers.set("c")
        loop.turn(11)

    assert rung == ["a", "b", "c"]
    assert [record.getMessage() for record in caplog.records] == ["a timer failed"]


async def test_nothing_rings_after_the_end(loop: Loop) -> None:
    rung: list[str] = []
    timers: Timers[str] = Timers(10.0, lambda item, _: rung.append(item), loop)
    timers.set("a")

    timers.close()
    loop.turn(100)

    assert (rung, len(timers)) == ([], 0)
    timers.set("b")
    loop.turn(11)
    assert rung == ["b"]


async def test_real_time_rings_too() -> None:
    rung: list[str] = []
    timers: Timers[str] = Timers(0.02, lambda item, _: rung.append(item))

    timers.set("a")
    await until(lambda: rung)

    assert rung == ["a"]
