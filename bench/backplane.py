"""What the backplane costs: `python -m bench.backplane [--redis URL] [--count N] [--payload BYTES]` prints a table.

CPU of this process alone, in µs per publication. What is received comes from another process, so that only hearing is
measured; what is sent goes to channels that nobody listens to. Beside ours, in the same run and with the same payload:
redis-py's `PubSub` and its pipeline, as python-socketio's Redis manager and most programs use them.
"""

import argparse
import asyncio
import gc
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis

from server.hub.backplane import Backplane
from server.hub.frames import Frame, Message, pack
from storage.embedded import Embedded
from storage.pubsub import ShardedPubSub, channel_of
from storage.pubsub.partitions import channel_in

ROUNDS = 3
NAMESPACE = "bench"
AUDIENCE = [f"01890a5d-ac96-774b-bcce-{number:012}" for number in range(10)]
GENERATOR = "generator"
READER = "01890a5d-ac96-774b-bcce-000000000abc"
BURST = 500


def frame(size: int, *, seq: int = 1, users: list[str] | None = None) -> Frame:
    """A message as a chat has it, with so many bytes of wire."""
    return Frame(b"\x81\x7e" + size.to_bytes(2, "big") + b"x" * size, users or AUDIENCE, AUDIENCE[0], seq)


async def generate(url: str, channel: bytes, count: int, sender: str, size: int) -> None:
    """Publish, in another process."""
    pubsub = ShardedPubSub(url, name=f"{NAMESPACE}.{os.getpid()}", heard=_ignore, interrupted=_ignore_all)
    await pubsub.start()
    for first in range(0, count, BURST):
        for number in range(first, min(first + BURST, count)):
            pubsub.publish((channel,), pack(sender, frame(size, seq=number + 1)))
        await pubsub.drained()
    await pubsub.stop()


def _ignore(_: bytes, __: bytes) -> None:
    """Nothing."""


def _ignore_all(_: object) -> None:
    """Nothing."""


class Heard:
    """Counts, and is done after so many."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.done = asyncio.Event()

    def __call__(self, *_: object) -> None:
        self.left -= 1
        if self.left <= 0:
            self.done.set()


async def generated(url: str, channel: bytes, arguments: argparse.Namespace, sender: str) -> None:
    """Let another process publish."""
    options = ["--redis", url, "--count", str(arguments.count), "--payload", str(arguments.payload)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.backplane", *options, "--generate", channel.decode(), "--sender", sender
    )
    await process.wait()


async def measured(work: Awaitable[object]) -> float:
    """CPU seconds of this process while something is done."""
    gc.collect()
    began = time.process_time()
    await work
    return time.process_time() - began


async def hear_ours(url: str, arguments: argparse.Namespace) -> float:
    """Our client, and a callback that counts."""
    heard, channel = Heard(arguments.count), channel_of(b"bench.x")
    pubsub = ShardedPubSub(url, name="bench.hear", heard=heard, interrupted=_ignore_all)
    await pubsub.start()
    pubsub.hold(channel)
    await pubsub.settled([channel], None)
    seconds = await measured(asyncio.gather(heard.done.wait(), generated(url, channel, arguments, GENERATOR)))
    await pubsub.stop()
    return seconds


@asynccontextmanager
async def backplane(url: str, heard: Callable[[Message], None] = _ignore_all) -> AsyncIterator[Backplane]:
    """A process's backplane that hosts one person."""
    one = Backplane(url, namespace=NAMESPACE, node=READER, heard=heard, interrupted=_ignore_all)
    await one.start()
    one.hold(one.channels.user("x"))
    await one.settled([one.channels.user("x")], None)
    yield one
    await one.stop()


async def hear_own(url: str, arguments: argparse.Namespace) -> float:
    """What the process itself has sent: recognised by its header, and dropped."""
    last = Heard(1)
    async with backplane(url, last) as one:

        async def publish() -> None:
            await generated(url, one.channels.user("x"), arguments, READER)
            one.pubsub.publish((one.channels.user("x"),), pack(GENERATOR, frame(arguments.payload)))
            await last.done.wait()  # it comes after all the others

        seconds = await measured(publish())
        assert one.received.own == arguments.count
        return seconds


async def hear_frames(url: str, arguments: argparse.Namespace) -> float:
    """Entries of others with ten people each, unpacked."""
    heard = Heard(arguments.count)
    async with backplane(url, heard) as one:
        came = asyncio.gather(heard.done.wait(), generated(url, one.channels.user("x"), arguments, GENERATOR))
        return await measured(came)


