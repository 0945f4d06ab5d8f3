"""How many contacts somebody may compare: counted by tags, in days, without knowing the contacts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

Days = Mapping[int, frozenset[int]]
"""The tags that were compared for the first time on each day (days since the year 1)."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one person may do."""

    window: int
    """Days that a compared contact counts."""
    distinct: int
    per_day: int


class TooMany(Exception):
    """More than may be compared now. `room` more may be; `on` is the day from which it is more."""

    def __init__(self, room: int, on: int) -> None:
        super().__init__(f"{room} more, and others on day {on}")
        self.room = room
        self.on = on


def charge(days: Days, tags: Collection[int], today: int, bounds: Bounds) -> Days:
    """The days after comparing these tags today. Raises TooMany, and then nothing was compared.

    What was compared within the window costs nothing. The first day of a window takes a whole address book; each later
    one so many new contacts as the day's bound says.
    """
    running = {day: known for day, known in days.items() if today - bounds.window < day <= today}
    known = frozenset[int]().union(*running.values())
    fresh = frozenset(tags) - known
    spent = running.get(today, frozenset())
    earlier = [day for day, some in running.items() if some and day < today]
    daily = (bounds.per_day if earlier else bounds.distinct) - len(spent)
    whole = bounds.distinct - len(known)
    if fresh and len(fresh) > min(daily, whole):
        oldest = min((day for day, some in running.items() if some), default=today)
        raise TooMany(max(0, min(daily, whole)), today + 1 if daily < whole else oldest + bounds.window)
    return {**running, today: spent | fresh}
