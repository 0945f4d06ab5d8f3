"""The number on the app's icon: in how many of somebody's conversations there is something that he should see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from handlers.chat.models.records import MemberRecord
from handlers.chat.service.unread import Count, Unreads
from handlers.chat.service.views import Views
from handlers.chat.store import MemberStore
from server.clock import Clock


@dataclass(frozen=True, slots=True)
class Badge:
    """Conversations with unread messages, or marked as unread: not muted, not archived, no requests of strangers."""

    number: int
    until: datetime | None
    """When to look again, because messages expire or muting ends; None: time alone changes nothing."""


class Badges:
    """Counts conversations, each time anew."""

    def __init__(self, *, members: MemberStore, unreads: Unreads, views: Views, clock: Clock) -> None:
        self._members = members
        self._unreads = unreads
        self._views = views
        self._clock = clock

    async def of(self, user_id: str) -> Badge:
        """The badge of a person."""
        return await self.among(user_id, await self._members.of_user(user_id))

    async def among(self, user_id: str, mine: Sequence[MemberRecord]) -> Badge:
        """The badge of a person whose memberships these are."""
        wanted = weighed(mine, self._clock.now())
        return await self.by(user_id, wanted, await self._unreads.of(user_id, wanted, mentions=False))

    async def by(self, user_id: str, wanted: Sequence[MemberRecord], counts: Mapping[str, Count]) -> Badge:
        """The badge by the counts of `weighed` memberships. What was archived or put away counts once it is back."""
        open_ = [one for one in wanted if counts[one.conversation_id].unread or one.marked_unread]
        back = await self._views.back(user_id, [one for one in open_ if one.was_put_away])
        number, now = 0, self._clock.now()
        ends: list[datetime | None] = []
        for one in open_:
            if one.was_put_away and one.conversation_id not in back:
                continue
            if one.mutes(now):
                ends.append(one.muted_until)
                continue
            number += 1
            ends.append(back.get(one.conversation_id))
            if not one.marked_unread:
                ends.append(counts[one.conversation_id].until)
        return Badge(number, min((end for end in ends if end is not None), default=None))


def weighed(mine: Sequence[MemberRecord], now: datetime) -> list[MemberRecord]:
    """The memberships that are in a badge if something is unread, now or when muting has ended."""
    return [
        one
        for one in mine
        if not one.requested
        and not (one.archived and one.comes_back_after is None)
        and (not one.mutes(now) or one.muted_until is not None)
    ]
