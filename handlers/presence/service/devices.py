"""The connections of this process and when each was used: nothing here waits, so nothing comes in between."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import takewhile

from handlers.presence.models import AppState, Device, DeviceState

MAX_LEFT = 100_000
"""People who left of whom this process remembers when."""


@dataclass(slots=True)
class Local:
    """One connection. `device.since` is what Redis knows of its use, `used` what is true."""

    user_id: str
    device: Device
    used: int
    stored: bool = False
    """Whether Redis knew of it. One that it never had is no loss, and is told as new."""


class Devices:
    """The table of them. Times are in milliseconds."""

    def __init__(self) -> None:
        self._by_connection: dict[str, Local] = {}
        self._by_user: dict[str, set[str]] = {}
        self._unwritten: set[str] = set()
        """Connections that were used since Redis last heard of it."""
        self._left: OrderedDict[str, int] = OrderedDict()
        """When people left who have no connection here any more, in that order."""

    def __contains__(self, connection_id: str) -> bool:
        return connection_id in self._by_connection

    def __len__(self) -> int:
        return len(self._by_connection)

    def add(self, user_id: str, device: Device) -> None:
        """A connection has begun."""
        self._by_connection[device.connection] = Local(user_id, device, device.since)
        self._by_user.setdefault(user_id, set()).add(device.connection)
        self._left.pop(user_id, None)

    def remove(self, connection_id: str, *, now: int) -> None:
        """A connection has ended."""
        local = self._by_connection.pop(connection_id, None)
        self._unwritten.discard(connection_id)
        if local is None:
            return
        mine = self._by_user[local.user_id]
        mine.discard(connection_id)
        if not mine:
            del self._by_user[local.user_id]
            self._left[local.user_id] = now
            while len(self._left) > MAX_LEFT:
                self._left.popitem(last=False)

    def clear(self) -> None:
        """All connections have ended."""
        for table in (self._by_connection, self._by_user, self._unwritten, self._left):
            table.clear()

    def stored(self, connection_id: str) -> None:
        """Redis knows of a connection now."""
        if local := self._by_connection.get(connection_id):
            local.stored = True

    def of(self, user_id: str) -> list[Local]:
        """The connections of a person."""
        return [self._by_connection[one] for one in self._by_user.get(user_id, ())]

    def has(self, user_id: str, device_id: str) -> bool:
        """Whether a device of a person is connected here."""
        return any(one.device.device_id == device_id for one in self.of(user_id))

    def stored_people(self) -> set[str]:
        """People whom Redis must know to be here."""
        return {one.user_id for one in self._by_connection.values() if one.stored}

    def left_since(self, moment: int) -> list[str]:
        """People who have left since then, the last first."""
        return [user_id for user_id, _ in takewhile(lambda one: one[1] >= moment, reversed(self._left.items()))]

    def change(
        self, user_id: str, device_id: str, *, state: DeviceState | None = None, app: AppState | None = None
    ) -> None:
        """A device says what it is."""
        for one in self.of(user_id):
            if one.device.device_id == device_id:
                one.device = replace(one.device, state=state or one.device.state, app=app or one.device.app)

    def use(self, user_id: str, device_id: str, *, now: int, idle: int) -> bool:
        """A device is in use. True when it counted as idle, so that it must be written at once."""
        was_idle = False
        for connection in self._by_user.get(user_id, ()):
            one = self._by_connection[connection]
            if one.device.device_id == device_id:
                one.used = now
                self._unwritten.add(connection)
                was_idle = was_idle or now >= one.device.since + idle
        return was_idle

    def wrote(self, user_id: str, device_id: str, *, at: int) -> None:
        """Redis knows that a device was used then."""
        for one in self.of(user_id):
            if one.device.device_id == device_id:
                one.device = replace(one.device, since=at)
                one.used = max(one.used, at)
                if one.used == at:
                    self._unwritten.discard(one.device.connection)

    def unwritten(self, *, before: int) -> Iterator[Local]:
        """Connections that were used meanwhile, of whose last use Redis heard before then."""
        for connection_id in list(self._unwritten):
            local = self._by_connection[connection_id]
            if local.device.since <= before:
                yield local
