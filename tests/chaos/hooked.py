"""The real server that ends itself at a point of the log: `python -m tests.chaos.hooked serve …`.

A signal arms one point; the next batch of messages that reaches it is the last thing the process does. Nothing else
differs from the server: the points are the log's own hooks for fault tests.
"""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Sequence
from functools import partial
from types import FrameType
from typing import Any
from unittest.mock import patch

import run
from storage import log
from storage.log import Entry, Hooks

POINTS = ("before-insert", "after-insert-before-ack", "after-ack-before-publish")
SIGNALS = {point: signal.SIGRTMIN + 1 + number for number, point in enumerate(POINTS)}
"""The signal that arms each point."""
MOST_TURNS = 3
"""Turns of the event loop between the answers and the end, at most: so some answers leave and some do not."""


class Deadly(Hooks):
    """Hooks that end the process with SIGKILL once they are armed."""

    def __init__(self) -> None:
        self._armed = ""

    def arm(self, point: str, _: int, __: FrameType | None) -> None:
        """End at that point, next time."""
        self._armed = point

    async def before_insert(self, entries: Sequence[Entry]) -> None:
        """End before anything is written."""
        self._pass("before-insert", entries)

    async def after_insert(self, entries: Sequence[Entry]) -> None:
        """End when the entries are committed and nobody knows."""
        self._pass("after-insert-before-ack", entries)

    async def after_ack(self, entries: Sequence[Entry]) -> None:
        """End when those who wait have been told, somewhere on the way of the answers and of the events."""
        if self._armed == "after-ack-before-publish" and _messages(entries):
            for _ in range(random.randint(0, MOST_TURNS)):
                await asyncio.sleep(0)
            self._pass("after-ack-before-publish", entries)

    def _pass(self, point: str, entries: Sequence[Entry]) -> None:
        if self._armed == point and _messages(entries):
            os.kill(os.getpid(), signal.SIGKILL)


def _messages(entries: Sequence[Entry]) -> bool:
    return any(entry.kind == "message" for entry in entries)


def main(words: Sequence[str]) -> int:
    """Lay the hooks into every log of this process, then run the server's own command line."""
    hooks = Deadly()
    for point, number in SIGNALS.items():
        signal.signal(number, partial(hooks.arm, point))
    plain = log.Log

    def hooked(*given: Any, **options: Any) -> log.Log:
        return plain(*given, hooks=hooks, **options)

    with patch.object(log, "Log", hooked):
        return run.main(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
