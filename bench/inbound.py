"""What an answered event costs without storage: `python -m bench.inbound`. Mixee, Node, stock python-socketio.

64 clients send an event each, wait for the answer and send the next. The one that counts is `message:typing`: its
token, permission and input are checked, and whether the sender is in the conversation; once in 3 seconds it is passed
on, which asks MongoDB. The peers answer an event at once and check nothing. An event that Mixee does not know is shown
beside it: it goes through the socket, the hub and the door, and is answered with a refusal of some 90 bytes.
"""

import time
from dataclasses import dataclass

import orjson

from bench.crowd import PATIENCE, Crowd, Lost, Member, tend
from bench.lab import Lab
from bench.load import Spent
from bench.peers import mixee, node
from bench.peers.peer import Guest, Peer
from bench.report import Goal, Report, Table
from bench.running import main
from bench.samples import Samples
from bench.websocket import text

ANSWER = 70
"""Characters in the peers' answer, which make it as long as Mixee's."""


@dataclass(slots=True)
class Line:
    """Clients of a server who send the same event again and again."""

    peer: Peer
    crowd: Crowd
    kind: str
    packet: bytes
    """The packet behind the number of its answer."""

    def run(self, seconds: float) -> Spent:
        """Let all send for so long; what it took."""
        crowd, peer, packet = self.crowd, self.peer, self.packet
        sent, waiting = 0, 0
        until = time.perf_counter() + seconds

        def answered(member: Member, number: int, _: bool) -> None:
            nonlocal sent, waiting
            waiting -= 1
            if time.perf_counter() < until:
                member.say(text(b"42%d%b" % (number + 1, packet)))
                sent, waiting = sent + 1, waiting + 1

        crowd.on_answer = answered
        server, own, started = peer.cpu(), time.process_time(), time.perf_counter()
        for member in crowd.people:
            member.say(text(b"420" + packet))
            sent, waiting = sent + 1, waiting + 1
        while waiting:
            if not crowd.pump(PATIENCE):
                raise Lost(f"{peer.name} does not answer")
        wall = time.perf_counter() - started
        return Spent(sent, sent, peer.cpu() - server, time.process_time() - own, wall)


async def bench(lab: Lab) -> Report:
    """Run it."""
    samples = Samples()
    lines = await _lines(lab, lab.options.sized(64, 4))
    for line in lines:
        line.run(lab.options.seconds / 3)  # warm up
    for _ in range(lab.options.rounds):
        for line in lines:
            spent = line.run(lab.options.seconds)
            samples.add(line.kind, "cost", spent.per_send)
            samples.add(line.kind, "rate", spent.sends / spent.wall)
            samples.add(line.kind, "server", spent.busy * 100)
            samples.add(line.kind, "generator", spent.generating * 100)
            tend(one.crowd for one in lines)
    for line in lines:
        line.crowd.close()
    return report(samples, [line.kind for line in lines])


async def _lines(lab: Lab, clients: int) -> list[Line]:
    settle, server = lab.options.settle, await lab.mixee()
    guests = await lab.guests(server, clients)
    typing = orjson.dumps(["message:typing", {"conversationId": await mixee.group(server, guests), "isTyping": True}])
    lines = [
        _line(server, guests, mixee.NAME, typing, settle),
        _line(server, guests, f"{mixee.NAME}, an unknown event", b'["bench:nothing",{"size":70}]', settle),
    ]
    peers = [one for one in (await lab.node(), await lab.stock()) if one is not None]
    return lines + [_line(peer, guests, peer.name, b'["answer",{"size":%d}]' % ANSWER, settle) for peer in peers]


def _line(peer: Peer, guests: list[Guest], kind: str, packet: bytes, settle: float) -> Line:
    crowd = Crowd(peer.name, peer.port)
    crowd.join([peer.auth(guest) for guest in guests])
    crowd.linger(settle)  # greetings
    return Line(peer, crowd, kind, packet)


def report(samples: Samples, kinds: list[str]) -> Report:
    """Table and goal."""
    rows = [
        [
            kind,
            samples.shown(kind, "cost", ".1f"),
            samples.shown(kind, "rate", ",.0f"),
            samples.shown(kind, "server", ".0f"),
            samples.shown(kind, "generator", ".0f"),
        ]
        for kind in kinds
    ]
    result = Report(
        "inbound",
        "Answered events without storage",
        [Table(["server", "µs an event", "events/s", "server %", "generator %"], rows)],
    )
    result.goals = [Goal("CPU per acked inbound event", samples.ratio(mixee.NAME, node.NAME, "cost"), 0.6, "× Node")]
    result.notes = samples.limits(kinds)
    return result


if __name__ == "__main__":
    main(bench, __doc__)
