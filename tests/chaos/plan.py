"""What a chaos run does: how much load, over whom it is spread, and which faults come."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The numbers of one run. The same seed gives the same choices; their timing is the machine's."""

    seed: int = 1
    messages: int = 100_000
    """Messages that must be acknowledged."""
    kills: int = 50
    """How often one server process is ended with SIGKILL and started again, spread evenly over the messages."""
    nodes: int = 2
    users: int = 30
    conversations: int = 10
    members: int = 5
    """Members of each conversation at its beginning."""
    rate: float = 1_500.0
    """Messages per second at most, over all clients."""
    window: int = 24
    """Messages that one client may have on their way at once; fewer while a server says that it has too much to do."""
    twice: float = 0.02
    """Share of messages that are sent two times at once."""
    cuts: float = 0.01
    """Share of the clients that lose their connection in each second."""
    changes: float = 1.0
    """Members added or removed in each second."""
    seconds: float = 0.0
    """How long the load goes on at least, whatever is acknowledged by then."""
    rest: float = 30.0
    """Seconds that the clients may take to have everything once the load is over."""
    program: Sequence[str] = field(default=("run.py",))
    """How a server process is started, after the interpreter."""

    def chance(self, part: str) -> random.Random:
        """Random numbers for one part of the run, so that parts do not disturb each other."""
        return random.Random(f"{self.seed} {part}")


SHORT = Plan(messages=4_000, kills=4, users=16, conversations=6, members=5, rate=800.0, window=16, cuts=0.03)
"""A run that fits into a test."""
