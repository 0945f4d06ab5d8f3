"""Publications to one Redis server: gathered for one turn of the event loop, written at once, answers counted.

What waits for its answer is bounded in number and in bytes, whatever Redis does; what is too much is dropped, and
counted. A publication that another server must take (a slot has moved) is handed back with its channel.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import hiredis

from storage.pubsub.backoff import Backoff
from storage.pubsub.link import PING_SECONDS, Link
from storage.pubsub.place import Address, Place
from storage.pubsub.resp import PING, has_moved, head_of_publication, may_pass

log = logging.getLogger("mixee.pubsub")

MAX_UNANSWERED = 100_000
"""Publications to one server that wait for its answer."""
MAX_UNANSWERED_BYTES = 32 << 20


@dataclass(slots=True)
class Counts:
    """What became of publications since the start."""

    published: int = 0
    """Taken by Redis."""
    dropped: int = 0
    """Not sent, since too much waited."""
    lost: int = 0
    """Sent or waiting when a connection broke, or refused by Redis: whether anybody heard them is not known."""


class _Sending(Link):
    """A link on which every reply belongs to the oldest publication without one; `None` in `sent` is a ping."""

    def __init__(self, publisher: "Publisher", ping_seconds: float) -> None:
        super().__init__(ping_seconds=ping_seconds)
        self._publisher = publisher
        self.live = False

    def opened(self) -> None:
        super().opened()
        self.live = True

    def ping(self) -> None:
        self._publisher.ping()

    def replies(self) -> None:
        if not self.live:
            super().replies()
            return
        gets, answered = self._reader.gets, self._publisher.answered
        while (reply := gets()) is not False:
            answered(reply)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._publisher.flush()


class Publisher:
    """Publishes to one server; connects by itself, again and again."""

    def __init__(
        self,
        place: Place,
        address: Address,
        counts: Counts,
        *,
        moved: Callable[[bytes, bytes], None],
        down: Callable[[], None],
        ping_seconds: float = PING_SECONDS,
    ) -> None:
        """`moved(channel, tail)` takes a publication that this server would not have; `down` hears of lost links."""
        self.address = address
        self._place = place
        self._counts = counts
        self._moved = moved
        self._down = down
        self._ping_seconds = ping_seconds
        self._link: _Sending | None = None
        self._waiting: list[bytes] = []
        self._unanswered: deque[tuple[bytes, bytes] | None] = deque()
        self._bytes = 0
        self._scheduled = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._complained = False

    @property
    def waiting_bytes(self) -> int:
        """Bytes of publications that have no answer yet."""
        return self._bytes

    def publish(self, channel: bytes, tail: bytes) -> None:
        """Send a publication soon; `tail` is `tail_of_publication` of the payload."""
        size = len(tail)
        if len(self._unanswered) >= MAX_UNANSWERED or self._bytes + size > MAX_UNANSWERED_BYTES:
            self._counts.dropped += 1
            return
        self._bytes += size
        self._unanswered.append((channel, tail))
        self._waiting += (head_of_publication(channel), tail)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self.flush)

    def ping(self) -> None:
        """Ask whether the server is there, in the order of the publications."""
        self._unanswered.append(None)
        self._waiting.append(PING)
        self.flush()

    def flush(self) -> None:
        """Write what waits, unless the server does not read."""
        self._scheduled = False
        link = self._link
        if link is None or link.paused or not self._waiting:
            return
        data = b"".join(self._waiting)
        self._waiting.clear()
        link.write(data)

    def answered(self, reply: object) -> None:
        """Redis answered the oldest publication."""
        one = self._unanswered.popleft()
        if one is not None:
            self._bytes -= len(one[1])
            if isinstance(reply, hiredis.ReplyError):
                self._refused(one, reply)
            else:
                self._counts.published += 1
        if not self._unanswered:
            self._idle.set()

    async def settled(self) -> None:
        """Wait until everything published so far was answered or lost."""
        if self._unanswered:
            self._idle.clear()
        await self._idle.wait()

    async def run(self) -> None:
        """Keep the connection, until cancelled."""
        backoff = Backoff()
        try:
            while True:
                try:
                    link = _Sending(self, self._ping_seconds)
                    self._link = await _Sending.open(self._place, self.address, link)
                    backoff.reset()
                    self.flush()
                    await link.ended
                    log.warning("the link for publishing to Redis %s is lost", self.address[0])
                    self._lose()
                except OSError as error:
                    log.warning("cannot publish to Redis %s: %s", self.address[0], error)
                self._link = None
                self._down()
                await asyncio.sleep(backoff.pause())
        finally:
            if self._link is not None:
                self._link.abort()
            self._link = None

    def give_back(self) -> list[tuple[bytes, bytes]]:
        """What this server is gone for: the publications that were never written. The others are lost."""
        self._lose()
        rest = [one for one in self._unanswered if one is not None]
        self._unanswered.clear()
        self._waiting.clear()
        self._bytes = 0
        return rest

    def _lose(self) -> None:
        """The link is gone. What it had taken is lost, what still waits goes over the next one."""
        keep = sum(1 for part in self._waiting if part is not PING) // 2
        rest = [one for one in self._unanswered if one is not None]
        self._counts.lost += len(rest) - keep
        kept = rest[len(rest) - keep :]
        self._unanswered = deque(kept)
        self._waiting = [part for one in kept for part in (head_of_publication(one[0]), one[1])]
        self._bytes = sum(len(one[1]) for one in kept)
        if not kept:
            self._idle.set()

    def _refused(self, one: tuple[bytes, bytes], error: Exception) -> None:
        if has_moved(error):
            self._moved(*one)
            return
        self._counts.lost += 1
        if may_pass(error):
            self._down()
        elif not self._complained:
            self._complained = True
            log.error("Redis %s refuses publications: %s", self.address[0], error)
