"""What idle connections cost: `python -m bench.idle`. Mixee, Node, stock python-socketio.

10,000 people, each with a token and an id of his own, connect to each server in two halves, from eight addresses. Each
half gives the resident memory of a connection, after the first 100, which warm the server up. Then all stay for three
ping intervals, and the CPU of each server is read.
"""

import asyncio
from dataclasses import dataclass

from bench.lab import Lab
from bench.machine import cpu, resident
from bench.peers import mixee, node
from bench.peers.peer import Peer
from bench.report import Goal, Report, Table
from bench.running import main
from bench.samples import Samples

WANTED = 10_000
"""Idle connections that the goal is about; with fewer it is not measured."""
WARM = 100
HALVES = 2
PING_ROUNDS = 75.0
"""Seconds: three intervals of 25 s, so that each connection is pinged three times."""
SETTLE = 3.0
KIB = 1024


@dataclass(frozen=True, slots=True)
class Held:
    """A server with idle clients."""

    peer: Peer
    connections: int


async def bench(lab: Lab) -> Report:
    """Run it."""
    each = lab.options.sized(lab.options.connections // HALVES, 20)
    samples = Samples()
    peers = [one for one in (await lab.mixee(), await lab.node(), await lab.stock()) if one is not None]
    held = [await _fill(lab, peer, each, samples) for peer in peers]
    window = PING_ROUNDS if not lab.options.quick else 1.0
    before = [cpu(peer.pids[0]) for peer in peers]
    await asyncio.sleep(window)
    for peer, started in zip(peers, before, strict=True):
        samples.add(peer.name, "pings", (cpu(peer.pids[0]) - started) / window * 100)
    return report(samples, held)


async def _fill(lab: Lab, peer: Peer, each: int, samples: Samples) -> Held:
    """Connect everybody to a server, and note what a connection takes."""
    settle = SETTLE if not lab.options.quick else 0.2
    await lab.hold(peer, min(WARM, each))
    await asyncio.sleep(settle)
    for _ in range(HALVES):
        before = resident(peer.pids[0])
        await lab.hold(peer, each)
        await asyncio.sleep(settle)
        samples.add(peer.name, "memory", (resident(peer.pids[0]) - before) / each / KIB)
    return Held(peer, HALVES * each)


def report(samples: Samples, held: list[Held]) -> Report:
    """Table and goals."""
    rows = [
        [
            one.peer.name,
            f"{one.connections:,}",
            samples.shown(one.peer.name, "memory", ".1f"),
            samples.shown(one.peer.name, "pings", ".2f"),
        ]
        for one in held
    ]
    result = Report(
        "idle", "Idle connections", [Table(["server", "connections", "KiB a connection", "% of a core"], rows)]
    )
    pings = samples.of(mixee.NAME, "pings") if held[0].connections >= WANTED else None
    result.goals = [
        Goal("resident memory per idle connection", samples.of(mixee.NAME, "memory"), 12, "KiB"),
        Goal("resident memory per idle connection", samples.ratio(mixee.NAME, node.NAME, "memory"), 1, "× Node"),
        Goal(f"{WANTED:,} idle connections", pings, 3, "% of a core"),
    ]
    return result


if __name__ == "__main__":
    main(bench, __doc__)
