"""What more processes cost and bring: `python -m bench.workers`. Mixee with one worker and with two, and two servers.

Fan-out to groups of the same 500, who are spread over the workers as the kernel does it, 32 sends under way: 8 of them
speak, each in a group of his own (with one group for all, two workers would compete for the places in its log). Two
workers and a generator do not fit on two cores, so what counts is CPU: deliveries by the CPU seconds of the busiest
worker, which is what the workers deliver in a second when each has a core. Then two servers, all members connected to
the first: what the second one receives from Redis and what CPU it takes, for each message, beyond what it does idle.
"""

import asyncio
import time
from dataclasses import dataclass

import psutil

from bench.crowd import Crowd
from bench.lab import Lab
from bench.load import Broadcast
from bench.machine import cpus
from bench.peers import mixee
from bench.peers.peer import Guest, Peer
from bench.report import Goal, Report, Table
from bench.running import main
from bench.samples import Samples
from storage.redis import Redis, connect

WINDOW = 32
SENDERS = 8
COUNTS = (1, 2)
FOREIGN = "second server"


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a process had from Redis and took of the CPU so far."""

    received: int
    cpu: float


async def bench(lab: Lab) -> Report:
    """Run it."""
    samples = Samples()
    size = lab.options.sized(500, 12)
    groups: list[str] = []
    for _ in range(lab.options.rounds):
        for count in COUNTS:
            server = await lab.mixee(workers=count)
            guests = await lab.guests(server, size)
            groups = groups or [await mixee.group(server, guests) for _ in range(SENDERS)]
            _measure(samples, server, guests, groups, lab.options.seconds)
            lab.end(server)
    await _foreign(lab, samples, lab.options.sized(50, 3))
    return report(samples, size)


def _measure(samples: Samples, server: Peer, guests: list[Guest], groups: list[str], seconds: float) -> None:
    """One round with one number of workers."""
    with Crowd(server.name, server.port) as crowd:
        crowd.join([server.auth(guest) for guest in guests])
        crowd.linger(min(seconds, 1.0))  # greetings
        load = Broadcast(server, crowd, groups, len(guests), senders=crowd.people[:SENDERS])
        load.run(seconds / 3, WINDOW)  # warm up
        before = cpus(server.pids)
        spent = load.run(seconds, WINDOW)
        took = [after - began for after, began in zip(cpus(server.pids), before, strict=True)]
    name = f"{len(took)}"
    samples.add(name, "capacity", spent.heard / max(took))
    samples.add(name, "cost", spent.server / spent.heard * 1e6)
    samples.add(name, "rate", spent.heard / spent.wall)
    samples.add(name, "share", max(took) / sum(took) * 100)
    samples.add(name, "generator", spent.generating * 100)


async def _foreign(lab: Lab, samples: Samples, size: int) -> None:
    """Two servers; the second hosts nobody of the group."""
    here, there = await lab.mixee(), await lab.mixee(name="Mixee-2")
    guests = await lab.guests(here, size)
    group = await mixee.group(here, guests)
    redis = connect(lab.storage[1])
    try:
        with Crowd(here.name, here.port) as crowd, Crowd(there.name, there.port) as others:
            crowd.join([here.auth(guest) for guest in guests])
            others.join([there.auth(guest) for guest in lab.strangers(size)])
            crowd.linger(lab.options.settle)
            load = Broadcast(here, crowd, [group], size, senders=crowd.people[:1])
            for _ in range(lab.options.rounds):
                await _foreign_round(lab, samples, redis, there, load)
    finally:
        await redis.aclose()


async def _foreign_round(lab: Lab, samples: Samples, redis: Redis, there: Peer, load: Broadcast) -> None:
    seconds = lab.options.seconds
    start = await _traffic(redis, there.pids[0])
    started = time.perf_counter()
    await asyncio.sleep(seconds)
    quiet = await _traffic(redis, there.pids[0])
    idle = time.perf_counter() - started
    spent = load.run(seconds, WINDOW)
    loaded = await _traffic(redis, there.pids[0])
    share = spent.wall / idle
    received = (loaded.received - quiet.received) - share * (quiet.received - start.received)
    took = (loaded.cpu - quiet.cpu) - share * (quiet.cpu - start.cpu)
    samples.add(FOREIGN, "bytes", received / spent.sends)
    samples.add(FOREIGN, "cpu", took / spent.sends * 1e6)
    samples.add(FOREIGN, "messages", spent.sends)


async def _traffic(redis: Redis, pid: int) -> Traffic:
    """What Redis sent to a process, by the ports of its connections, and the CPU that it took."""
    process = psutil.Process(pid)
    ports = {one.laddr.port for one in process.net_connections("tcp")}
    clients = await redis.client_list()
    received = sum(int(one["tot-net-out"]) for one in clients if int(one["addr"].rpartition(":")[2]) in ports)
    return Traffic(received, cpus([pid])[0])


def report(samples: Samples, size: int) -> Report:
    """Tables and goals."""
    rows = [
        [
            f"{count} worker{'s' if count > 1 else ''}",
            samples.shown(f"{count}", "capacity", ",.0f"),
            samples.shown(f"{count}", "cost", ".2f"),
            samples.shown(f"{count}", "share", ".0f"),
            samples.shown(f"{count}", "rate", ",.0f"),
            samples.shown(f"{count}", "generator", ".0f"),
        ]
        for count in COUNTS
    ]
    columns = ["Mixee", "deliveries by CPU second", "µs a delivery", "busiest's share %", "deliveries/s", "generator %"]
    foreign = [
        [
            "hosts no member",
            samples.shown(FOREIGN, "messages", ",.0f"),
            samples.shown(FOREIGN, "bytes", ".1f"),
            samples.shown(FOREIGN, "cpu", ".1f"),
        ]
    ]
    result = Report(
        "workers",
        f"Two workers, a group of {size}; and a server that hosts nobody of a group",
        [
            Table(columns, rows),
            Table(["second server", "messages", "bytes from Redis a message", "CPU µs a message"], foreign),
        ],
    )
    result.goals = [
        Goal("2 workers against 1, fan-out", samples.ratio("2", "1", "capacity"), 1.8, "× 1 worker", most=False),
        Goal("a message to a room with no local member", samples.of(FOREIGN, "bytes"), 1, "bytes received"),
        Goal("a message to a room with no local member", samples.of(FOREIGN, "cpu"), 1, "µs of CPU"),
    ]
    result.notes = samples.limits(map(str, COUNTS))
    return result


if __name__ == "__main__":
    main(bench, __doc__)
