"""The short chaos run: two real servers under load, one or the other killed again and again, and no promise broken."""

import os
from pathlib import Path

import pytest

from storage.mongo import Mongo
from tests.chaos.harness import run
from tests.chaos.plan import SHORT
from tests.harness.servers import MONGODB, REDIS


@pytest.mark.chaos
@pytest.mark.timeout(180)
async def test_killed_servers_lose_and_repeat_and_reorder_nothing(mongo: Mongo, database: str, tmp_path: Path) -> None:
    await mongo.ping()

    report = await run(SHORT, tmp_path, storage=(os.environ[MONGODB], os.environ[REDIS]), database=database)

    assert report.clean, report.table()
    assert report.counts["acked"] >= SHORT.messages
    assert report.counts["node kills"] == SHORT.kills
    assert report.counts["reconnects"] > SHORT.users
    assert report.counts["membership changes"] > 0
