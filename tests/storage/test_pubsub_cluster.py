"""Sharded pub/sub on a Redis Cluster: each primary has its own channels, and a slot that moves takes them along."""

import asyncio
from functools import partial
from pathlib import Path

from storage.pubsub import ShardedPubSub, channel_of
from storage.pubsub.partitions import SLOT_OF_PARTITION, channel_in, partition_of
from tests.harness.redis_cluster import RedisCluster, RedisProcess
from tests.harness.redis_cluster import redis_cluster as redis_cluster_of_its_own
from tests.harness.servers import until
from tests.storage.pubsub_kit import ear


async def channels_at(cluster: RedisCluster, number: int) -> set[bytes]:
    """The channels of a test's own that a primary has subscriptions for."""
    found = await cluster.servers[number].ask("PUBSUB", "SHARDCHANNELS", "*shared*")
    return set(found)


async def test_each_primary_has_its_own_channels_and_all_are_heard(redis_cluster: RedisCluster) -> None:
    names = [channel_of(b"shared.%d" % number) for number in range(300)]
    async with ear("one", redis_cluster.url) as one, ear("two", redis_cluster.url) as two:
        await two.hold(*names)

        for number in range(20):
            one.pubsub.publish(names, b"%d" % number)

        await until(lambda: len(two.heard) == 6_000)
        for name in names:
            assert [payload for channel, payload in two.heard if channel == name] == [b"%d" % n for n in range(20)]
        at = [await channels_at(redis_cluster, number) for number in range(3)]
        assert sum(map(len, at)) == 300
        assert min(map(len, at)) > 60
        assert (one.pubsub.up, two.pubsub.up) == (True, True)


async def test_a_slot_that_moves_while_something_is_published_takes_its_channels_along(
    redis_cluster: RedisCluster,
) -> None:
    partition = 3
    slot, name, other = (
        SLOT_OF_PARTITION[partition],
        channel_in(partition, b"shared.moves"),
        channel_in(99, b"shared.x"),
    )
    async with ear("one", redis_cluster.url) as one, ear("two", redis_cluster.url) as two:
        await two.hold(name, other)
        publishing = asyncio.create_task(_publish(one.pubsub, name))

        try:
            await redis_cluster.move(slot, 2)
            await until(lambda: bool(two.interrupted))
            heard = len(two.heard)
            await until(lambda: len(two.heard) > heard + 20)
        finally:
            publishing.cancel()
            await redis_cluster.move(slot, 0)

        await until(lambda: len(two.interrupted) == 2)
        assert two.interrupted == [{name}, {name}]
        numbers = [int(payload) for _, payload in two.heard]
        assert len(numbers) == len(set(numbers))
        # What the old primary had refused comes behind what the new one took meanwhile: a moment, not for long.
        assert all(abs(place - at) < 25 for at, place in enumerate(map(sorted(numbers).index, numbers)))
        assert one.pubsub.counts.lost == 0


async def _publish(pubsub: ShardedPubSub, name: bytes) -> None:
    number = 0
    while True:
        pubsub.publish([name], b"%d" % number)
        number += 1
        await asyncio.sleep(0.002)


async def test_a_publication_for_a_slot_that_has_moved_reaches_its_new_primary(redis_cluster: RedisCluster) -> None:
    partition = 4
    slot, name = SLOT_OF_PARTITION[partition], channel_in(partition, b"shared.moved")
    async with ear("one", redis_cluster.url) as one:
        try:
            await redis_cluster.move(slot, 1)
            async with ear("two", redis_cluster.url) as two:
                await two.hold(name)

                one.pubsub.publish([name], b"first")
                one.pubsub.publish([name], b"second")

                await until(lambda: two.payloads == [b"first", b"second"])
                assert partition_of(name) == partition
                assert one.pubsub.counts.lost == one.pubsub.counts.dropped == 0
        finally:
            await redis_cluster.move(slot, 0)


async def test_whoever_takes_the_slots_of_a_primary_that_died_takes_its_channels(tmp_path: Path) -> None:
    async with redis_cluster_of_its_own(tmp_path) as cluster, ear("one", cluster.url) as one:
        first, last = channel_in(2, b"shared.first"), channel_in(120, b"shared.last")
        await one.hold(first, last)

        await cluster.servers[0].kill()
        await until(lambda: not one.pubsub.up)
        await cluster.take_over(of=0, by=1)
        await until(lambda: one.interrupted == [{first}] and one.pubsub.up, seconds=20)
        one.pubsub.publish([first, last], b"x")

        await until(lambda: set(one.heard) == {(first, b"x"), (last, b"x")})


async def test_links_that_are_killed_at_one_primary_interrupt_its_channels_alone(redis_cluster: RedisCluster) -> None:
    first, last = channel_in(2, b"shared.first"), channel_in(120, b"shared.last")
    async with ear("one", redis_cluster.url) as one:
        await one.hold(first, last)

        await redis_cluster.servers[0].ask("CLIENT", "KILL", "TYPE", "pubsub")

        await until(lambda: bool(one.interrupted))
        one.pubsub.publish([first, last], b"x")
        await until(lambda: len(one.heard) == 2)
        assert one.interrupted == [{first}]


async def test_whoever_starts_while_the_servers_disagree_stands_when_they_agree(tmp_path: Path) -> None:
    async with redis_cluster_of_its_own(tmp_path) as cluster:
        slot = SLOT_OF_PARTITION[3]
        await cluster.servers[0].ask("CLUSTER", "SETSLOT", slot, "NODE", cluster.names[1])
        starting = asyncio.create_task(_start_and_stop(cluster.url))
        await until(partial(_has_refused, cluster.servers[1]))

        await cluster.move(slot, 1)

        await asyncio.wait_for(starting, 9)


async def _start_and_stop(url: str) -> None:
    async with ear("one", url):
        pass


async def _has_refused(server: RedisProcess) -> bool:
    counts: dict[str, dict[str, int]] = await server.ask("INFO", "COMMANDSTATS")
    return counts.get("cmdstat_ssubscribe", {}).get("rejected_calls", 0) > 0
