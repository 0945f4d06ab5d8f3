"""The Redis driver for commands and scripts: a client whose every wait is bounded. (`storage.pubsub` listens.)

A Redis Cluster is given as `redis://host:port/?cluster=true`: any of its servers, the others are found. What one script
or command touches must then lie in one slot, so the names of such keys begin with the same text in braces.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

__all__ = ["Redis", "RedisError", "Script", "connect", "is_cluster", "ping"]

CONNECTIONS = 64
"""Commands that are under way at once; further ones wait."""


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
    return Redis.from_pool(pool)


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


class Script:
    """A Lua script that Redis runs as one step."""

    def __init__(self, redis: Redis, source: str) -> None:
        self._script = redis.register_script(source)

    async def __call__(self, keys: Sequence[str], arguments: Sequence[str | bytes | int | float] = ()) -> Any:
        """Run it. Raises RedisError."""
        return await self._script(keys=list(keys), args=list(arguments))
