"""What a kept message costs: `python -m bench.durable`. Mixee beside Node with MongoDB driver and Redis adapter.

64 groups of 10 members, all online. A send is checked, authorised, written by a majority to disk, answered, and told to
the 10. First each of 64 senders waits for his answer and sends again (saturation); then all send at one rate, half of
what the slower server managed, at set times, and waits count from those times.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.crowd import PATIENCE, Crowd, Lost, Member, tend
from bench.lab import Lab
from bench.load import Spent
from bench.machine import cpus
from bench.peers import mixee, node
from bench.peers.peer import Guest, Peer, ids
from bench.report import Goal, Report, Table
from bench.running import main
from bench.samples import Samples

MEMBERS = 10
SHARE = 0.5
"""The fixed rate, in parts of what the slower server managed at saturation."""


@dataclass(slots=True)
class Talk:
    """A server, its clients, and who of them speaks in which group."""

    peer: Peer
    crowd: Crowd
    groups: list[str]
    members: int
    waits: list[float] = field(default_factory=list)
    _begun: dict[int, tuple[float, int]] = field(default_factory=dict)
    _number: int = field(default_factory=lambda: time.time_ns() // 1000)
    _until: float = 0.0
    _refused: int = 0

    def saturate(self, seconds: float) -> Spent:
        """Every sender sends as soon as he is answered."""
        self.crowd.on_answer = self._again
        self._until = time.perf_counter() + seconds

        def work() -> None:
            for sender in range(len(self.groups)):
                self._send(sender, time.perf_counter())

        return self._measure(work, seconds)

    def pace(self, seconds: float, rate: float) -> Spent:
        """Send so many a second, each at its time, whatever became of those before."""
        self.crowd.on_answer = self._once

        def work() -> None:
            started = time.perf_counter()
            for number in range(max(1, int(seconds * rate))):
                due = started + number / rate
                while (left := due - time.perf_counter()) > 0:
                    self.crowd.pump(left)
                self._send(number % len(self.groups), due)
                self.crowd.pump(0)

        return self._measure(work, seconds)

    def wait(self, part: float) -> float:
        """The wait, in ms, that this part of the sends did not exceed."""
        return sorted(self.waits)[min(len(self.waits) - 1, int(len(self.waits) * part))] * 1e3

    def _measure(self, work: Callable[[], None], seconds: float) -> Spent:
        crowd, peer = self.crowd, self.peer
        self.waits.clear()
        heard, server, own, started = crowd.heard, peer.cpu(), time.process_time(), time.perf_counter()
        work()
        while self._begun:
            if not crowd.pump(PATIENCE):
                raise Lost(f"{peer.name}: {len(self._begun)} sends have no answer")
        wall = max(time.perf_counter() - started, seconds)
        sends = len(self.waits)
        while crowd.heard - heard < sends * self.members:
            if not crowd.pump(PATIENCE):
                raise Lost(f"{peer.name}: {sends} sends to {self.members}, but {crowd.heard - heard} deliveries")
        if self._refused:
            raise Lost(f"{peer.name} refused {self._refused} sends")
        return Spent(sends, crowd.heard - heard, peer.cpu() - server, time.process_time() - own, wall)

    def _send(self, sender: int, due: float) -> None:
        self._number += 1
        self._begun[self._number] = due, sender
        self.crowd.people[sender].say(self.peer.message(self.groups[sender], self._number, self._number))

    def _answered(self, number: int, *, fine: bool) -> int:
        due, sender = self._begun.pop(number)
        self.waits.append(time.perf_counter() - due)
        self._refused += not fine
        return sender

    def _once(self, _: Member, number: int, fine: bool) -> None:
        self._answered(number, fine=fine)

    def _again(self, _: Member, number: int, fine: bool) -> None:
        sender = self._answered(number, fine=fine)
        if (now := time.perf_counter()) < self._until:
            self._send(sender, now)


async def bench(lab: Lab) -> Report:
    """Run it."""
    groups, members = lab.options.sized(64, 2), lab.options.sized(MEMBERS, 3)
    server = await lab.mixee()
    guests = await lab.guests(server, groups + members)
    casts = [[guests[(at + number) % len(guests)] for number in range(members)] for at in range(groups)]
    made = [await mixee.group(server, cast) for cast in casts]
    peers = [one for one in (server, await lab.node(durable=True)) if one is not None]
    talks = [_talk(peer, guests, made, casts, lab.options.settle) for peer in peers]
    samples = Samples()
    for talk in talks:
        talk.saturate(lab.options.seconds)  # warm up
    for _ in range(lab.options.rounds):
        for talk in talks:
            before = cpus(lab.storage_pids)
            spent = talk.saturate(lab.options.seconds * 2)
            after = cpus(lab.storage_pids)
            _note(samples, talk, spent, "saturated")
            samples.add(talk.peer.name, "storage", (sum(after) - sum(before)) / spent.wall * 100)
            tend(one.crowd for one in talks)
    rate = SHARE * min(samples.of(talk.peer.name, "saturated rate") for talk in talks)
    for _ in range(lab.options.rounds):
        for talk in talks:
            _note(samples, talk, talk.pace(lab.options.seconds * 2, rate), "paced")
            tend(one.crowd for one in talks)
    for talk in talks:
        talk.crowd.close()
    return report(samples, [talk.peer.name for talk in talks], rate)


def _talk(peer: Peer, guests: list[Guest], groups: list[str], casts: list[list[Guest]], settle: float) -> Talk:
    """Connect everybody. The sender of each group is its first member, and no two groups have the same."""
    if peer.name != mixee.NAME:
        peer.groups = {group: ids(cast) for group, cast in zip(groups, casts, strict=True)}
    crowd = Crowd(peer.name, peer.port)
    crowd.join([peer.auth(guest) for guest in guests])
    crowd.linger(settle)  # greetings
    return Talk(peer, crowd, groups, len(casts[0]))


def _note(samples: Samples, talk: Talk, spent: Spent, how: str) -> None:
    name = talk.peer.name
    samples.add(name, f"{how} rate", spent.sends / spent.wall)
    samples.add(name, f"{how} cost", spent.per_send)
    samples.add(name, f"{how} p50", talk.wait(0.50))
    samples.add(name, f"{how} p99", talk.wait(0.99))
    samples.add(name, f"{how} server", spent.busy * 100)
    samples.add(name, f"{how} generator", spent.generating * 100)


def report(samples: Samples, servers: list[str], rate: float) -> Report:
    """Tables and goals."""
    columns = ["server", "acked/s", "µs a send", "p50 ms", "p99 ms", "server %", "generator %", "storage %"]
    rows = [
        [
            f"{name}, {label}",
            samples.shown(name, f"{how} rate", ",.0f"),
            samples.shown(name, f"{how} cost", ",.0f"),
            samples.shown(name, f"{how} p50", ".1f"),
            samples.shown(name, f"{how} p99", ".1f"),
            samples.shown(name, f"{how} server", ".0f"),
            samples.shown(name, f"{how} generator", ".0f"),
            samples.shown(name, "storage", ".0f") if how == "saturated" else "",
        ]
        for how, label in (("saturated", "saturated"), ("paced", f"{rate:,.0f} a second"))
        for name in servers
    ]
    result = Report("durable", "Kept messages to 10 members online", [Table(columns, rows)])
    result.goals = [
        Goal("durable sends acked/s", samples.ratio(mixee.NAME, node.NAME, "saturated rate"), 2, "× Node", most=False),
        Goal("p99 at the same rate", samples.ratio(mixee.NAME, node.NAME, "paced p99"), 1, "× Node"),
    ]
    result.notes = [
        f"{name}: its core was not full ({samples.of(name, 'saturated server'):.0f} %), so storage, which shares the "
        "other core with the generator, or other work on the machine was the limit"
        for name in servers
        if samples.of(name, "saturated server") < 90
    ]
    return result


if __name__ == "__main__":
    main(bench, __doc__)
