"""The tests' own servers (one mongod and one redis-server for the whole run) and the fixtures that use them."""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from server import assembly
from storage.mongo import Mongo
from storage.redis import Redis, connect
from tests.harness import redis_cluster as redis_clusters
from tests.harness import servers, swifts
from tests.harness.clock import TurnableClock
from tests.harness.databases import Databases
from tests.harness.people import Door, Person
from tests.harness.redis_cluster import RedisCluster, RedisProcess
from tests.harness.servers import MONGODB, REDIS, Server
from tests.harness.swifts import Swift

_storage: dict[str, Any] = {}

_databases = Databases()

PASSWORD = "Correct-Horse-7"
ROOM = 4 << 30
"""Bytes that must be free in memory before the test servers keep their data there."""


def pytest_configure(config: pytest.Config) -> None:
    """Start MongoDB and Redis once; test processes of xdist inherit their addresses."""
    os.environ.setdefault("MIXEE_AUTH_ARGON2_MEMORY_KIB", "19456")  # the cheapest that is allowed: people sign in a lot
    os.environ.setdefault("MIXEE_AUTH_ARGON2_PASSES", "2")
    if MONGODB in os.environ or hasattr(config, "workerinput") or config.option.collectonly:
        return
    from storage.embedded import Embedded  # noqa: PLC0415 - outside servers may be given instead

    memory = Path("/dev/shm")  # a disk's fsync would cost more than what is tested
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > ROOM
    folder = Path(tempfile.mkdtemp(prefix="mixee-tests-", dir=memory if roomy else None))
    loop = asyncio.new_event_loop()
    embedded = loop.run_until_complete(Embedded.start(folder))
    _storage.update(loop=loop, embedded=embedded, folder=folder)
    os.environ[MONGODB] = str(embedded.mongodb_url)
    os.environ[REDIS] = str(embedded.redis_url)


def pytest_unconfigure() -> None:
    """Stop what was started."""
    if _storage:
        _storage["loop"].run_until_complete(_storage["embedded"].stop())
        _storage["loop"].close()
        shutil.rmtree(_storage["folder"], ignore_errors=True)
        os.environ.pop(MONGODB, None)
        os.environ.pop(REDIS, None)
        _storage.clear()


@pytest.fixture
async def database(redis: Redis) -> AsyncIterator[str]:
    """The name of an empty database that nobody else uses."""
    from run import CORE  # noqa: PLC0415 - tests of single parts must not need every slice

    name = _databases.take()
    yield name
    await _databases.give_back(name, keep=assembly.indexes(CORE), redis=redis)


@pytest.fixture
async def mongo(database: str) -> AsyncIterator[Mongo]:
    """An empty database on a real mongod."""
    one = Mongo(os.environ[MONGODB], database)
    yield one
    await one.close()


@pytest.fixture
async def redis() -> AsyncIterator[Redis]:
    """A client of the real redis-server; keys are shared with other tests, so name them after the database."""
    one = connect(os.environ[REDIS])
    yield one
    await one.aclose()


@pytest.fixture(scope="session")
async def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RedisCluster]:
    """A Redis Cluster of three primaries; a test that moves slots moves them back."""
    async with redis_clusters.redis_cluster(tmp_path_factory.mktemp("redis-cluster")) as found:
        yield found


@pytest.fixture(scope="session")
async def swift(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Swift]:
    """An S3 service with a bucket `mixee`; objects are shared with other tests, so give them a prefix."""
    async with swifts.swift(tmp_path_factory.mktemp("swift")) as found:
        yield found


@pytest.fixture
async def redis_process(tmp_path: Path) -> AsyncIterator[RedisProcess]:
    """A redis-server of the test's own, which it may kill and stop."""
    async with redis_clusters.redis_process(tmp_path / "redis") as found:
        yield found


@pytest.fixture
def clock() -> TurnableClock:
    """A clock that runs with real time and can be turned forward."""
    return TurnableClock(running=True)


Cluster = Callable[..., Awaitable[Server]]


@pytest.fixture
async def cluster(mongo: Mongo, database: str, clock: TurnableClock, tmp_path: Path) -> AsyncIterator[Cluster]:
    """`await cluster()` starts one more server of all slices on the test's database."""
    from run import CORE  # noqa: PLC0415 - tests of single parts must not need every slice

    running: list[Server] = []

    async def start(**settings: Any) -> Server:
        slices = settings.pop("slices", CORE)
        one = await servers.start(slices, database=database, data_dir=tmp_path, clock=clock, **settings)
        running.append(one)
        return one

    yield start
    for one in running:
        await one.stop()
    await mongo.ping()


@pytest.fixture
async def server(cluster: Cluster) -> Server:
    """One running server of all slices."""
    return await cluster()


People = Callable[..., Awaitable[list[Person]]]


@pytest.fixture
async def people(server: Server) -> AsyncIterator[People]:
    """`ada, bob = await people("ada", "bob")` registers accounts."""
    made: list[Person] = []
    numbers = itertools.count(1)
    async with aiohttp.ClientSession() as session:

        async def register(*names: str, at: Server | None = None) -> list[Person]:
            found = []
            for name in names:
                where = at or server
                body = {
                    "email": f"{name}{next(numbers)}@example.com",
                    "password": PASSWORD,
                    "username": name,
                    "displayName": name.capitalize(),
                    "acceptTerms": True,
                }
                async with session.post(f"{where.url}/api/auth/register", json=body) as response:
                    answer = await response.json()
                    assert response.status == 201, answer
                found.append(Person(where, session, name, answer))
            made.extend(found)
            return found

        yield register
        for one in made:
            await one.close()


@pytest.fixture(params=["http", "socket"])
def door(request: pytest.FixtureRequest) -> Door:
    """Either entrance, so that one test proves both."""
    return Door(request.param)
