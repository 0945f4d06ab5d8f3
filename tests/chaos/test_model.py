"""The checker accepts a server that keeps the contract, whatever befalls it, and catches every one that does not."""

import pytest

from tests.chaos.checker import check
from tests.chaos.findings import NAMES
from tests.chaos.model.bugs import BUGS, Bug
from tests.chaos.model.world import World

FIRSTS = [0, *(pytest.param(first, marks=pytest.mark.chaos_full) for first in (50, 100, 150))]
"""Where blocks of 50 seeds begin; one block is enough for the suite."""
ATTEMPTS = 60
"""Seeds in which a bug must show itself at least once."""


@pytest.mark.parametrize("first", FIRSTS)
def test_a_server_that_keeps_the_contract_is_found_clean(first: int) -> None:
    for seed in range(first, first + 50):
        world = World(seed)

        report = check(world.run())

        assert report.clean, f"seed {seed}:\n{report.table()}"
        assert world.rested, f"seed {seed} did not come to rest"
        assert report.counts["acked"] > 30, f"seed {seed} hardly did anything"


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_every_seeded_bug_is_caught(bug: type[Bug]) -> None:
    assert bug.shows <= set(NAMES)

    caught = any(set(check(World(seed, bug).run()).found) & bug.shows for seed in range(ATTEMPTS))

    assert caught, f"{bug.__name__} ({bug.__doc__}) showed none of {sorted(bug.shows)} in {ATTEMPTS} seeds"


def test_the_same_seed_plays_the_same_history() -> None:
    first, second, other = World(7).run(), World(7).run(), World(8).run()

    assert first == second
    assert first != other


def test_the_faults_that_the_model_promises_do_happen() -> None:
    totals = {"node kills": 0, "membership changes": 0, "reconnects": 0, "acks of a duplicate": 0, "overlaps": 0}

    for seed in range(20):
        counts = check(World(seed).run()).counts
        for name in totals:
            totals[name] += counts[name]

    assert all(count > 20 for count in totals.values()), totals
