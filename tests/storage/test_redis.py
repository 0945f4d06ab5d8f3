"""The Redis client: a burst of commands waits for a connection and fails nobody, on a single Redis and on a cluster."""

import asyncio
import secrets

import pytest

from storage.redis import Redis, RedisError, Script, connect, is_cluster, ping
from tests.harness.redis_cluster import RedisCluster


async def test_more_commands_at_once_than_connections_all_succeed(redis: Redis) -> None:
    key = f"test:burst:{secrets.token_hex(6)}"

    numbers = await asyncio.gather(*(redis.incr(key) for _ in range(300)))

    assert sorted(numbers) == list(range(1, 301))
    await redis.delete(key)


async def test_a_burst_on_a_cluster_succeeds(redis_cluster: RedisCluster) -> None:
    one, key = connect(redis_cluster.url), f"{{test}}:burst:{secrets.token_hex(6)}"

    numbers = await asyncio.gather(*(one.incr(key) for _ in range(300)))

    assert sorted(numbers) == list(range(1, 301))
    await one.aclose()


async def test_a_script_on_a_cluster_may_touch_all_keys_with_the_same_text_in_braces(
    redis_cluster: RedisCluster,
) -> None:
    one = connect(redis_cluster.url)
    script = Script(one, "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('EXISTS', KEYS[1], KEYS[2])")

    found = await script(["{mixee:x}:a", "{mixee:x}:b"], [1])

    assert found == 1
    await ping(one)
    await one.aclose()


async def test_a_cluster_that_is_away_is_an_error_of_redis_as_any_other() -> None:
    one = connect("redis://127.0.0.1:1/?cluster=true", timeout=0.2, retries=0)

    with pytest.raises(RedisError):
        await one.get("{mixee:x}:a")

    await one.aclose()


@pytest.mark.parametrize(
    ("url", "cluster"),
    [
        ("redis://h", False),
        ("redis://h/?cluster=true", True),
        ("rediss://u:p@h:1/0?ssl_cert_reqs=none&cluster=TRUE", True),
        ("redis://h/?cluster=false", False),
    ],
)
def test_a_url_says_whether_it_is_a_cluster(url: str, cluster: bool) -> None:
    assert is_cluster(url) is cluster
