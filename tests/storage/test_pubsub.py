"""Sharded pub/sub on a single Redis: everything that is held is heard, in order, and nothing else."""

import asyncio
import os
from typing import Any

import pytest
from redis.crc import key_slot

from storage.pubsub import channel_of, name_of
from storage.pubsub.partitions import PARTITIONS, SLOTS, channel_in, partition_of
from storage.pubsub.place import Place
from storage.pubsub.subscriber import MAX_CHANNELS, commands
from storage.redis import Redis
from tests.harness.servers import REDIS, until
from tests.storage.pubsub_kit import Ear, ear


async def subscribed(redis: Redis, channel: bytes) -> int:
    """How many clients Redis has for a channel."""
    answer: Any = await redis.execute_command("PUBSUB", "SHARDNUMSUB", channel)  # type: ignore[no-untyped-call]  # as in storage.redis
    return int(dict(answer)[channel] if isinstance(answer[0], tuple | list) else answer[1])


def channels(database: str, count: int) -> list[bytes]:
    return [channel_of(f"{database}.{number}".encode()) for number in range(count)]


async def test_a_burst_arrives_whole_and_in_its_order_on_every_channel(database: str) -> None:
    names = channels(database, 40)
    async with ear(f"{database}1") as one, ear(f"{database}2") as two:
        await two.hold(*names)

        for number in range(250):
            one.pubsub.publish(names, b"%d" % number)

        await until(lambda: len(two.heard) == 10_000)
        assert two.heard == [(name, b"%d" % number) for number in range(250) for name in names]
        assert one.pubsub.counts.lost == one.pubsub.counts.dropped == 0
        assert one.heard == []


@pytest.mark.parametrize("payload", [b"", b"\r\n$5\r\n*3\r\n", bytes(range(256)) * 300, b"x" * 1_000_000])
async def test_a_payload_may_have_any_bytes(database: str, payload: bytes) -> None:
    (name,) = channels(database, 1)
    async with ear(database) as one:
        await one.hold(name)

        one.pubsub.publish([name], payload)

        await until(lambda: bool(one.heard))
        assert one.heard == [(name, payload)]


async def test_what_is_not_held_is_never_received(database: str) -> None:
    mine, other = channels(database, 2)
    async with ear(f"{database}1") as one, ear(f"{database}2") as two:
        await one.hold(mine)
        await two.hold(other)

        one.pubsub.publish([other, mine], b"x")

        await until(lambda: bool(one.heard) and bool(two.heard))
        assert (one.heard, two.heard) == ([(mine, b"x")], [(other, b"x")])


async def test_a_channel_is_held_until_its_last_holder_let_go_and_some_time_after(database: str, redis: Redis) -> None:
    (name,) = channels(database, 1)
    async with ear(database, linger=0.05) as one:
        await one.hold(name)
        one.pubsub.hold(name)

        one.pubsub.release(name)
        one.pubsub.release(name)
        at_once = await subscribed(redis, name)

        assert at_once == 1
        await until(lambda: one.pubsub.subscribed == 1)
        await until(lambda: _nobody(redis, name))
        with pytest.raises(KeyError):
            one.pubsub.release(name)


async def _nobody(redis: Redis, name: bytes) -> bool:
    return await subscribed(redis, name) == 0


async def test_a_channel_that_is_held_again_in_time_was_never_left(database: str, redis: Redis) -> None:
    name, other = channels(database, 2)
    async with ear(database, linger=0.05) as one:
        await one.hold(name, other)

        one.pubsub.release(name)
        one.pubsub.release(other)
        one.pubsub.hold(name)

        await until(lambda: _nobody(redis, other))
        assert await subscribed(redis, name) == 1
        assert await one.pubsub.settled([name], 0)


async def test_a_channel_that_is_held_again_after_it_was_left_is_heard_again(database: str, redis: Redis) -> None:
    (name,) = channels(database, 1)
    async with ear(database, linger=0.0) as one:
        await one.hold(name)
        one.pubsub.release(name)
        await until(lambda: one.pubsub.subscribed == 1)

        await one.hold(name)
        one.pubsub.publish([name], b"x")

        await until(lambda: one.heard == [(name, b"x")])
        assert one.interrupted == []


async def test_thousands_of_subscriptions_stand_after_a_few_commands(database: str, redis: Redis) -> None:
    names = [channel_in(5, f"{database}.{number}".encode()) for number in range(1_300)]
    before = await _commands_run(redis)
    async with ear(database) as one:
        await one.hold(*names)
        after = await _commands_run(redis)

        one.pubsub.publish(names, b"x")

        await until(lambda: len(one.heard) == 1_300)
        assert after - before == 4  # the canary's, and 512 + 512 + 276


