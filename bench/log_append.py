"""What an append costs: `python -m bench.log_append [--mongodb URL] [--appends N] [--lanes N …]` prints a table.

64 callers append plain messages, each waiting for its answer before the next, to one conversation and to 100, through
logs with few and with many lanes. Beside it, in the same run: the same documents, one `insert_one` each, without any
promise but the majority. CPU is that of this process, not of MongoDB.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from crypto.ids import new_id
from storage.embedded import Embedded
from storage.log import COLLECTION, Draft, Log, indexes
from storage.log.entries import FOREVER, binary, key, prefix
from storage.log.measures import BATCH
from storage.mongo import Document, Int64, Mongo

CALLERS = 64
ROUNDS = 3

Send = Callable[[int, str, int], Awaitable[None]]
"""Send message number `n` of a caller to a conversation: `send(caller, conversation, n)`."""


def now() -> datetime:
    return datetime.now(UTC)


def body(number: int) -> Document:
    """A message as a chat has it."""
    return {
        "type": "text",
        "content": f"message {number}: the quick brown fox jumps over the lazy dog",
        "mentions": [],
        "media": None,
    }


async def run(send: Send, conversations: Sequence[str], appends: int) -> tuple[float, float, float]:
    """Appends per second, CPU in µs and time in ms of one append."""
    each = appends // CALLERS
    waits: list[float] = []

    async def caller(who: int) -> None:
        for number in range(each):
            started = time.perf_counter()
            await send(who, conversations[(who + number * CALLERS) % len(conversations)], number)
            waits.append(time.perf_counter() - started)

    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*map(caller, range(CALLERS)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return len(waits) / wall, cpu / len(waits) * 1e6, sorted(waits)[len(waits) // 2] * 1e3


def through(log: Log, users: Sequence[str]) -> Send:
    """Append with the log."""

    async def send(who: int, conversation: str, number: int) -> None:
        await log.append(
            Draft(
                conversation=conversation,
                kind="message",
                sender=users[who],
                device="phone",
                op=f"{who}-{number}-{time.perf_counter_ns()}",
                body=body(number),
                countable=True,
            )
        )

    return send


def naive(mongo: Mongo, users: Sequence[str]) -> Send:
    """Insert the same documents one by one, each caller in conversations of its own, so that nothing can collide."""
    collection = mongo.database[COLLECTION]
    own = [prefix(new_id()) for _ in users]
    numbers = [0] * len(users)

    async def send(who: int, conversation: str, number: int) -> None:
        numbers[who] += 1
        await collection.insert_one(
            {
                "_id": key(own[who], numbers[who]),
                "c": binary(own[who]),
                "s": Int64(numbers[who]),
                "k": "message",
                "u": users[who],
                "d": "phone",
                "m": f"{conversation}-{numbers[who]}",
                "b": body(number),
                "at": now(),
                "n": FOREVER,
            }
        )

    return send


def written() -> tuple[float, float]:
    """How many batches and how many entries were written so far."""
    samples = {sample.name: sample.value for metric in BATCH.collect() for sample in metric.samples}
    return samples["mixee_commit_batch_size_count"], samples["mixee_commit_batch_size_sum"]


async def bench(mongo: Mongo, appends: int, lanes: Sequence[int]) -> None:
    users = [new_id() for _ in range(CALLERS)]
    await mongo.drop()
    await mongo.collection(COLLECTION).create_indexes(indexes())
    logs = {number: Log(mongo, clock=now, lanes=number) for number in lanes}
    for log in logs.values():
        await log.start()
    ways = [(f"log, {number} lanes", through(log, users), many) for number, log in logs.items() for many in (1, 100)]
    ways.append(("insert_one", naive(mongo, users), 100))
    print(f"{'way':<14}{'conversations':>14}{'appends/s':>11}{'CPU µs':>9}{'p50 ms':>8}{'batch':>8}")
    for _ in range(ROUNDS):
        for name, send, many in ways:
            conversations = [new_id() for _ in range(many)]
            batches, entries = written()
            rate, cpu, wait = await run(send, conversations, appends)
            batches, entries = (after - before for after, before in zip(written(), (batches, entries), strict=True))
            size = f"{entries / batches:.1f}" if batches else "1"
            print(f"{name:<14}{many:>14}{rate:>11.0f}{cpu:>9.1f}{wait:>8.1f}{size:>8}", flush=True)
    for log in logs.values():
        await log.close()
    await mongo.drop()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mongodb", help="an outside MongoDB; without it one is started")
    parser.add_argument("--appends", type=int, default=12_800)
    parser.add_argument("--lanes", type=int, nargs="+", default=[2, 8])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        embedded = await Embedded.start(Path(folder), redis=False) if options.mongodb is None else None
        mongo = Mongo(options.mongodb or str(embedded and embedded.mongodb_url), "bench_log")
        try:
            await bench(mongo, options.appends, options.lanes)
        finally:
            await mongo.close()
            if embedded is not None:
                await embedded.stop()


if __name__ == "__main__":
    asyncio.run(main())
