"""The one module that names the Redis driver: a client whose every wait is bounded, scripts, and errors."""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError

__all__ = ["PubSub", "Redis", "RedisError", "Script", "connect", "ping"]


def connect(url: str, *, timeout: float = 5.0, retries: int = 3) -> Redis:
    """A client of one Redis. No attempt waits longer than `timeout` seconds; a lost connection is retried.

    When all connections are busy, a command waits for one: a burst must not look like a fault of Redis.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        decode_responses=False,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        health_check_interval=15,
        max_connections=64,
        timeout=timeout,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), retries),
    )
    return Redis.from_pool(pool)


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
