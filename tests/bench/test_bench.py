"""Every benchmark runs from its start to its report, with tiny numbers. How fast it is, is no matter here."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bench.__main__ import ALL
from bench.lab import Lab, Options
from bench.report import Goal, Report, Table, write
from bench.running import run
from bench.samples import Samples
from bench.websocket import bounds, text
from tests.harness.servers import MONGODB, REDIS


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    """A lab on the tests' MongoDB and Redis, with stock python-socketio as the only peer."""
    storage = os.environ[MONGODB], os.environ[REDIS]
    tiny = Options(seconds=0.1, rounds=1, quick=True, without=frozenset({"node", "floor", "ejabberd"}), storage=storage)
    async with Lab(tiny) as one:
        yield one


async def test_every_benchmark_measures_mixee(lab: Lab) -> None:
    affinity = os.sched_getaffinity(0)

    reports = [await run(bench, lab) for bench in ALL.values()]

    assert [report.name for report in reports] == list(ALL)
    for report in reports:
        assert all("Mixee" in table.text() or "second server" in table.text() for table in report.tables)
        assert report.goals
    assert os.sched_getaffinity(0) == affinity


def test_a_section_takes_the_place_of_the_one_before_and_leaves_the_others(tmp_path: Path) -> None:
    results = tmp_path / "RESULTS.md"
    table = Table(["server", "µs"], [["Mixee", "1.0"]])
    write(Report("fanout", "Fan-out", [table]), ["on a Monday"], results)
    write(Report("idle", "Idle", [table]), ["on a Tuesday"], results)

    write(Report("fanout", "Fan-out again", [table], notes=["faster"]), ["on a Friday"], results)

    text = results.read_text(encoding="utf-8")
    assert "on a Monday" not in text
    assert text.index("on a Friday") < text.index("on a Tuesday")
    assert "- faster" in text
    assert "| Mixee | 1.0 |" in text


def test_a_ratio_compares_what_was_measured_in_the_same_round() -> None:
    samples = Samples()
    for mine, theirs in ((1.0, 2.0), (10.0, 10.0), (3.0, 4.0)):
        samples.add("Mixee", "cost", mine)
        samples.add("Node", "cost", theirs)

    ratio = samples.ratio("Mixee", "Node", "cost")

    assert ratio == 0.75
    assert samples.ratio("Mixee", "stock", "cost") is None
    assert samples.of("Mixee", "cost") == 3.0


@pytest.mark.parametrize(("value", "most", "said"), [(0.6, True, "yes"), (0.61, True, "NO"), (0.59, False, "NO")])
def test_a_goal_says_whether_it_is_reached(value: float, most: bool, said: str) -> None:
    goal = Goal("CPU", value, 0.6, "× Node", most=most)

    assert goal.row[-1] == said


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_frame_is_found_whole_or_not_at_all(size: int) -> None:
    masked = text(b"x" * size)
    head = len(masked) - size - 4
    frame = bytes((masked[0], masked[1] & 0x7F)) + masked[2:head] + b"x" * size

    assert bounds(frame, 0) == (head, head + size)
    assert bounds(b"??" + frame, 2) == (head + 2, head + 2 + size)
    assert bounds(frame[:-1], 0) is None
