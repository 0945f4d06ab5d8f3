"""How many strangers somebody may turn to, and how often somebody may be brought into groups by strangers."""

from collections.abc import Collection
from datetime import timedelta

from crypto.ids import made_at
from server.clock import Clock
from server.routes import Limit
from server.slices import Spender

DAY = 86_400
NEW_ACCOUNT = timedelta(days=7)
CONTACTS = Limit(20, DAY / 20, strict=True)
"""Messaging rules §5: new conversations with people who are no friends, 20 a day."""
FIRST_CONTACTS = Limit(5, DAY / 5, strict=True)
"""The same in the first week of an account."""
INVITED = Limit(5, 333, by="target", strict=True)
"""Messaging rules §5: how often strangers bring somebody into groups, whoever they are."""

INTO = Limit(10, 1 / 0.3, by="target")
"""Messaging rules §5: how often people are added to one group, whoever does it."""


class Strangers:
    """Counts what people do with strangers. It refuses while it cannot count."""

    def __init__(self, spend: Spender, clock: Clock, *, wait: bool) -> None:
        """`wait` says whether what a stranger begins is a request, until it is accepted."""
        self._spend = spend
        self._clock = clock
        self._wait = wait

    async def begins(self, user_id: str) -> bool:
        """Somebody begins a conversation with a stranger; whether it is a request to that one.

        Raises RateLimited, Unavailable.
        """
        made = made_at(user_id)
        new = made is not None and self._clock.now() - made < NEW_ACCOUNT
        await self._spend("chat.create:strangers", [(user_id, FIRST_CONTACTS if new else CONTACTS)])
        return self._wait

    async def adds_to(self, conversation_id: str) -> None:
        """Somebody adds people to a group. Raises RateLimited."""
        await self._spend("chat.add_participants:group", [(conversation_id, INTO)])

    async def invited(self, user_ids: Collection[str]) -> None:
        """Strangers of somebody are brought into a group by him. Raises RateLimited, Unavailable."""
        if user_ids:
            await self._spend("chat.invited", [(one, INVITED) for one in sorted(user_ids)])
