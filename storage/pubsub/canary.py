"""Whether what is published is heard: a number on each server every two seconds, which must come back within one.

A number that comes late says that this process or Redis is slow, and nothing is lost by that. A number that never
comes, while a later one does, says that publications were lost.
"""

from collections.abc import Callable
from dataclasses import dataclass

EVERY_SECONDS = 2.0
WITHIN_SECONDS = 1.0
MISSES = 3
"""Numbers in a row that were not heard, after which the link is opened anew."""


@dataclass(slots=True)
class _Song:
    """`heard` is -1 while it is not known where to go on."""

    sent: int = 0
    heard: int = -1
    misses: int = 0


class Canary:
    """The numbers on each channel; a channel per server."""

    def __init__(
        self,
        *,
        publish: Callable[[bytes, bytes], None],
        gap: Callable[[bytes], None],
        silent: Callable[[bytes], None],
    ) -> None:
        """`gap(channel)`: something was lost there. `silent(channel)`: nothing was heard for a while."""
        self._publish = publish
        self._gap = gap
        self._silent = silent
        self._songs: dict[bytes, _Song] = {}

    @property
    def heard(self) -> bool:
        """Whether the last number on every channel was heard in time."""
        return all(song.misses == 0 for song in self._songs.values())

    def use(self, channels: set[bytes]) -> None:
        """Sing on these channels from now on."""
        for channel in self._songs.keys() - channels:
            del self._songs[channel]
        for channel in channels - self._songs.keys():
            self._songs[channel] = _Song()

    def start_over(self, channel: bytes) -> None:
        """The subscription is new: whatever was not heard before is known to be lost."""
        if channel in self._songs:
            self._songs[channel].heard = -1

    def sing(self) -> None:
        """Publish the next numbers."""
        for channel, song in self._songs.items():
            song.sent += 1
            self._publish(channel, b"%d" % song.sent)

    def check(self) -> None:
        """Called `WITHIN_SECONDS` after `sing`."""
        for channel, song in list(self._songs.items()):
            if song.heard < song.sent:
                song.misses += 1
                if song.misses % MISSES == 0:
                    self._silent(channel)

    def hear(self, channel: bytes, payload: bytes) -> None:
        """A number came."""
        song = self._songs.get(channel)
        if song is None or not payload.isdigit():
            return
        number = int(payload)
        if number > song.sent:
            return  # not ours
        lost = song.heard >= 0 and number > song.heard + 1
        song.heard = max(song.heard, number)
        if number == song.sent:
            song.misses = 0
        if lost:
            self._gap(channel)
