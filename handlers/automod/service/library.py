"""The rules of the scopes used last, compiled: read once, and again when a scope names younger ones."""

import asyncio
from collections import OrderedDict
from contextvars import Context
from dataclasses import dataclass
from functools import partial

from handlers.automod.matching import Lexicon, Patterns
from handlers.automod.models.rules import RuleSet
from handlers.automod.store import RuleStore

CAPACITY = 4_000_000
"""Characters that a process has compiled at most; a hundred bytes of memory each are a safe guess."""
BESIDE = 10_000
"""What a scope without words counts for."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A scope's rules, ready to be used."""

    rules: RuleSet
    lexicon: Lexicon
    patterns: Patterns

    @property
    def weight(self) -> int:
        """What it counts for."""
        return BESIDE + self.lexicon.weight


def compiled(rules: RuleSet) -> Compiled:
    """Rules made ready. It takes up to seconds for six thousand long terms: call it in a thread."""
    words = Lexicon([one.terms for one in rules.keywords], rules.parts.allow)
    return Compiled(rules, words, Patterns([one.pattern for one in rules.parts.patterns]))


class Library:
    """Compiled rules by scope."""

    def __init__(self, store: RuleStore, *, capacity: int = CAPACITY) -> None:
        self._store = store
        self._capacity = capacity
        self._weight = 0
        self._known: OrderedDict[str, Compiled] = OrderedDict()
        self._loading: dict[str, asyncio.Task[Compiled | None]] = {}

    async def of(self, scope_id: str, revision: int) -> Compiled | None:
        """The rules of a scope of this revision or a younger one; None when there are none."""
        known = self._known.get(scope_id)
        if known is not None and known.rules.revision >= revision:
            self._known.move_to_end(scope_id)
            return known
        found = await self._load_once(scope_id)
        if found is not None and found.rules.revision < revision:  # that reading had begun before they were changed
            found = await self._load_once(scope_id)
        return found

    async def _load_once(self, scope_id: str) -> Compiled | None:
        """Read rules, or wait for a reading that is under way."""
        running = self._loading.get(scope_id)
        if running is None:
            running = asyncio.get_running_loop().create_task(self._load(scope_id), context=Context())
            self._loading[scope_id] = running
            running.add_done_callback(partial(self._loaded, scope_id))
        return await asyncio.shield(running)

    def _loaded(self, scope_id: str, task: asyncio.Task[Compiled | None]) -> None:
        self._loading.pop(scope_id, None)
        if not task.cancelled():
            task.exception()  # whoever waits has it; when nobody does it is no error that it was not fetched

    async def _load(self, scope_id: str) -> Compiled | None:
        rules = await self._store.get(scope_id)
        if rules is None:
            return None
        made = await asyncio.to_thread(compiled, rules)
        before = self._known.pop(scope_id, None)
        self._weight += made.weight - (before.weight if before else 0)
        self._known[scope_id] = made
        while self._weight > self._capacity and len(self._known) > 1:
            _, oldest = self._known.popitem(last=False)
            self._weight -= oldest.weight
        return made
