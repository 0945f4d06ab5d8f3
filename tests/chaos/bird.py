"""One device of a flock: it stays connected, follows one conversation by seq, and counts what the scenario asks for."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.chaos.findings import Spread
from tests.chaos.lean import Lean

HANDSHAKE_SECONDS = 30.0
LEAST_PAUSE, LONGEST_PAUSE = 0.2, 2.0
"""Seconds between two attempts: doubled each time, and a random part of it."""
AGAIN_SECONDS = 0.5
SOURCES = 32
"""Addresses 127.0.1.x from which the flock connects: one alone has fewer ports than a large flock needs."""


@dataclass(slots=True)
class Sky:
    """What all birds of a flock share."""

    nodes: Sequence[str]
    handshakes: asyncio.Semaphore
    """How many connect at once."""
    late: Spread
    """From when a message was said to when a healthy bird heard it."""
    recovering: bool
    """Whether birds ask for connection state recovery, and sync only when they do not get it."""
    returns: Spread
    """From the beginning of a handshake to the moment when the bird has its session, or the answer to `sync`."""
    recovered: int = 0
    heard: int = 0
    sessions: int = 0
    """Sessions that came as far as an answer to `sync`."""
    odd: str = ""
    """The first thing that no server may send."""
    stopping: bool = False


class Bird:
    """Connects, resumes by `sync`, fills holes by `sync`, comes back when it is cut off."""

    def __init__(self, sky: Sky, number: int, *, token: str, conversation: str, small: bool) -> None:
        self._sky = sky
        self._number = number
        self._token = token
        self._conversation = conversation
        self._small = small
        self._line: Lean | None = None
        self._asking = False
        self._came: asyncio.Future[bool] | None = None
        self._pid = self._offset = ""
        self.resumed = False
        """Whether `sync` was answered in full in this session."""
        self.stalled = False
        self.position = 0
        self._ahead: set[int] = set()

    async def fly(self) -> None:
        """Stay connected until the flock stops or this bird stalls."""
        pause = LEAST_PAUSE
        while not self._done():
            try:
                async with self._sky.handshakes:
                    line = await self._connect()
                pause = LEAST_PAUSE
                await line.over
            except OSError:  # TimeoutError is one
                pause = min(2 * pause, LONGEST_PAUSE)
            finally:
                self._line, self.resumed, self._asking = None, False, False
            if not self._done():
                await asyncio.sleep(random.uniform(0, pause))

    def _done(self) -> bool:
        return self._sky.stopping or self.stalled

    def stall(self) -> None:
        """Read nothing more, and do not come back."""
        self.stalled = True
        if self._line is not None:
            self._line.stall()

    def leave(self) -> None:
        """End the connection."""
        if self._line is not None:
            self._line.abort()

    async def _connect(self) -> Lean:
        """One handshake, up to the answer to `sync` or to a recovered session. Raises OSError."""
        came: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        began = time.monotonic()
        self._came = came

        def moved(line: Lean) -> None:
            if line.stage == "ready":
                self._line = line
            elif line.stage == "ended":
                self._pid, self._offset = line.pid or self._pid, line.offset or self._offset
                if not came.done():
                    came.set_result(False)

        line = Lean(self._auth(), heard=self._hear, moved=moved)
        url = urlsplit(random.choice(list(self._sky.nodes)))
        source = f"127.0.1.{1 + self._number % SOURCES}"
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                await line.connect(url.hostname or "", url.port or 0, source=source, small=self._small)
                if not await came:
                    raise ConnectionResetError("the connection ended in its handshake")
                self._sky.returns.add(time.monotonic() - began)
        except BaseException:
            line.abort()
            raise
        return line

    def _auth(self) -> dict[str, Any]:
        auth: dict[str, Any] = {"token": self._token, "deviceId": f"bird-{self._number}"}
        if self._sky.recovering:
            auth |= {"recovery": True, "pid": self._pid, "offset": self._offset}
        return auth

    def _ready(self, line: Lean, *, recovered: bool) -> None:
        if recovered:
            self._sky.recovered += 1
            self._arrived()
        else:
            self._ask(line)

    def _arrived(self) -> None:
        self.resumed = True
        if self._came is not None and not self._came.done():
            self._sky.sessions += 1
            self._came.set_result(True)

    def _ask(self, line: Lean) -> None:
        if self._asking:
            return
        self._asking = True
        vector = {"conversations": {self._conversation: self.position}, "only": True}
        line.emit("sync", vector, lambda answer: self._answered(line, answer))

    def _answered(self, line: Lean, answer: dict[str, Any]) -> None:
        self._asking = False
        if not answer.get("ok"):
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._again, line)
            return
        data = answer["data"]
        pages = [one for one in data["conversations"] if one["conversationId"] == self._conversation]
        for page in pages:
            seqs = [entry["seq"] for entry in page["entries"]]
            if seqs != list(range(page["from"], page["to"] + 1)):
                self._sky.odd = self._sky.odd or f"a page from {page['from']} to {page['to']} holds {seqs}"
            self.position = max(self.position, page["to"])
        self._advance()
        if data["limited"] or any(page["more"] for page in pages):
            self._ask(line)
            return
        if self._ahead:
            self._ask(line)
        self._arrived()

    def _again(self, line: Lean) -> None:
        if line is self._line:
            self._ask(line)

    def _advance(self) -> None:
        self._ahead = {seq for seq in self._ahead if seq > self.position}
        while self.position + 1 in self._ahead:
            self.position += 1
            self._ahead.remove(self.position)

    def _hear(self, line: Lean, name: str, payload: Any) -> None:
        if name == "session:ready":
            self._ready(line, recovered=payload["recovered"])
        if name == "sync:behind":
            self._ask(line)
        if name != "message:new" or payload["conversationId"] != self._conversation:
            return
        self._sky.heard += 1
        said, _, _ = payload["content"].partition(" ")
        self._sky.late.add(time.monotonic() - float(said))
        self._ahead.add(payload["seq"])
        self._advance()
        if self._ahead and self.resumed:
            self._ask(line)
