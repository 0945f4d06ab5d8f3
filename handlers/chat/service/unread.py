"""What somebody has not read, counted from the log each time: never a counter that could drift."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from handlers.chat.models.records import MemberRecord
from handlers.chat.service.people import People
from handlers.chat.store import MentionStore
from server.clock import Clock
from storage.log import Log

NAMED = 20_000
"""Blocked people in one question, which names them once for each conversation."""


@dataclass(frozen=True, slots=True)
class Count:
    """Messages of others that somebody has not read, and those of them that mention him."""

    unread: int
    mentions: int


class Unreads:
    """Counts messages after somebody's watermark: not his own, not deleted, expired or hidden, of nobody he blocks."""

    def __init__(self, log: Log, mentions: MentionStore, people: People, clock: Clock) -> None:
        self._log = log
        self._mentions = mentions
        self._people = people
        self._clock = clock

    async def of(self, user_id: str, members: Collection[MemberRecord]) -> dict[str, Count]:
        """The counts of one person in the conversations of these memberships."""
        if not members:
            return {}
        blocked = await self._people.blocked_by(user_id)
        positions: Sequence[tuple[str, int]] = [(member.conversation_id, member.seen_seq) for member in members]
        unread: dict[str, int] = {}
        step = max(1, NAMED // (len(blocked) + 1))
        for start in range(0, len(positions), step):
            some = positions[start : start + step]
            unread |= await self._log.unread(some, not_from=user_id, nor_from=blocked)
        open_ = [position for position in positions if unread[position[0]]]
        mentions = await self._mentions.count(user_id, open_, not_from=[user_id, *blocked], now=self._clock.now())
        gone = await self._mentions.gone(user_id, open_, not_from=[user_id, *blocked], now=self._clock.now())
        for one, count in gone.items():
            unread[one] = max(0, unread[one] - count)
        return {one: Count(unread[one], mentions.get(one, 0)) for one, _ in positions}
