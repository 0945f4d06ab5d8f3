"""The short chaos runs: real servers under load, every kind of fault a few times, and no promise broken."""

import os
from pathlib import Path

import pytest

from storage.mongo import Mongo
from tests.chaos.harness import Place
from tests.chaos.hooked import POINTS
from tests.chaos.scenarios import kills, leak, links, presence, redis, resumes, rolling, slow, soak, storm
from tests.harness.servers import MONGODB, REDIS

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]


@pytest.fixture
def place(mongo: Mongo, database: str, tmp_path: Path) -> Place:
    """The tests' own servers, and an empty database."""
    return Place(folder=tmp_path, storage=(os.environ[MONGODB], os.environ[REDIS]), database=database)


async def test_killed_servers_lose_and_repeat_and_reorder_nothing(place: Place) -> None:
    outcome = await kills.play(kills.SHORT, place)

    assert outcome.clean, outcome.text()
    assert outcome.faults == dict.fromkeys((*POINTS, "anywhere"), 1)
    assert outcome.acked >= kills.SHORT.plan.messages
    assert outcome.report is not None
    assert outcome.report.counts["node kills"] == 4
    assert outcome.report.counts["reconnects"] > kills.SHORT.plan.users
    assert outcome.report.counts["membership changes"] > 0


async def test_a_redis_that_dies_hangs_and_forgets_costs_no_message(place: Place) -> None:
    outcome = await redis.play(redis.SHORT, place)

    assert outcome.clean, outcome.text()
    assert outcome.faults == {
        "redis kill": 3,
        "redis freeze": 3,
        "redis flush": 3,
        "redis cut of subscribers": 3,
        "redis overflow of subscribers": 3,
    }
    assert outcome.acked >= redis.SHORT.plan.messages


async def test_links_that_break_in_every_way_cost_no_message(place: Place) -> None:
    outcome = await links.play(links.SHORT, place)

    assert outcome.clean, outcome.text()
    assert outcome.faults == {f"link {name}": 2 for name in ("reset", "black hole", "delay", "starve", "split")}
    assert outcome.acked >= links.SHORT.plan.messages


async def test_rolling_restarts_cost_no_message(place: Place) -> None:
    outcome = await rolling.play(rolling.SHORT, place)

    assert outcome.clean, outcome.text()
    assert outcome.faults == {"rolling restart": 2}
    assert outcome.acked >= rolling.SHORT.plan.messages
    assert outcome.report is not None
    assert outcome.report.counts["node stops"] == 4


async def test_the_clients_of_a_dead_server_return_to_the_others_and_miss_nothing(place: Place) -> None:
    outcome = await storm.play(storm.SHORT, place)

    assert outcome.clean, outcome.text()
    assert outcome.faults == {"kill with all clients": 1}
    assert outcome.figures["clients"] == "300"
    assert outcome.acked > 0


async def test_clients_that_lose_their_connection_together_come_back_without_a_question(place: Place) -> None:
    outcome = await resumes.play(resumes.SHORT, place)

    assert outcome.clean, outcome.text()
    assert outcome.faults == {"connection reset": 100}
    assert outcome.acked > 0


async def test_readers_that_stall_are_let_go_and_harm_nobody(place: Place) -> None:
    outcome = await slow.play(slow.SHORT, place)

    assert outcome.clean, outcome.text()
    assert outcome.faults == {"stalled reader": 10}
    assert outcome.figures["clients"] == "60"


async def test_friends_see_who_is_here_when_servers_die_and_devices_flap(place: Place) -> None:
    outcome = await presence.play(presence.SHORT, place)

    assert outcome.clean, outcome.text()
    assert outcome.faults == {"kill": 2, "flap": 60}


async def test_aborted_connections_leave_nothing_behind(place: Place) -> None:
    outcome = await leak.play(leak.SHORT, place)

    assert outcome.clean, outcome.text()
    assert sum(outcome.faults.values()) == leak.SHORT.cycles
    assert outcome.faults["abort: ready"] == leak.SHORT.cycles // 2


async def test_nothing_grows_under_mixed_load(place: Place) -> None:
    outcome = await soak.play(soak.SHORT, place)

    assert outcome.clean, outcome.text()
    assert outcome.acked >= soak.SHORT.plan.messages
