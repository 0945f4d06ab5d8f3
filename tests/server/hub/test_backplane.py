"""Between processes: a burst arrives whole and in its order, and a Redis that is away keeps nobody waiting."""

import asyncio
import time

from server.hub.backplane import MAX_WAITING, Backplane
from server.hub.frames import Frame, Message
from storage.redis import Redis, connect
from tests.harness.servers import until


async def _deaf() -> None:
    raise AssertionError("nothing was interrupted")


def _backplane(redis: Redis, channel: str, node: str, heard: list[Message]) -> Backplane:
    return Backplane(redis, channel=channel, node=node, heard=heard.append, interrupted=_deaf)


async def test_a_burst_arrives_whole_and_in_the_order_in_which_it_was_sent(redis: Redis, database: str) -> None:
    heard: list[Message] = []
    one, two = _backplane(redis, database, "one", []), _backplane(redis, database, "two", heard)
    await asyncio.gather(one.start(), two.start())
    frames = [Frame.of("note:new", {"text": "x"}, ["ada"], "c", seq) for seq in range(1, 1_001)]

    for frame in frames:
        one.send(frame)

    await until(lambda: len(heard) == len(frames))
    assert heard == frames
    await asyncio.gather(one.stop(), two.stop())


async def test_what_waits_when_a_process_stops_is_still_sent(redis: Redis, database: str) -> None:
    heard: list[Message] = []
    one, two = _backplane(redis, database, "one", []), _backplane(redis, database, "two", heard)
    await asyncio.gather(one.start(), two.start())
    frame = Frame.of("note:new", {"text": "x"}, ["ada"], "c", 1)

    one.send(frame)
    await one.stop()

    await until(lambda: heard == [frame])
    await two.stop()


async def test_while_redis_is_away_no_more_than_the_bound_waits(database: str) -> None:
    nowhere = connect("redis://127.0.0.1:1")
    one = _backplane(nowhere, database, "one", [])
    frame = Frame.of("note:new", {"text": "x"}, ["ada"], "c", 1)

    began = time.monotonic()
    for _ in range(MAX_WAITING + 100):
        one.send(frame)

    assert len(one._waiting) == MAX_WAITING
    assert time.monotonic() - began < 1
    await one.stop()
    await nowhere.aclose()