async def hear_redis_py(url: str, arguments: argparse.Namespace) -> float:
    """redis-py's PubSub."""
    channel, redis = channel_of(b"bench.y"), Redis.from_url(url)

    async def listen() -> None:
        left = arguments.count
        async with redis.pubsub() as pubsub:
            await pubsub.ssubscribe(channel)
            subscribed.set()
            async for message in pubsub.listen():
                left -= message["type"] == "smessage"
                if left == 0:
                    return

    async def publish() -> None:
        await subscribed.wait()
        await generated(url, channel, arguments, GENERATOR)

    subscribed = asyncio.Event()
    seconds = await measured(asyncio.gather(listen(), publish()))
    await redis.aclose()
    return seconds


async def send_ours(url: str, arguments: argparse.Namespace, *, channels: int) -> float:
    """Our client: one payload on several channels."""
    names = [channel_in(number, b"bench.nobody") for number in range(channels)]
    pubsub = ShardedPubSub(url, name="bench.send", heard=_ignore, interrupted=_ignore_all)
    await pubsub.start()
    payload = pack(READER, frame(arguments.payload))

    async def send() -> None:
        for number in range(arguments.count // channels):
            pubsub.publish(names, payload)
            if number % max(1, BURST // channels) == 0:
                await asyncio.sleep(0)
        await pubsub.drained()

    seconds = await measured(send())
    assert pubsub.counts.dropped == 0
    await pubsub.stop()
    return seconds


async def send_frames(url: str, arguments: argparse.Namespace, *, users: int) -> float:
    """Entries of conversations with so many people, packed and sent to each."""
    people = [f"01890a5d-ac96-774b-bcce-{number:012}" for number in range(users)]
    async with backplane(url) as one:

        async def send() -> None:
            for number in range(arguments.count // users):
                one.send(frame(arguments.payload, seq=number + 1, users=people))
                if number % max(1, BURST // users) == 0:
                    await asyncio.sleep(0)
            await one.pubsub.drained()

        return await measured(send())


async def send_redis_py(url: str, arguments: argparse.Namespace) -> float:
    """redis-py's pipeline, 200 publications in each."""
    channel, payload, redis = channel_of(b"bench.nobody"), pack(READER, frame(arguments.payload)), Redis.from_url(url)

    async def send() -> None:
        for _ in range(arguments.count // 200):
            async with redis.pipeline(transaction=False) as trip:
                for _ in range(200):
                    trip.spublish(channel, payload)
                await trip.execute()

    seconds = await measured(send())
    await redis.aclose()
    return seconds


async def bench(url: str, arguments: argparse.Namespace) -> None:
    """Run everything, and print the best of some rounds."""
    rows: list[tuple[str, Callable[[], Awaitable[float]]]] = [
        ("received: our client", lambda: hear_ours(url, arguments)),
        ("received: own, dropped by its header", lambda: hear_own(url, arguments)),
        ("received: an entry for ten, unpacked", lambda: hear_frames(url, arguments)),
        ("received: redis-py PubSub", lambda: hear_redis_py(url, arguments)),
        ("sent: our client, one channel", lambda: send_ours(url, arguments, channels=1)),
        ("sent: our client, 32 channels at once", lambda: send_ours(url, arguments, channels=32)),
        ("sent: an entry for two", lambda: send_frames(url, arguments, users=2)),
        ("sent: an entry for thirty-two", lambda: send_frames(url, arguments, users=32)),
        ("sent: redis-py pipeline of 200", lambda: send_redis_py(url, arguments)),
    ]
    print(f"{arguments.count} publications, {arguments.payload} bytes of wire; best of {ROUNDS} rounds")
    print(f"{'':40}{'µs each':>10}")
    for name, run in rows:
        best = min([await run() for _ in range(ROUNDS)])
        print(f"{name:40}{best / arguments.count * 1e6:>10.2f}", flush=True)


async def main(arguments: argparse.Namespace) -> None:
    if arguments.generate:
        channel = arguments.generate.encode()
        await generate(arguments.redis, channel, arguments.count, arguments.sender, arguments.payload)
    elif arguments.redis:
        await bench(arguments.redis, arguments)
    else:
        with tempfile.TemporaryDirectory(prefix="mixee-bench-") as folder:
            embedded = await Embedded.start(Path(folder), mongodb=False)
            try:
                await bench(str(embedded.redis_url), arguments)
            finally:
                await embedded.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--redis", help="a Redis 7 to use; one is started otherwise")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--payload", type=int, default=400, help="bytes of the frame on the wire")
    parser.add_argument("--generate", help=argparse.SUPPRESS)
    parser.add_argument("--sender", default=GENERATOR, help=argparse.SUPPRESS)
    asyncio.run(main(parser.parse_args()))
