"""Subscriptions at one Redis server: what is heard goes straight to `heard`, in the order in which Redis had it."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import groupby, islice
from typing import Any, Protocol

import hiredis

from storage.pubsub.backoff import Backoff
from storage.pubsub.link import PING_SECONDS, Link
from storage.pubsub.partitions import partition_of
from storage.pubsub.place import Address, Place
from storage.pubsub.resp import cancellations, subscriptions

log = logging.getLogger("mixee.pubsub")

MAX_CHANNELS = 512
"""Channels of one command."""


class Owner(Protocol):
    """Who has the subscriptions."""

    def up_again(self, subscriber: "Subscriber") -> None:
        """A link stands: subscribe to all that belongs here."""
        ...

    def down(self, subscriber: "Subscriber") -> None:
        """The link is lost, or could not be opened."""
        ...

    def confirmed(self, source: "Subscriber", channel: bytes) -> None:
        """Redis has confirmed a subscription."""
        ...

    def settle(self) -> None:
        """All subscriptions that were asked for are confirmed or refused."""
        ...

    def dropped(self, source: "Subscriber", channel: bytes) -> None:
        """Redis has ended a subscription by itself: the slot is elsewhere now."""
        ...

    def sang(self, channel: bytes, payload: bytes) -> None:
        """What came on the channel of the canary."""
        ...

    def refused(self, source: "Subscriber", channels: Collection[bytes], error: Exception) -> None:
        """Redis has refused to subscribe to these."""
        ...


class _Asked:
    """A command without all of its replies: the channels of SSUBSCRIBE or SUNSUBSCRIBE; none for a ping."""

    __slots__ = ("adding", "channels", "left")

    def __init__(self, channels: Sequence[bytes], *, adding: bool) -> None:
        self.channels: Collection[bytes] = channels if adding else frozenset(channels)
        self.adding = adding
        self.left = len(channels)


class _Hearing(Link):
    """A link in the subscribed state."""

    def __init__(
        self, of: "Subscriber", owner: Owner, heard: Callable[[bytes, bytes], None], ping_seconds: float
    ) -> None:
        super().__init__(ping_seconds=ping_seconds)
        self._of = of
        self._owner = owner
        self._heard = heard
        self._asked: deque[_Asked] = deque()
        self.canary = b""
        self.live = False

    def opened(self) -> None:
        super().opened()
        self.live = True

    def ping(self) -> None:
        self._asked.append(_Asked((), adding=False))
        super().ping()

    def subscribe(self, channels: Sequence[bytes]) -> None:
        self._asked.append(_Asked(channels, adding=True))
        self.write(subscriptions(channels))

    def unsubscribe(self, channels: Sequence[bytes]) -> None:
        self._asked.append(_Asked(channels, adding=False))
        self.write(cancellations(channels))

    def replies(self) -> None:
        if not self.live:
            super().replies()
            return
        gets, heard = self._reader.gets, self._heard
        while (reply := gets()) is not False:
            if type(reply) is not list or reply[0] != b"smessage":
                self._other(reply)
            elif reply[1] == self.canary:
                self._owner.sang(reply[1], reply[2])
            else:
                try:
                    heard(reply[1], reply[2])
                except Exception:
                    log.exception("a publication was not understood")

    def _other(self, reply: Any) -> None:
        if isinstance(reply, hiredis.ReplyError):
            self._fail(reply)
        elif type(reply) is list and reply[0] == b"ssubscribe":
            self._owner.confirmed(self._of, reply[1])
            self._answered()
        elif type(reply) is list and reply[0] == b"sunsubscribe":
            if self._asked and not self._asked[0].adding and reply[1] in self._asked[0].channels:
                self._answered()
            else:
                self._owner.dropped(self._of, reply[1])
        elif self._asked:
            self._asked.popleft()  # the answer to a ping

    def _answered(self) -> None:
        if not self._asked:
            return
        self._asked[0].left -= 1
        if self._asked[0].left == 0:
            self._next()

    def _fail(self, error: Exception) -> None:
        if not self._asked:
            return
        asked = self._asked[0]
        if asked.adding:
            self._owner.refused(self._of, asked.channels, error)
        self._next()

    def _next(self) -> None:
        asked = self._asked.popleft()
        if asked.adding and not any(one.adding for one in self._asked):
            self._owner.settle()


class Subscriber:
    """Subscribes at one server; connects by itself, again and again."""

    def __init__(
        self,
        place: Place,
        address: Address,
        owner: Owner,
        *,
        heard: Callable[[bytes, bytes], None],
        ping_seconds: float = PING_SECONDS,
    ) -> None:
        self.address = address
        self._place = place
        self._owner = owner
        self._heard = heard
        self._ping_seconds = ping_seconds
        self._link: _Hearing | None = None
        self._canary = b""

    def watch(self, canary: bytes) -> None:
        """Hand what comes on this channel to `Owner.sang`."""
        self._canary = canary
        if self._link is not None:
            self._link.canary = canary

    @property
    def standing(self) -> bool:
        """Whether there is a link."""
        return self._link is not None

    def subscribe(self, channels: Iterable[bytes]) -> None:
        """Ask for channels; when there is no link, `Owner.up_again` will be called once there is."""
        if self._link is not None:
            for some in commands(channels):
                self._link.subscribe(some)

    def unsubscribe(self, channels: Iterable[bytes]) -> None:
        """End the subscriptions to channels."""
        if self._link is not None:
            for some in commands(channels):
                self._link.unsubscribe(some)

    def renew(self) -> None:
        """Close the link and open another."""
        if self._link is not None:
            self._link.abort()

    async def run(self) -> None:
        """Keep the connection, until cancelled."""
        backoff = Backoff()
        try:
            while True:
                try:
                    link = _Hearing(self, self._owner, self._heard, self._ping_seconds)
                    link.canary = self._canary
                    self._link = await _Hearing.open(self._place, self.address, link)
                    backoff.reset()
                    self._owner.up_again(self)
                    await link.ended
                    log.warning("the subscriptions at Redis %s are interrupted", self.address[0])
                except OSError as error:
                    log.warning("cannot subscribe at Redis %s: %s", self.address[0], error)
                self._link = None
                self._owner.down(self)
                await asyncio.sleep(backoff.pause())
        finally:
            if self._link is not None:
                self._link.abort()
            self._link = None


def commands(channels: Iterable[bytes]) -> Iterable[list[bytes]]:
    """The channels in lists of one partition each, none longer than a command may be."""
    for _, same in groupby(sorted(channels, key=partition_of), key=partition_of):
        while some := list(islice(same, MAX_CHANNELS)):
            yield some
