"""Sends under way: so many at once, each counted when it is answered and everybody has heard it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.crowd import PATIENCE, Crowd, Lost, Member
from bench.peers.peer import Peer


@dataclass(frozen=True, slots=True)
class Spent:
    """What a stretch of load took. Times are in seconds."""

    sends: int
    heard: int
    server: float
    generator: float
    wall: float

    @property
    def per_send(self) -> float:
        """CPU of the server, in µs."""
        return self.server / self.sends * 1e6

    @property
    def busy(self) -> float:
        """The share of a core that the server took."""
        return self.server / self.wall

    @property
    def generating(self) -> float:
        """The share of a core that the generator took."""
        return self.generator / self.wall


class Broadcast:
    """Messages to groups of the same members, where the senders take turns; each speaks in a group of his own, if there
    are as many. A send is over when it is answered and all members have heard it.
    """

    def __init__(
        self, peer: Peer, crowd: Crowd, groups: Sequence[str], members: int, *, senders: Sequence[Member]
    ) -> None:
        self._peer = peer
        self._crowd = crowd
        self._groups = groups
        self._members = members
        self._senders = senders
        self._number = time.time_ns() // 1000
        self._answered = 0
        self._refused = 0

    def run(self, seconds: float, window: int) -> Spent:
        """Keep `window` sends under way for so long; what the whole took, until the last of them was over."""
        crowd, peer = self._crowd, self._peer
        crowd.on_answer = self._answer
        self._answered = sent = 0
        heard_before, server, own = crowd.heard, peer.cpu(), time.process_time()
        started = last = time.perf_counter()
        until = started + seconds
        while True:
            over = min(self._answered, (crowd.heard - heard_before) // self._members)
            now = time.perf_counter()
            if now < until or sent == 0:
                while sent - over < window:
                    self._send(sent)
                    sent += 1
            elif over == sent:
                break
            if crowd.pump(1.0):
                last = now
            elif now - last > PATIENCE:
                raise Lost(f"{peer.name}: {sent} sends, {self._answered} answers, {over} over")
        wall = time.perf_counter() - started
        if self._refused:
            raise Lost(f"{peer.name} refused {self._refused} sends")
        return Spent(sent, crowd.heard - heard_before, peer.cpu() - server, time.process_time() - own, wall)

    def _send(self, sent: int) -> None:
        self._number += 1
        turn = sent % len(self._senders)
        group = self._groups[turn % len(self._groups)]
        self._senders[turn].say(self._peer.message(group, self._number, sent))

    def _answer(self, _: Member, __: int, fine: bool) -> None:
        self._answered += 1
        self._refused += not fine
