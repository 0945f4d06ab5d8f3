"""The order that a process lets a conversation's entries through in, whatever order they come in."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.hub.frames import Frame
from server.hub.sequencer import MAX_HELD, MAX_HOLE, SLACK_SECONDS, TAIL, Sequencer


def entry(seq: int, conversation: str = "c", at: float = 0.0) -> Frame:
    return Frame(b"%d" % seq, ["ada"], conversation, seq, at=at)


class Watched:
    """A sequencer that writes down what it lets through."""

    def __init__(self, *, hold: float = 0.0, capacity: int = 1000) -> None:
        self.through: list[int] = []
        self.lost: list[tuple[str, Sequence[str]]] = []
        self.late: list[int] = []
        self.asked: list[tuple[int, int]] = []
        self.told: list[int] = []
        """Everything, in its order."""
        self.heads: dict[str, int] = {}
        self.compared: list[list[str]] = []
        self.anybody = True
        self.appended: dict[int, float] = {}
        self.sequencer = Sequencer(
            deliver=self.deliver,
            late=self.tell_late,
            local=lambda _: self.anybody,
            since=lambda: 100.0,
            lost=lambda conversation, users: self.lost.append((conversation, users)),
            hold=hold,
            capacity=capacity,
        )
        self.sequencer.fills(self.read, self.read_heads)

    def deliver(self, frame: Frame) -> bool:
        self.through.append(frame.seq)
        self.told.append(frame.seq)
        return self.anybody

    def tell_late(self, frame: Frame) -> bool:
        self.late.append(frame.seq)
        self.told.append(frame.seq)
        return self.anybody

    async def read_heads(self, conversations: Sequence[str]) -> Mapping[str, int]:
        self.compared.append(list(conversations))
        return {one: self.heads.get(one, 0) for one in conversations}

    async def read(self, conversation: str, first: int, last: int) -> Sequence[Frame]:
        self.asked.append((first, last))
        return [entry(seq, conversation, self.appended.get(seq, 0.0)) for seq in range(first, last + 1)]

    async def rest(self) -> None:
        """Let timers and repairs run until nothing is left to do."""
        for _ in range(10):
            await asyncio.sleep(0)
            await asyncio.sleep(0.001)


async def test_entries_in_order_go_through_at_once() -> None:
    watched = Watched()

    for seq in (1, 2, 3):
        watched.sequencer.push(entry(seq))

    assert watched.through == [1, 2, 3]


async def test_an_entry_that_comes_twice_goes_through_once() -> None:
    watched = Watched()

    for seq in (1, 1, 2, 1, 2):
        watched.sequencer.push(entry(seq))

    assert watched.through == [1, 2]


async def test_an_entry_that_overtakes_another_waits_for_it() -> None:
    watched = Watched(hold=60)
    watched.sequencer.push(entry(1))

    watched.sequencer.push(entry(3))
    before = list(watched.through)
    watched.sequencer.push(entry(2))

    assert before == [1]
    assert watched.through == [1, 2, 3]
    assert watched.asked == []


async def test_a_missing_entry_is_read_from_the_log() -> None:
    watched = Watched()
    watched.sequencer.push(entry(1))

    watched.sequencer.push(entry(4))
    await watched.rest()

    assert watched.told == [1, 2, 3, 4]
    assert watched.late == [2, 3]
    assert watched.asked == [(2, 3)]
    assert watched.sequencer.repairs == 1


async def test_the_first_entry_of_an_unknown_conversation_gives_an_older_one_a_moment() -> None:
    watched = Watched(hold=0.01)

    watched.sequencer.push(entry(6))
    watched.sequencer.push(entry(5))
    await asyncio.sleep(0.02)
    await watched.rest()

    assert watched.through == [5, 6]
    assert watched.late == []


async def test_what_was_appended_just_before_the_first_one_seen_and_never_told_is_told_late() -> None:
    watched = Watched()
    watched.appended = {3: 100.0 - SLACK_SECONDS - 0.1, 4: 100.0 - SLACK_SECONDS, 5: 102.0}

    watched.sequencer.push(entry(6))
    await watched.rest()

    assert (watched.late, watched.through) == ([4, 5], [6])
    assert watched.asked == [(1, 5)]
    assert watched.lost == []


async def test_when_more_than_a_tail_was_missed_the_clients_are_told_to_sync() -> None:
    watched = Watched()
    watched.appended = dict.fromkeys(range(1, 101), 200.0)

    watched.sequencer.push(entry(101))
    await watched.rest()

    assert watched.late == list(range(101 - TAIL, 101))
    assert watched.lost == [("c", ["ada"])]


async def test_an_older_entry_that_comes_while_the_tail_is_read_keeps_its_place() -> None:
    watched = Watched()
    reading, read = asyncio.Event(), asyncio.Event()

    async def slow(conversation: str, first: int, last: int) -> Sequence[Frame]:
        reading.set()
        await read.wait()
        return [entry(seq, conversation, 200.0) for seq in range(first, last + 1)]

    watched.sequencer.fills(slow)
    watched.sequencer.push(entry(6))
    await reading.wait()
    watched.sequencer.push(entry(4))
    read.set()
    await watched.rest()

    assert (watched.late, watched.through) == ([1, 2, 3], [4, 5, 6])
    assert watched.lost == []


async def test_what_was_let_through_before_an_interruption_is_not_told_again() -> None:
    watched = Watched()
    watched.appended = dict.fromkeys(range(1, 10), 200.0)
    for seq in (1, 2, 3):
        watched.sequencer.push(entry(seq))

    watched.sequencer.forget()
    for seq in (3, 6):
        watched.sequencer.push(entry(seq))
    await watched.rest()

    assert (watched.through, watched.late) == ([1, 2, 3, 6], [4, 5])
    assert watched.asked == [(4, 5)]


async def test_giving_up_while_the_tail_is_read_repeats_nothing() -> None:
    watched = Watched()
    reading, read = asyncio.Event(), asyncio.Event()

    async def slow(conversation: str, first: int, last: int) -> Sequence[Frame]:
        reading.set()
        await read.wait()
        return [entry(seq, conversation, 200.0) for seq in range(first, last + 1)]

    watched.sequencer.fills(slow)
    watched.sequencer.push(entry(6))
    await reading.wait()
    for seq in range(8, 8 + MAX_HELD):
        watched.sequencer.push(entry(seq))
    read.set()
    await watched.rest()
    watched.sequencer.push(entry(8 + MAX_HELD))

    assert watched.through == [6, *range(8, 9 + MAX_HELD)]
    assert (watched.late, watched.lost) == ([], [("c", ["ada"])])


async def test_a_conversation_without_anybody_here_costs_no_read() -> None:
    watched = Watched()
    watched.anybody = False

    watched.sequencer.push(entry(6))
    await watched.rest()

    assert (watched.through, watched.asked) == ([6], [])


async def test_when_the_log_cannot_be_read_the_clients_are_told_to_sync() -> None:
    watched = Watched()

    async def broken(conversation: str, first: int, last: int) -> Sequence[Frame]:
        raise ConnectionError("no database")

    watched.sequencer.fills(broken)
    watched.sequencer.push(entry(1))
    watched.sequencer.push(entry(3))
    await watched.rest()

    assert watched.through == [1, 3]
    assert watched.lost == [("c", ["ada"])]


async def test_what_is_held_has_a_bound() -> None:
    watched = Watched(hold=60)
    watched.sequencer.push(entry(1))

    for seq in range(3, 3 + MAX_HELD + 1):
        watched.sequencer.push(entry(seq))

    assert watched.through == [1, *range(3, 3 + MAX_HELD + 1)]
    assert watched.lost == [("c", ["ada"])]


async def test_what_fills_a_hole_goes_only_to_those_who_were_there_when_it_was_appended() -> None:
    watched = Watched()
    watched.sequencer.push(entry(1))

    watched.sequencer.push(entry(3))
    await watched.rest()

    assert (watched.through, watched.late, watched.told) == ([1, 3], [2], [1, 2, 3])


async def test_after_a_long_absence_the_conversation_begins_anew_and_the_hole_is_not_read() -> None:
    watched = Watched()
    watched.sequencer.push(entry(1))
    first = MAX_HOLE + 3

    watched.sequencer.push(entry(first))
    await watched.rest()

    assert watched.asked == [(first - TAIL, first - 1)]
    assert (watched.through, watched.late) == ([1, first], list(range(first - TAIL, first)))
    assert watched.lost == [("c", ["ada"])]


async def test_after_a_long_absence_nobody_who_came_later_is_told_to_sync() -> None:
    watched = Watched()
    watched.sequencer.push(entry(1))
    watched.sequencer._late = lambda _: False  # everybody here is younger than what was missed

    watched.sequencer.push(entry(MAX_HOLE + 3))
    await watched.rest()

    assert (watched.through, watched.lost) == ([1, MAX_HOLE + 3], [])


async def test_a_loss_at_the_end_is_read_when_the_log_is_further() -> None:
    watched = Watched()
    for seq in (1, 2):
        watched.sequencer.push(entry(seq))
    watched.heads = {"c": 5}

    await watched.sequencer.check(["c", "unknown"])
    await watched.rest()

    assert (watched.told, watched.late) == ([1, 2, 3, 4, 5], [3, 4, 5])
    assert (watched.compared, watched.asked) == ([["c"]], [(3, 5)])


async def test_what_comes_while_the_comparison_waits_is_not_read() -> None:
    watched = Watched()
    watched.sequencer.push(entry(1))
    watched.heads = {"c": 2}

    checking = asyncio.create_task(watched.sequencer.check(["c"], patience=0.01))
    await asyncio.sleep(0)
    watched.sequencer.push(entry(2))
    await checking
    await watched.rest()

    assert (watched.told, watched.asked) == ([1, 2], [])


async def test_a_large_loss_at_the_end_is_for_the_clients_to_sync() -> None:
    watched = Watched(hold=60)
    watched.sequencer.push(entry(1))
    head = MAX_HOLE + 2
    watched.sequencer.push(entry(head))
    watched.heads = {"c": head}

    await watched.sequencer.check(["c"])
    await watched.rest()
    watched.sequencer.push(entry(head + 1))

    assert (watched.told, watched.asked) == ([1, head + 1], [(head, head)])
    assert watched.lost == [("c", ["ada"])]


async def test_when_the_heads_cannot_be_read_nothing_changes() -> None:
    watched = Watched()

    async def broken(conversations: Sequence[str]) -> Mapping[str, int]:
        raise ConnectionError("no database")

    watched.sequencer.fills(watched.read, broken)
    watched.sequencer.push(entry(1))

    await watched.sequencer.check(["c"])
    watched.sequencer.push(entry(2))

    assert watched.told == [1, 2]


async def test_a_conversation_is_active_while_somebody_here_was_told_of_it_lately() -> None:
    watched = Watched()
    watched.sequencer.push(entry(1, "one"))
    watched.sequencer.push(entry(1, "two"))
    watched.anybody = False
    watched.sequencer.push(entry(1, "nobody's"))

    active = watched.sequencer.active()
    watched.sequencer.forget()

    assert active == ["two", "one"] == watched.sequencer.active()


async def test_conversations_do_not_wait_for_each_other() -> None:
    watched = Watched(hold=60)
    watched.sequencer.push(entry(1, "one"))
    watched.sequencer.push(entry(3, "one"))

    watched.sequencer.push(entry(1, "two"))

    assert watched.through == [1, 1]


async def test_the_conversations_that_are_remembered_have_a_bound() -> None:
    watched = Watched(capacity=2)

    for name in ("one", "two", "three"):
        watched.sequencer.push(entry(1, name))
    watched.sequencer.push(entry(1, "one"))

    assert watched.through == [1, 1, 1, 1]


@given(st.permutations(list(range(1, 9))), st.sets(st.integers(2, 7), max_size=4), st.lists(st.integers(1, 8)))
@settings(max_examples=60, deadline=None)
def test_whatever_the_order_the_losses_and_the_repeats_every_entry_goes_through_once_and_in_order(
    order: list[int], lost: set[int], repeats: list[int]
) -> None:
    async def story() -> list[int]:
        watched = Watched()
        watched.sequencer.push(entry(1))
        for seq in [*order, *repeats]:
            if seq not in lost:
                watched.sequencer.push(entry(seq))
        await watched.rest()
        await watched.sequencer.close()
        return watched.told

    assert asyncio.run(story()) == list(range(1, 9))


@pytest.mark.parametrize("seq", [0, -1])
async def test_a_position_below_one_never_goes_through(seq: int) -> None:
    watched = Watched()
    watched.sequencer.push(entry(1))

    watched.sequencer.push(entry(seq))

    assert watched.through == [1]
