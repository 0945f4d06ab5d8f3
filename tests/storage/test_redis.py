"""The Redis client: a burst of commands waits for a connection and fails nobody."""

import asyncio
import secrets

from storage.redis import Redis


async def test_more_commands_at_once_than_connections_all_succeed(redis: Redis) -> None:
    key = f"test:burst:{secrets.token_hex(6)}"

    numbers = await asyncio.gather(*(redis.incr(key) for _ in range(300)))

    assert sorted(numbers) == list(range(1, 301))
    await redis.delete(key)
