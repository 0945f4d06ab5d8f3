"""What the devices of this process have on their screens: what matters only while somebody looks is told only there.

A device that never said what it shows is told everything. One that did is told what it shows, until its last
connection ends.
"""

from collections import OrderedDict

MAX_SHOWN = 20
"""Things on one device's screen; the one that was opened first makes room."""

Screen = tuple[str, str]
"""A device of a person."""


class Screens:
    """The table. Slices fill it, the hub looks into it."""

    def __init__(self) -> None:
        self._shown: dict[Screen, OrderedDict[str, None]] = {}

    def open(self, user_id: str, device_id: str, thing: str) -> None:
        """A device shows something from now on."""
        shown = self._shown.setdefault((user_id, device_id), OrderedDict())
        shown[thing] = None
        shown.move_to_end(thing)
        if len(shown) > MAX_SHOWN:
            shown.popitem(last=False)

    def close(self, user_id: str, device_id: str, thing: str) -> None:
        """A device shows something no longer."""
        self._shown.setdefault((user_id, device_id), OrderedDict()).pop(thing, None)

    def shows(self, user_id: str, device_id: str, thing: str) -> bool:
        """Whether a device is to be told what matters only where this is shown."""
        shown = self._shown.get((user_id, device_id))
        return shown is None or thing in shown

    def forget(self, user_id: str, device_id: str) -> None:
        """The device is not connected here any more."""
        self._shown.pop((user_id, device_id), None)

    def __len__(self) -> int:
        """How many devices said what they show."""
        return len(self._shown)
