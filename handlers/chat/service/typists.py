"""Who is typing: passed on to those who have the conversation open, and kept nowhere."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection

from handlers.chat.events import MessageTyping
from handlers.chat.models.reading import Opened, Typing, TypingNow
from handlers.chat.service.access import Access, Enter
from handlers.chat.service.people import People
from handlers.chat.service.views import MOST_SHARED
from handlers.chat.settings import ChatSettings
from handlers.chat.store.typists import NAMED, SEVERAL, TypistStore
from server.actors import Actor
from server.clock import Clock
from server.events import Passing, Publisher
from server.hub.screens import Screens

MAX_KNOWN = 50_000
"""People of whom this process knows when they typed last."""

Count = Callable[[str, Collection[str]], Awaitable[int | None]]
"""How many members of a large group are here; None while that cannot be known."""


class TypingNotices:
    """Passes typing on to the other members, not too often."""

    def __init__(
        self,
        *,
        access: Enter,
        people: People,
        store: TypistStore,
        screens: Screens,
        count: Count,
        publish: Publisher,
        clock: Clock,
        used: Callable[[Actor], None],
        settings: ChatSettings,
    ) -> None:
        self._access = access
        self._people = people
        self._store = store
        self._screens = screens
        self._count = count
        self._publish = publish
        self._clock = clock
        self._used = used
        self._rules = settings
        self._last: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def open(self, actor: Actor, conversation_id: str) -> Opened:
        """A device shows a conversation. Raises NotFound."""
        access = await self._access(conversation_id, actor)
        self._used(actor)
        self._screens.open(actor.user_id, actor.device_id, conversation_id)
        members = list(access.state.members)
        count = await self._count(conversation_id, members) if len(members) > MOST_SHARED else None
        return Opened(conversation_id=conversation_id, online_count=count)

    async def close(self, actor: Actor, conversation_id: str) -> None:
        """A device shows a conversation no longer. Raises NotFound, and it shows it no longer then either."""
        self._screens.close(actor.user_id, actor.device_id, conversation_id)
        await self._access(conversation_id, actor, guarded=True)

    def said(self, actor: Actor, conversation_id: str) -> None:
        """Somebody said something: whoever gets that knows that he does not type any more."""
        self._last.pop((conversation_id, actor.user_id), None)

    async def tell(self, actor: Actor, typing: Typing) -> None:
        """Tell the others. Raises NotFound; it does nothing in large groups, too soon, in a request that is not
        accepted, and for people from whom the one who types hides or between whom and him there is a block.
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
        others = access.state.others(actor.user_id)
        to = set(others) - await self._people.hidden_from(actor.user_id, others)
        if to and (news := await self._news(access, typing)) is not None:
            await self._publish(MessageTyping(news, to=Passing(to, where=typing.conversation_id)))

    async def _news(self, access: Access, typing: Typing) -> TypingNow | None:
        """What is told: in a group so many people are named at once, and of more it is told that there are several."""
        user_id, verdict = access.user_id, NAMED
        if len(access.state.members) > self._rules.typing_named + 1:
            if not typing.is_typing:
                verdict = NAMED if await self._store.ends(access.conversation_id, user_id) else 0
            else:
                verdict = await self._store.types(
                    access.conversation_id,
                    user_id,
                    now=round(self._clock.now().timestamp() * 1000),
                    lasts=round(self._rules.typing_ends_seconds * 1000),
                    every=round(self._rules.typing_every_seconds * 1000),
                    named=self._rules.typing_named,
                )
        if verdict == 0:
            return None
        return TypingNow(
            conversation_id=access.conversation_id,
            user_id=user_id if verdict == NAMED else None,
            is_typing=typing.is_typing,
            kind=typing.kind if verdict == NAMED else "text",
            several=verdict == SEVERAL,
        )

    def _due(self, typing: Typing, user_id: str) -> bool:
        """Whether this one is passed on: the first of 3 seconds, and the end of one that others still see."""
        key, now = (typing.conversation_id, user_id), self._clock.monotonic()
        last = self._last.get(key)
        if not typing.is_typing:
            self._last.pop(key, None)
            return last is not None and now - last < self._rules.typing_ends_seconds
        if last is not None and now - last < self._rules.typing_every_seconds:
            return False
        self._last[key] = now
        self._last.move_to_end(key)
        while len(self._last) > MAX_KNOWN:
            self._last.popitem(last=False)
        return True
