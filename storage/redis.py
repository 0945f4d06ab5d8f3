"""The Redis driver for commands and scripts: a client whose every wait is bounded. (`storage.pubsub` listens.)

A Redis Cluster is given as `redis://host:port/?cluster=true`: any of its servers, the others are found. What one script
or command touches must then lie in one slot, so the names of such keys begin with the same text in braces.
"""

import asyncio
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisClusterException, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

__all__ = ["Redis", "RedisError", "Script", "connect", "is_cluster", "ping"]

CONNECTIONS = 64
"""Commands that are under way at once; further ones wait."""
TOGETHER = 200
"""Scripts that go in one trip."""

Argument = str | bytes | int | float


def connect(url: str, *, timeout: float = 5.0, retries: int = 3) -> Redis:
    """A client of one Redis. No attempt waits longer than `timeout` seconds; a lost connection is retried.

    When all connections are busy, a command waits for one: a burst must not look like a fault of Redis. Raises
    ValueError for a URL that is none.
    """
    url, cluster = _without_cluster(url)
    if cluster:
        found = _Cluster.from_url(
            url,
            decode_responses=False,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            health_check_interval=15,
            max_connections=2 * CONNECTIONS,  # more than are used at once: the driver's client of a cluster never waits
            reinitialize_steps=0,  # else some moved slots close the connections on which other commands wait
            retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), retries),
        )
        return cast("Redis", found)  # it has the same commands, and no type in common with the other
    pool = BlockingConnectionPool.from_url(
        url,
        decode_responses=False,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        health_check_interval=15,
        max_connections=CONNECTIONS,
        timeout=timeout,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), retries),
    )
    return _Single.from_pool(pool)


class _Cluster(RedisCluster):
    """The driver's client of a cluster, with a bound and with errors that are RedisErrors, as the other client has."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._patience = options.get("socket_timeout")
        self._turns = asyncio.Semaphore(CONNECTIONS)

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command. Raises RedisError."""
        try:
            async with asyncio.timeout(self._patience):
                await self._turns.acquire()
        except TimeoutError as error:
            raise RedisTimeoutError("all connections to the cluster are busy") from error
        try:
            return await super().execute_command(*args, **kwargs)
        except RedisClusterException as error:
            raise RedisConnectionError(str(error)) from error
        finally:
            self._turns.release()


def is_cluster(url: str) -> bool:
    """Whether the URL names a Redis Cluster."""
    return _without_cluster(url)[1]


def _without_cluster(url: str) -> tuple[str, bool]:
    """The URL as the driver knows it, and whether it said `cluster=true`. Raises ValueError for another value."""
    parts = urlsplit(url)
    options = parse_qsl(parts.query, keep_blank_values=True)
    given = [value.lower() for name, value in options if name == "cluster"]
    if any(value not in {"true", "false"} for value in given):
        raise ValueError("Redis URL: cluster must be true or false")
    rest = urlencode([(name, value) for name, value in options if name != "cluster"])
    return (urlunsplit(parts._replace(query=rest)) if given else url), "true" in given


async def ping(redis: Redis) -> None:
    """Ask Redis whether it is there. Raises RedisError when it is not."""
    await redis.execute_command("PING")  # type: ignore[no-untyped-call]  # redis-py types it for neither world


class _Single(Redis):
    """The client of one Redis."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.trips = _Trips(self)


@dataclass(slots=True, eq=False)
class _Run:
    """One run of a script that somebody waits for."""

    script: AsyncScript
    keys: Sequence[str]
    arguments: Sequence[Argument]
    future: asyncio.Future[Any]


class _Trips:
    """Scripts that are called in the same turn of the event loop go to Redis together, over one connection.

    For one that goes alone the driver's way costs some 250 µs of CPU (a connection, a timeout, a retry); as one of
    many it is a fifth of that.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: list[_Run] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def join(self, script: AsyncScript, keys: Sequence[str], arguments: Sequence[Argument]) -> asyncio.Future[Any]:
        """Go with the next trip; the future has what the script answers, or a RedisError."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._leave, context=Context())
        run = _Run(script, keys, arguments, loop.create_future())
        self._waiting.append(run)
        return run.future

    def _leave(self) -> None:
        runs, self._waiting = self._waiting, []
        for start in range(0, len(runs), TOGETHER):
            task = asyncio.get_running_loop().create_task(self._go(runs[start : start + TOGETHER]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _go(self, runs: Sequence[_Run]) -> None:
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for run in runs:
                    pipe.evalsha(run.script.sha, len(run.keys), *run.keys, *run.arguments)
                answers = await pipe.execute(raise_on_error=False)
            for run, answer in zip(runs, answers, strict=True):
                if isinstance(answer, NoScriptError):  # Redis started again, or never had it
                    answer = await _alone(run)  # noqa: PLW2901 - the answer after all
                _settle(run.future, answer)
        except BaseException as error:
            for run in runs:
                _settle(run.future, error if isinstance(error, Exception) else RedisConnectionError("interrupted"))
            if not isinstance(error, Exception):
                raise


async def _alone(run: _Run) -> Any:
    try:
        return await run.script(keys=run.keys, args=run.arguments)
    except RedisError as error:
        return error


def _settle(future: asyncio.Future[Any], answer: Any) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)


class Script:
    """A Lua script that Redis runs as one step."""

    def __init__(self, redis: Redis, source: str) -> None:
        self._script = redis.register_script(source)
        self._trips = redis.trips if isinstance(redis, _Single) else None

    async def __call__(self, keys: Sequence[str], arguments: Sequence[Argument] = ()) -> Any:
        """Run it. Raises RedisError."""
        if self._trips is None:  # the driver's client of a cluster sends no scripts together
            return await self._script(keys=list(keys), args=list(arguments))
        return await self._trips.join(self._script, keys, arguments)
