"""The page about the scenarios keeps a row for each, renews it, sums up, and leaves alone what people wrote."""

from collections import Counter

from tests.chaos.paper import NOTES, page
from tests.chaos.scenarios.outcome import Outcome


def _outcome(scenario: str, acked: int) -> Outcome:
    return Outcome(scenario=scenario, seconds=12.4, acked=acked, deliveries=2 * acked, day="2026-11-24")


def _row(text: str, scenario: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {scenario} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_row_says_what_was_done_and_what_came_out() -> None:
    one = _outcome("F2 Redis", 1_234)
    one.faults = Counter({"redis kill": 30, "redis flush": 10})
    one.figures["reconnect p99"] = "1.2 s"

    text = page("", one)

    assert _row(text, "F2 Redis") == [
        "F2 Redis",
        "redis flush 10, redis kill 30",
        "1,234",
        "2,468",
        "0",
        "12",
        "2026-11-24",
        "reconnect p99: 1.2 s",
    ]


def test_a_second_run_renews_its_row_and_leaves_the_others_and_the_notes() -> None:
    text = page("", _outcome("F1 kills", 1_000)) + "\nWritten by hand.\n"
    text = page(text, _outcome("F2 Redis", 10))

    text = page(text, _outcome("F2 Redis", 2_000))

    assert _row(text, "F1 kills")[2] == "1,000"
    assert _row(text, "F2 Redis")[2] == "2,000"
    assert _row(text, r"**together**")[2:6] == ["3,000", "6,000", "0", "24"]
    assert text.endswith(f"{NOTES}\n\nWritten by hand.\n")


def test_what_was_broken_is_named_in_its_row_and_in_the_total() -> None:
    one = _outcome("F1 kills", 1_000)
    one.found = Counter({"lost-write": 2})
    one.broken.append("node-0 did not end in order")

    text = page("", one)

    assert _row(text, "F1 kills")[4] == "lost-write 2, bounds not held 1"
    assert _row(text, r"**together**")[4] == "in 1 scenarios"
