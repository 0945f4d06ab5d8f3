"""One connection to one Redis server: an `asyncio.Protocol` around hiredis' reader, which pings and has no queue."""

import asyncio
from collections import deque
from typing import Any, TypeVar, cast

import hiredis

from storage.pubsub.place import Address, Place
from storage.pubsub.resp import PING, command

CONNECT_SECONDS = 5.0
PING_SECONDS = 5.0
"""How often the server is asked whether it is there; one that said nothing until the next time is given up."""

L = TypeVar("L", bound="Link")


class Refused(ConnectionError):
    """The server answered, but with an error."""


class Link(asyncio.Protocol):
    """A connection. `ended` is done when it is closed; after `open` every reply goes to `reply`."""

    def __init__(self, *, ping_seconds: float = PING_SECONDS) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.paused = False
        self._reader = hiredis.Reader()
        self._transport: asyncio.Transport | None = None
        self._answers: deque[asyncio.Future[Any]] = deque()
        self._ping_seconds = ping_seconds
        self._beat: asyncio.TimerHandle | None = None
        self._silent = False

    @classmethod
    async def open(cls: type[L], place: Place, address: Address, link: L) -> L:
        """Connect `link` and log in. Raises OSError (also Refused and TimeoutError)."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await place.open(address, lambda: link)
                if place.login:
                    await link.ask(b"AUTH", *place.login)
                await link.ask(b"PING")
        except BaseException:
            link.abort()
            raise
        link.opened()
        return link

    def opened(self) -> None:
        """Logged in: from now on the link keeps itself alive."""
        self._beat = asyncio.get_running_loop().call_later(self._ping_seconds, self._ping)

    def write(self, data: bytes) -> None:
        """Send this; nothing happens when the connection is gone."""
        if self._transport is not None:
            self._transport.write(data)

    async def ask(self, *words: bytes) -> Any:
        """Send a command before anything else runs on the link. Raises Refused, ConnectionError."""
        answer = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        self.write(command(*words))
        return await answer

    def abort(self) -> None:
        """Close at once; what is not sent is lost."""
        if self._transport is not None:
            self._transport.abort()
        elif not self.ended.done():
            self.ended.set_result(None)

    def ping(self) -> None:
        """Ask whether the server is there; the answer comes to `reply`."""
        self.write(PING)

    def reply(self, reply: Any) -> None:
        """Take one reply."""
        if not self._answers:
            return
        answer = self._answers.popleft()
        if answer.done():
            return
        if isinstance(reply, hiredis.ReplyError):
            answer.set_exception(Refused(str(reply)))
        else:
            answer.set_result(reply)

    def replies(self) -> None:
        """Take every reply that is complete."""
        gets = self._reader.gets
        while (reply := gets()) is not False:
            self.reply(reply)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        self._silent = False
        self._reader.feed(data)
        try:
            self.replies()
        except hiredis.ProtocolError:
            self.abort()

    def pause_writing(self) -> None:
        """Called by asyncio when the server does not read."""
        self.paused = True

    def resume_writing(self) -> None:
        """Called by asyncio."""
        self.paused = False

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        self._transport = None
        if self._beat is not None:
            self._beat.cancel()
        while self._answers:
            answer = self._answers.popleft()
            if not answer.done():
                answer.set_exception(ConnectionError(f"the connection was lost: {exc or 'closed by the server'}"))
        if not self.ended.done():
            self.ended.set_result(None)

    def _ping(self) -> None:
        if self._silent:
            self.abort()
            return
        self._silent = True
        self.ping()
        self._beat = asyncio.get_running_loop().call_later(self._ping_seconds, self._ping)
