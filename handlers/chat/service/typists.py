"""Who is typing: passed on, never kept."""

from collections import OrderedDict
from collections.abc import Callable

from handlers.chat.events import MessageTyping
from handlers.chat.models.reading import Typing, TypingNow
from handlers.chat.service.access import Enter
from handlers.chat.service.people import People
from handlers.chat.service.views import MOST_SHARED
from server.actors import Actor
from server.clock import Clock
from server.events import Passing, Publisher

EVERY = 3.0
"""Seconds between two that are passed on of one person in one conversation."""
MAX_KNOWN = 50_000
"""People of whom this process knows when they typed last."""


class TypingNotices:
    """Passes typing on to the other members, not too often."""

    def __init__(
        self, *, access: Enter, people: People, publish: Publisher, clock: Clock, used: Callable[[Actor], None]
    ) -> None:
        self._access = access
        self._people = people
        self._publish = publish
        self._clock = clock
        self._used = used
        self._last: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def tell(self, actor: Actor, typing: Typing) -> None:
        """Tell the others. Raises NotFound; it does nothing in large groups, too soon, between blocked people, in a
        request that is not accepted, and for one who hides when he is online.
        """
        # What this process remembers will do as long as nothing is told: most of what a client sends comes too soon.
        access = await self._access(typing.conversation_id, actor, guarded=True)
        self._used(actor)
        if (
            len(access.state.members) > MOST_SHARED
            or access.state.request_to is not None
            or not self._due(typing, actor.user_id)
        ):
            return
        access = await self._access(typing.conversation_id, actor)
        peer = access.state.peer(actor.user_id)
        if peer is not None and (await self._people.block(actor.user_id, peer)).stands:
            return
        if not await self._people.shows_presence(actor.user_id):
            return
        payload = TypingNow(
            conversation_id=typing.conversation_id,
            user_id=actor.user_id,
            is_typing=typing.is_typing,
            kind=typing.kind,
        )
        await self._publish(MessageTyping(payload, to=Passing(access.state.others(actor.user_id))))

    def _due(self, typing: Typing, user_id: str) -> bool:
        """Whether this one is passed on: the first of 3 seconds, and the end of one that was passed on."""
        key, now = (typing.conversation_id, user_id), self._clock.monotonic()
        last = self._last.get(key)
        if not typing.is_typing:
            return self._last.pop(key, None) is not None
        if last is not None and now - last < EVERY:
            return False
        self._last[key] = now
        self._last.move_to_end(key)
        while len(self._last) > MAX_KNOWN:
            self._last.popitem(last=False)
        return True
