"""AutoMod as one service: its parts put together."""

from handlers.automod.models.acts import Act
from handlers.automod.service.holding import Holding
from handlers.automod.service.judging import Judge
from handlers.automod.service.library import Library
from handlers.automod.service.notes import Notes
from handlers.automod.service.ruling import Ruler
from handlers.automod.service.weighing import Scales
from handlers.automod.settings import AutoModSettings
from handlers.automod.store import ActStore, Counters, HeldStore, RuleStore
from handlers.chat.service import Chat
from server.clock import Clock
from server.events import Publisher

MOST_EXPORTED = 10_000


class AutoMod:
    """Rules, what follows from them, and what waits. Commands call the parts."""

    def __init__(
        self,
        *,
        rules: RuleStore,
        held: HeldStore,
        acts: ActStore,
        counters: Counters,
        chat: Chat,
        publish: Publisher,
        clock: Clock,
        settings: AutoModSettings,
    ) -> None:
        self._acts = acts
        self.library = Library(rules)
        scales = Scales(counters, settings)
        notes = Notes(acts, publish=publish, clock=clock)
        self.holding = Holding(held, chat=chat, notes=notes, publish=publish, clock=clock, settings=settings)
        self.judge = Judge(self.library, scales, self.holding, notes, clock=clock)
        self.ruler = Ruler(rules, acts, chat=chat, library=self.library, scales=scales, clock=clock, settings=settings)

    async def forget(self, user_id: str) -> None:
        """Remove what is kept of a person who is erased; that there were acts about him stays."""
        await self.holding.forget(user_id)
        await self._acts.forget(user_id)

    async def taken_along(self, user_id: str) -> list[Act]:
        """Everything that is noted about a person, for his own copy."""
        return await self._acts.of(user_id, limit=MOST_EXPORTED)
