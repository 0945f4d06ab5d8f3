"""The Redis client: a burst of commands waits for a connection and fails nobody, on a single Redis and on a cluster."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any

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


COUNT = "redis.call('INCR', KEYS[1]) return redis.call('INCRBY', KEYS[2], ARGV[1])"


async def _trips(redis: Redis) -> int:
    """How often Redis has read from its clients."""
    return int((await redis.info("stats"))["total_reads_processed"])


async def test_scripts_that_are_called_at_the_same_moment_go_in_one_trip(redis: Redis) -> None:
    key, script = f"test:together:{secrets.token_hex(6)}", Script(redis, COUNT)
    await script([key, f"{key}:sum"], [0])
    before = await _trips(redis)

    answers = await asyncio.gather(*(script([key, f"{key}:sum"], [1]) for _ in range(100)))

    assert answers == list(range(1, 101))
    assert await _trips(redis) - before < 20  # a trip may be read in pieces, and others use this Redis too
    await redis.delete(key, f"{key}:sum")


async def test_a_script_that_fails_fails_alone(redis: Redis) -> None:
    key = f"test:fails:{secrets.token_hex(6)}"
    await redis.set(key, "no number")
    fails, works = Script(redis, "return redis.call('INCR', KEYS[1])"), Script(redis, "return ARGV[1]")

    answers: Sequence[Any] = await asyncio.gather(
        works([], ["a"]), fails([key]), works([], ["b"]), return_exceptions=True
    )

    assert (answers[0], answers[2]) == (b"a", b"b")
    assert isinstance(answers[1], RedisError)
    assert "not an integer" in str(answers[1])
    await redis.delete(key)


async def test_scripts_that_redis_has_forgotten_run_all_the_same(redis: Redis) -> None:
    one, other = Script(redis, "return 1 + ARGV[1]"), Script(redis, "return 10 + ARGV[1]")
    assert list(await asyncio.gather(one([], [1]), other([], [1]))) == [2, 11]
    await redis.script_flush()

    assert list(await asyncio.gather(one([], [2]), other([], [2]), one([], [3]))) == [3, 12, 4]


async def test_who_does_not_wait_any_more_keeps_nobody_from_the_answer(redis: Redis) -> None:
    script = Script(redis, "return ARGV[1]")
    gone, stays = asyncio.ensure_future(script([], ["a"])), asyncio.ensure_future(script([], ["b"]))
    await asyncio.sleep(0)

    gone.cancel()

    assert await stays == b"b"
    assert gone.cancelled()


async def test_a_redis_that_is_away_fails_every_script_that_waits() -> None:
    one = connect("redis://127.0.0.1:1/", timeout=0.2, retries=0)
    script = Script(one, "return 1")

    answers = await asyncio.gather(script([]), script([]), return_exceptions=True)

    assert [isinstance(answer, RedisError) for answer in answers] == [True, True]
    await one.aclose()
