"""What it costs to tell a group: `python -m bench.fanout`. Mixee beside its peers, and the floor in C.

Stored messages of one sender to a group of 500 and to one of 3, with 1 and with 32 sends under way. The difference,
by 497, is the cost of one more delivery; it leaves out what a send costs whoever hears it (storage, the answer), which
the peers, who store nothing, do not pay.
"""

from bench.crowd import EVENT, Crowd, tend
from bench.lab import Lab
from bench.load import Broadcast, Spent
from bench.peers import floor, mixee, node, stock
from bench.peers.ejabberd import XmppCrowd
from bench.peers.floor import Floor
from bench.peers.peer import Guest, Peer, ids
from bench.report import Goal, Report, Table
from bench.running import main
from bench.samples import Samples
from bench.websocket import bounds

WINDOWS = (1, 32)


class Stage:
    """A server with its clients, all of whom are in the large group and some in the small one."""

    def __init__(self, peer: Peer, crowd: Crowd, groups: dict[int, str]) -> None:
        self.peer = peer
        self.crowd = crowd
        self.groups = groups

    def run(self, size: int, seconds: float, window: int) -> Spent:
        """Send to the group of that size."""
        broadcast = Broadcast(self.peer, self.crowd, [self.groups[size]], size, senders=self.crowd.people[:1])
        return broadcast.run(seconds, window)


async def bench(lab: Lab) -> Report:
    """Run it."""
    large, small = lab.options.sized(500, 12), 3
    stages = await _stages(lab, large, small)
    crowds = [stage.crowd for stage in stages]
    samples = Samples()
    for stage in stages:
        for size in (large, small):
            stage.run(size, lab.options.seconds / 3, 32)  # warm up
            tend(crowds)
    for _ in range(lab.options.rounds):
        for stage in stages:
            for window in WINDOWS:
                note(samples, stage, window, (large, small), lab.options.seconds)
                tend(crowds)
    for crowd in crowds:
        crowd.close()
    return report(samples, [stage.peer.name for stage in stages], large)


def note(samples: Samples, stage: Stage, window: int, sizes: tuple[int, int], seconds: float) -> None:
    """One server's round with so many sends under way."""
    large, small = sizes
    few, many = stage.run(small, seconds, window), stage.run(large, seconds, window)
    name = stage.peer.name
    samples.add(name, f"marginal {window}", (many.per_send - few.per_send) / (large - small))
    samples.add(name, f"gross {window}", many.server / many.heard * 1e6)
    samples.add(name, f"rate {window}", many.heard / many.wall)
    samples.add(name, f"small {window}", few.per_send)
    samples.add(name, f"busy {window}", many.busy * 100)
    samples.add(name, f"generator {window}", many.generating * 100)


async def _stages(lab: Lab, large: int, small: int) -> list[Stage]:
    server = await lab.mixee()
    guests = await lab.guests(server, large)
    groups = {size: await mixee.group(server, guests[:size]) for size in (large, small)}
    rooms = {group: ids(guests[:size]) for size, group in groups.items()}
    chat = await lab.ejabberd()
    last = []
    if chat is not None:  # it does not ping, so its clients may wait for the others
        chat.groups = rooms
        last.append(_join(chat, guests, groups, crowd=XmppCrowd(chat.name, chat.port)))
    stages = [_join(server, guests, groups)]
    frame = _frame(stages[0], small, lab.options.settle)
    for peer in (await lab.node(), await lab.stock()):
        if peer is not None:
            peer.groups = rooms
            stages.append(_join(peer, guests, groups))
    bare = await lab.floor(members=large, small=small, frame=frame)
    if bare is not None:
        stages.append(_plug(bare, large, small))
    return stages + last


def _join(peer: Peer, guests: list[Guest], groups: dict[int, str], crowd: Crowd | None = None) -> Stage:
    crowd = crowd or Crowd(peer.name, peer.port)
    crowd.join([peer.auth(guest) for guest in guests])
    return Stage(peer, crowd, groups)


def _frame(stage: Stage, small: int, settle: float) -> int:
    """Bytes of the frame that tells a message, which the floor sends as well."""
    crowd = stage.crowd
    crowd.linger(settle)  # greetings
    crowd.tape = []
    stage.run(small, 0.0, 1)
    taken, crowd.tape = b"".join(crowd.tape), None
    start = taken.index(EVENT) - 4  # a length of 126 to 65,535 takes two bytes more
    found = bounds(taken, start)
    return found[1] - start if found else 0


def _plug(bare: Floor, large: int, small: int) -> Stage:
    crowd = Crowd(bare.name, bare.port)
    crowd.plug(large)
    return Stage(bare, crowd, {large: "a", small: "s"})


def report(samples: Samples, servers: list[str], large: int) -> Report:
    """Tables and goals."""
    rows = [
        [
            f"{name}, {window} under way",
            samples.shown(name, f"marginal {window}", ".2f"),
            samples.shown(name, f"gross {window}", ".2f"),
            samples.shown(name, f"rate {window}", ",.0f"),
            samples.shown(name, f"small {window}", ".0f"),
            samples.shown(name, f"busy {window}", ".0f"),
            samples.shown(name, f"generator {window}", ".0f"),
        ]
        for window in WINDOWS
        for name in servers
    ]
    columns = ["server", "µs a delivery", "gross µs", "deliveries/s", "µs a send to 3", "server %", "generator %"]
    node_1, node_32 = (samples.ratio(mixee.NAME, node.NAME, f"marginal {window}") for window in WINDOWS)
    result = Report("fanout", f"Fan-out to a group of {large}", [Table(columns, rows)])
    result.goals = [
        Goal("CPU per delivery, 1 under way", node_1, 0.6, "× Node"),
        Goal("CPU per delivery, 1 under way", samples.ratio(mixee.NAME, floor.NAME, "marginal 1"), 1.6, "× the floor"),
        Goal("CPU per delivery, 32 under way", node_32, 0.5, "× Node"),
        Goal("deliveries/s", samples.ratio(mixee.NAME, node.NAME, "rate 32"), 1.6, "× Node", most=False),
        Goal("deliveries/s", samples.ratio(mixee.NAME, stock.NAME, "rate 32"), 6, "× stock", most=False),
    ]
    result.notes = samples.limits(servers, "generator 32")
    return result


if __name__ == "__main__":
    main(bench, __doc__)