async def _commands_run(redis: Redis) -> int:
    return int((await redis.info("commandstats")).get("cmdstat_ssubscribe", {"calls": 0})["calls"])


def test_a_command_has_channels_of_one_slot_and_at_most_512() -> None:
    names = [channel_in(number % 3, b"x%d" % number) for number in range(3_000)]

    made = list(commands(names))

    assert [len(some) for some in made] == [512, 488] * 3
    assert all(len({key_slot(name) for name in some}) == 1 for some in made)
    assert sorted(name for some in made for name in some) == sorted(names)
    assert MAX_CHANNELS == 512


async def test_after_an_interruption_subscriptions_stand_again_and_it_is_said_once(database: str, redis: Redis) -> None:
    names = channels(database, 1_000)
    async with ear(f"{database}1") as one, ear(f"{database}2") as two:
        await one.hold(*names)

        await redis.client_kill_filter(_type="pubsub")
        await until(lambda: bool(one.interrupted))
        two.pubsub.publish(names, b"x")

        await until(lambda: len(one.heard) == 1_000)
        assert one.interrupted == [set(names)]
        await until(lambda: one.pubsub.up)


async def test_who_waits_for_subscriptions_that_do_not_come_is_told_so(database: str) -> None:
    one = Ear("redis://127.0.0.1:1", database)
    name = channel_of(b"x")
    one.pubsub.hold(name)

    stands = await one.pubsub.settled([name], 0.01)

    assert (stands, one.pubsub.up) == (False, False)
    await one.pubsub.stop()


async def test_a_callback_that_raises_does_not_end_the_link(database: str, caplog: pytest.LogCaptureFixture) -> None:
    (name,) = channels(database, 1)
    async with ear(database) as one:
        await one.hold(name)
        one.heard = None  # type: ignore[assignment]  # so that hearing raises
        one.pubsub.publish([name], b"x")
        await until(lambda: "a publication was not understood" in caplog.text)

        one.heard = []
        one.pubsub.publish([name], b"y")

        await until(lambda: one.payloads == [b"y"])
        assert one.interrupted == []


async def test_a_wrong_password_is_said_at_the_start() -> None:
    port = Place.of(os.environ[REDIS]).address[1]
    one = Ear(f"redis://:wrong@127.0.0.1:{port}", "x")

    with pytest.raises(ConnectionError, match="WRONGPASS"):
        await one.pubsub.start()


async def test_a_server_that_never_answers_fails_the_start_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.pubsub.link.CONNECT_SECONDS", 0.1)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with silent:
        one = Ear(f"redis://127.0.0.1:{silent.sockets[0].getsockname()[1]}", "x")

        with pytest.raises(TimeoutError):
            await one.pubsub.start()


@pytest.mark.parametrize("primaries", [1, 2, 3, 4, 5, 6, 8, 12, 16])
def test_primaries_that_share_the_slots_evenly_share_the_partitions_evenly(primaries: int) -> None:
    shares = [0] * primaries
    for partition in range(PARTITIONS):
        shares[key_slot(channel_in(partition, b"x")) * primaries // SLOTS] += 1

    assert max(shares) - min(shares) <= 1


def test_a_channel_is_the_same_everywhere_and_tells_its_name() -> None:
    channel = channel_of(b"mixee.u.ada")

    assert channel == b"{p051}.mixee.u.ada"
    assert name_of(channel) == b"mixee.u.ada"
    assert channel == channel_in(partition_of(channel), b"mixee.u.ada")


def test_names_are_spread_over_all_partitions() -> None:
    counts = [0] * PARTITIONS
    for number in range(PARTITIONS * 100):
        counts[partition_of(channel_of(b"mixee.u.%d" % number))] += 1

    assert 50 < min(counts) <= max(counts) < 200


@pytest.mark.parametrize(
    ("url", "address", "login", "tls"),
    [
        ("redis://", ("localhost", 6379), (), False),
        ("redis://h:1/3?cluster=true", ("h", 1), (), False),
        ("redis://:p%40ss@h", ("h", 6379), (b"p@ss",), False),
        ("redis://me:pass@h:2", ("h", 2), (b"me", b"pass"), False),
        ("rediss://h:3?ssl_cert_reqs=none", ("h", 3), (), True),
        ("unix:///run/redis.sock", ("/run/redis.sock", 0), (), False),
    ],
)
def test_a_url_is_read_as_the_driver_reads_it(
    url: str, address: tuple[str, int], login: tuple[bytes, ...], tls: bool
) -> None:
    place = Place.of(url)

    assert (place.address, place.login, place.context is not None) == (address, login, tls)


def test_a_url_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="must specify one of the following schemes"):
        Place.of("nonsense")
