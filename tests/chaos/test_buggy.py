"""Seeded bugs in the real server: the checker catches every one of them in a short run."""

import dataclasses
import os
from pathlib import Path

import pytest

from storage.mongo import Mongo
from tests.chaos.buggy import BUGS
from tests.chaos.findings import NAMES
from tests.chaos.harness import run
from tests.chaos.plan import Plan
from tests.harness.servers import MONGODB, REDIS

SMALL = Plan(
    messages=1_200,
    kills=1,
    users=10,
    conversations=3,
    members=6,
    rate=600.0,
    cuts=0.05,
    twice=0.05,
    changes=5.0,
    rest=3.0,
)
"""Few conversations, so that both nodes write to the same ones at the same time."""


QUICK = ("settled-when-numbered", "no-deduplication", "read-off-by-one", "members-cached-for-ever")
"""Those that run with the suite: blatant ones of each kind. `make chaos` runs the others."""

CASES = [pytest.param(name, marks=() if name in QUICK else pytest.mark.chaos_full) for name in BUGS]


@pytest.mark.chaos
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", CASES)
async def test_a_bug_in_the_real_server_is_caught(name: str, mongo: Mongo, database: str, tmp_path: Path) -> None:
    bug = BUGS[name]
    assert bug.shows <= set(NAMES)
    messages = 600 if name in QUICK else SMALL.messages
    plan = dataclasses.replace(SMALL, messages=messages, program=("-m", "tests.chaos.buggy", name))

    report = await run(plan, tmp_path, storage=(os.environ[MONGODB], os.environ[REDIS]), database=database)

    assert set(report.found) & bug.shows, f"{bug.about}\n{report.table()}"
    await mongo.ping()
