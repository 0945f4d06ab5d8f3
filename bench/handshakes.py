"""How fast people come in: `python -m bench.handshakes`. Mixee, Node, stock python-socketio.

16 at a time connect, upgrade, show an Ed25519 access token which the server checks, are let in, and hang up. All
servers check the same tokens. The cost includes the disconnect.
"""

import time

from bench.crowd import PATIENCE, Crowd, Lost, Member
from bench.lab import Lab
from bench.load import Spent
from bench.peers import mixee, node
from bench.peers.peer import Peer
from bench.report import Goal, Report, Table
from bench.running import main
from bench.samples import Samples

AT_ONCE = 16
SETTLE = 0.3


def come_and_go(peer: Peer, auths: list[bytes], seconds: float, at_once: int) -> Spent:
    """Let clients come and go for so long; what it took."""
    with Crowd(peer.name, peer.port) as crowd:
        begun = done = 0
        inside: set[Member] = set()
        server, own, started = peer.cpu(), time.process_time(), time.perf_counter()
        until = started + seconds
        while time.perf_counter() < until or done == 0:
            while len(inside) < at_once:
                inside.add(crowd.enter(auths[begun % len(auths)], begun))
                begun += 1
            if not crowd.pump(PATIENCE):
                raise Lost(f"{peer.name} lets nobody in")
            for member in [one for one in inside if one.handshake is None]:
                inside.discard(member)
                crowd.leave(member)
                done += 1
        wall, own = time.perf_counter() - started, time.process_time() - own
        for member in inside:
            crowd.leave(member)
        time.sleep(SETTLE)  # the server notices who has left
        return Spent(done, done, peer.cpu() - server, own, wall)


async def bench(lab: Lab) -> Report:
    """Run it."""
    auths = lab.strangers(lab.options.sized(500, 8))
    at_once = lab.options.sized(AT_ONCE, 2)
    peers = [one for one in (await lab.mixee(), await lab.node(), await lab.stock()) if one is not None]
    samples = Samples()
    for peer in peers:
        come_and_go(peer, [peer.auth(one) for one in auths], lab.options.seconds / 3, at_once)  # warm up
    for _ in range(lab.options.rounds):
        for peer in peers:
            spent = come_and_go(peer, [peer.auth(one) for one in auths], lab.options.seconds, at_once)
            samples.add(peer.name, "rate", spent.sends / spent.wall)
            samples.add(peer.name, "cost", spent.per_send)
            samples.add(peer.name, "generator", spent.generating * 100)
    return report(samples, [peer.name for peer in peers])


def report(samples: Samples, servers: list[str]) -> Report:
    """Table and goal."""
    rows = [
        [
            name,
            samples.shown(name, "rate", ",.0f"),
            samples.shown(name, "cost", ",.0f"),
            samples.shown(name, "generator", ".0f"),
        ]
        for name in servers
    ]
    result = Report(
        "handshakes",
        "Handshakes with authentication",
        [Table(["server", "handshakes/s", "µs a handshake", "generator %"], rows)],
    )
    result.goals = [Goal("handshakes/s", samples.ratio(mixee.NAME, node.NAME, "rate"), 1, "× Node", most=False)]
    result.notes = samples.limits(servers)
    return result


if __name__ == "__main__":
    main(bench, __doc__)
