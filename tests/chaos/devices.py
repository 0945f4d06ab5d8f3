"""People's devices as presence knows them: each stays where it belongs, flaps when it is told to, and some watch."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from tests.chaos.lean import Lean
from tests.chaos.people import Account

HANDSHAKE_SECONDS = 20.0
PAUSE_SECONDS = (0.1, 0.4)
"""Between two attempts to connect, at least and at most."""

Token = Callable[[Account], Awaitable[str]]


class Device:
    """One device of one person."""

    def __init__(self, account: Account, name: str, nodes: Sequence[str], token: Token) -> None:
        self.account = account
        self.name = name
        self.up = False
        self.longest_gap = 0.0
        """The longest time in seconds between two sessions."""
        self.sessions = 0
        self._nodes = nodes
        self._token = token
        self._line: Lean | None = None
        self._lost: float | None = None
        self._leaving = False

    async def stay(self) -> None:
        """Be connected, again and again, until `leave`."""
        while not self._leaving:
            if await self.come():
                assert self._line is not None
                await self._line.over
                self._down()
            if not self._leaving:
                await asyncio.sleep(random.uniform(*PAUSE_SECONDS))

    async def flap(self, cycles: int, span: float, turns: asyncio.Semaphore) -> None:
        """Lose the connection so many times, each after a random part of `span` seconds, and come back; then stay."""
        for _ in range(cycles):
            await self._come_for_certain(turns)
            await asyncio.sleep(random.uniform(0, span))
            self.cut()
        await self._come_for_certain(turns)

    async def come(self) -> bool:
        """Connect once; whether it came as far as `session:ready`."""
        came = asyncio.get_running_loop().create_future()

        def moved(line: Lean) -> None:
            if line.stage in {"ready", "ended"} and not came.done():
                came.set_result(line.stage == "ready")

        auth = {"token": await self._token(self.account), "deviceId": self.name}
        line = Lean(auth, heard=lambda _, event, payload: self.hear(event, payload), moved=moved)
        url = urlsplit(random.choice(self._nodes))
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                await line.connect(url.hostname or "", url.port or 0)
                if not await came:
                    return False
        except OSError:  # TimeoutError is one
            line.abort()
            return False
        self._line = line
        self._up()
        return True

    def cut(self) -> None:
        """Lose the connection."""
        if self._line is not None:
            self._line.abort()
            self._down()

    def leave(self) -> None:
        """Lose the connection and do not come back."""
        self._leaving = True
        self.cut()

    def hear(self, event: str, payload: Any) -> None:
        """The server tells something."""

    async def _come_for_certain(self, turns: asyncio.Semaphore) -> None:
        while True:
            async with turns:
                if await self.come():
                    return
            await asyncio.sleep(random.uniform(*PAUSE_SECONDS))

    def _up(self) -> None:
        self.up = True
        self.sessions += 1
        if self._lost is not None:
            self.longest_gap = max(self.longest_gap, time.monotonic() - self._lost)

    def _down(self) -> None:
        if self.up:
            self.up, self._lost = False, time.monotonic()


class Watcher(Device):
    """A device that keeps the picture of its person's friends."""

    def __init__(self, account: Account, name: str, nodes: Sequence[str], token: Token) -> None:
        super().__init__(account, name, nodes, token)
        self.view: dict[str, str] = {}
        """Who is not offline, and how."""
        self.log: list[tuple[str, str]] = []
        """Every person and status that was told, in order."""

    def hear(self, event: str, payload: Any) -> None:
        """News of friends, or the whole picture."""
        if event == "presence:snapshot":
            self.view = {one["userId"]: one["status"] for one in payload["presences"]}
        elif event == "presence:updated" and payload["userId"] != self.account.id:
            self.log.append((payload["userId"], payload["status"]))
            self.view[payload["userId"]] = payload["status"]

    def sees(self, user: str) -> str:
        """The status of a friend."""
        return self.view.get(user, "offline")

    def told(self, since: int) -> dict[str, list[str]]:
        """What was told after that place in `log`, by person."""
        found: dict[str, list[str]] = {}
        for user, status in self.log[since:]:
            found.setdefault(user, []).append(status)
        return found
