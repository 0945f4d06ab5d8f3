"""Which channels this process wants, how many hold each, and which of them Redis has confirmed."""

import asyncio
from collections.abc import Callable, Collection, Iterable, KeysView

GATHER_SECONDS = 0.005
"""How long subscriptions are gathered before Redis is asked for them together."""


class _Channel:
    __slots__ = ("asked", "before", "holders", "stands", "waiter")

    def __init__(self) -> None:
        self.holders = 0
        self.asked = False
        self.stands = False
        self.before = False
        """Whether it stood once: when it stands again, something may have been missed."""
        self.waiter: asyncio.Future[None] | None = None

    def wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)
        self.waiter = None


class Subscriptions:
    """`ask` and `end` carry out what is decided here, and say for which channels they could."""

    def __init__(
        self,
        ask: Callable[[Iterable[bytes]], Collection[bytes]],
        end: Callable[[Iterable[bytes]], Collection[bytes]],
        *,
        linger: float,
    ) -> None:
        self._ask = ask
        self._end = end
        self._linger = linger
        self._channels: dict[bytes, _Channel] = {}
        self._fresh: set[bytes] = set()
        self._leaving: dict[bytes, float] = {}
        """Channels that nobody holds, the longest first, and when their subscriptions end."""
        self._flush: asyncio.TimerHandle | None = None
        self._sweep: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._channels)

    def channels(self) -> KeysView[bytes]:
        """All of them, also those that linger."""
        return self._channels.keys()

    def hold(self, channel: bytes) -> None:
        """One more holder."""
        one = self._channels.get(channel)
        if one is None:
            one = self._channels[channel] = _Channel()
            self._fresh.add(channel)
            if self._flush is None:
                self._flush = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._ask_fresh)
        if one.holders == 0:
            self._leaving.pop(channel, None)
        one.holders += 1

    def release(self, channel: bytes) -> None:
        """One holder less. Raises KeyError for a channel that nobody holds."""
        one = self._channels[channel]
        if one.holders == 0:
            raise KeyError(channel)
        one.holders -= 1
        if one.holders == 0:
            loop = asyncio.get_running_loop()
            self._leaving[channel] = loop.time() + self._linger
            if self._sweep is None:
                self._sweep = loop.call_later(self._linger, self._end_leaving)

    async def settled(self, channels: Iterable[bytes], timeout: float | None) -> bool:  # noqa: ASYNC109 - no error
        """Wait until these stand; whether they do."""
        waiters = []
        for channel in channels:
            one = self._channels.get(channel)
            if one is not None and not one.stands:
                if one.waiter is None:
                    one.waiter = asyncio.get_running_loop().create_future()
                waiters.append(one.waiter)
        if not waiters:
            return True
        _, pending = await asyncio.wait(waiters, timeout=timeout)
        return not pending

    def stand(self, channels: Iterable[bytes]) -> bool:
        """Whether Redis has confirmed all of these."""
        return all(channel in self._channels and self._channels[channel].stands for channel in channels)

    def ask(self, channels: Iterable[bytes]) -> None:
        """Ask for those that were not asked for yet."""
        wanted = [one for one in channels if not self._channels[one].asked and one not in self._fresh]
        for channel in self._ask(wanted):
            self._channels[channel].asked = True

    def confirm(self, channel: bytes) -> bool:
        """Redis has confirmed it. True when it stood before."""
        one = self._channels.get(channel)
        if one is None or one.stands:
            return False
        again, one.stands, one.before = one.before, True, True
        one.wake()
        return again

    def lost(self, channels: Iterable[bytes]) -> None:
        """These do not stand any more; those that nobody holds are forgotten."""
        for channel in list(channels):
            one = self._channels.get(channel)
            if one is None:
                continue
            one.asked = one.stands = False
            if channel in self._leaving:
                self._forget(channel)

    def close(self) -> None:
        """Stop the timers."""
        for timer in (self._flush, self._sweep):
            if timer is not None:
                timer.cancel()
        self._flush = self._sweep = None

    def _ask_fresh(self) -> None:
        self._flush = None
        fresh, self._fresh = self._fresh, set()
        self.ask([one for one in fresh if one in self._channels])

    def _end_leaving(self) -> None:
        self._sweep = None
        loop = asyncio.get_running_loop()
        now, ending = loop.time(), []
        for channel, at in self._leaving.items():
            if at > now:
                self._sweep = loop.call_at(at, self._end_leaving)
                break
            ending.append(channel)
        asked = [one for one in ending if self._channels[one].asked]
        for channel in ending:
            self._forget(channel)
        self._end(asked)

    def _forget(self, channel: bytes) -> None:
        self._leaving.pop(channel, None)
        self._fresh.discard(channel)
        self._channels.pop(channel).wake()
