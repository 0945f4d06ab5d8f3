"""What somebody has not read, counted from the log each time: never a counter that could drift."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from handlers.chat.models.records import MemberRecord
from handlers.chat.service.people import People
from handlers.chat.store import MentionStore
from server.clock import Clock
from storage.log import Log, Open

NAMED = 20_000
"""Blocked people in one question, which names them once for each conversation."""


@dataclass(frozen=True, slots=True)
class Count:
    """Messages of others that somebody has not read, and those of them that mention him."""

    unread: int
    mentions: int
    until: datetime | None = None
    """When to look again whether anything is unread, because messages expire; None: time alone changes nothing."""


class Unreads:
    """Counts messages after somebody's watermark: not his own, not deleted, expired or hidden, of nobody he blocks."""

    def __init__(self, log: Log, mentions: MentionStore, people: People, clock: Clock) -> None:
        self._log = log
        self._mentions = mentions
        self._people = people
        self._clock = clock

    async def of(self, user_id: str, members: Collection[MemberRecord], *, mentions: bool = True) -> dict[str, Count]:
        """The counts of one person in the conversations of these memberships; without `mentions` these are 0."""
        if not members:
            return {}
        blocked = await self._people.blocked_by(user_id)
        positions: Sequence[tuple[str, int]] = [(member.conversation_id, member.seen_seq) for member in members]
        found: dict[str, Open] = {}
        step = max(1, NAMED // (len(blocked) + 1))
        for start in range(0, len(positions), step):
            some = positions[start : start + step]
            found |= await self._log.open_after(some, not_from=user_id, nor_from=blocked)
        open_ = [position for position in positions if found[position[0]].count]
        nobody, now = [user_id, *blocked], self._clock.now()
        named = await self._mentions.count(user_id, open_, not_from=nobody, now=now) if mentions else {}
        gone = await self._mentions.gone(user_id, open_, not_from=nobody, now=now)
        return {one: _count(found[one], named.get(one, 0), gone.get(one, 0)) for one, _ in positions}


def _count(found: Open, mentions: int, gone: int) -> Count:
    """Of the messages that the person has deleted for himself it is not known which ones they are.

    So with them in it the count is looked at when the first message expires, and else not before the last one does.
    """
    return Count(max(0, found.count - gone), mentions, found.first_end if gone else found.last_end)
