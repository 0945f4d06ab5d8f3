"""Servers that run the engine with the notes slice alone."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from storage.mongo import Mongo
from tests.harness import servers
from tests.harness.clock import TurnableClock
from tests.harness.servers import Server
from tests.server.notes import Notes, slice_of

Engine = Callable[..., Awaitable[Server]]


@pytest.fixture
async def engine(mongo: Mongo, database: str, clock: TurnableClock, tmp_path: Path) -> AsyncIterator[Engine]:
    """`await engine()` starts one more server of the notes slice."""
    running: list[Server] = []

    async def start(**given: Any) -> Server:
        slices = given.pop("slices", [slice_of()])
        one = await servers.start(slices, database=database, data_dir=tmp_path, clock=clock, **given)
        running.append(one)
        return one

    yield start
    for one in running:
        await one.stop()
    await mongo.ping()


def notes_of(server: Server) -> Notes:
    """The notes service of a server."""
    service = server.service("notes")
    assert isinstance(service, Notes)
    return service
