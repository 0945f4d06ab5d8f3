"""The admins' side: setting rules, trying them out, reading what followed."""

from collections.abc import Callable

from handlers.automod.matching import MOST_STEPS_TOGETHER, Patterns
from handlers.automod.models.acts import ActPage, ListedActs, Outlook, Trial
from handlers.automod.models.rules import (
    ChangedRules,
    ChangedTerms,
    Consequence,
    OneTermRule,
    RuleParts,
    Rules,
    RuleSet,
    TermList,
    TermRule,
    Terms,
)
from handlers.automod.service.errors import NoSuchRule, TooManyRules
from handlers.automod.service.library import Library
from handlers.automod.service.weighing import Content, Scales, outlook
from handlers.automod.settings import AutoModSettings
from handlers.automod.store import ActStore, RuleStore
from handlers.chat.service import Access, Chat
from handlers.chat.service.screening import Ruled
from server.actors import Actor
from server.clock import Clock
from server.errors import Invalid

CLEARED = frozenset({"links", "mentions", "mention_raid", "duplicates", "join_raid"})
"""Parts that null takes away; of the others an empty list does."""

Redraw = Callable[[RuleSet], tuple[RuleSet | None, list[str]]]
"""From the rules as they are to other ones (None: nothing changes), and the names of what changes."""


class Ruler:
    """Sets the rules of groups."""

    def __init__(
        self,
        store: RuleStore,
        acts: ActStore,
        *,
        chat: Chat,
        library: Library,
        scales: Scales,
        clock: Clock,
        settings: AutoModSettings,
    ) -> None:
        self._store = store
        self._acts = acts
        self._chat = chat
        self._library = library
        self._scales = scales
        self._clock = clock
        self._limits = settings

    async def get(self, actor: Actor, conversation_id: str) -> Rules:
        """The rules of a group. Raises NotFound, Forbidden, Conflict (encrypted)."""
        await self._chat.screening.ruled_group(actor, conversation_id)
        return _shown(conversation_id, await self._store.get(conversation_id))

    async def terms(self, actor: Actor, wanted: OneTermRule) -> TermList:
        """One rule of words with its words. Raises NotFound, Forbidden, Conflict, NoSuchRule."""
        await self._chat.screening.ruled_group(actor, wanted.conversation_id)
        rules = await self._store.get(wanted.conversation_id)
        found = _named(rules, wanted.name) if rules else None
        if found is None:
            raise NoSuchRule("There is no rule of words of this name.")
        return TermList(conversation_id=wanted.conversation_id, **dict(found))

    async def change(self, actor: Actor, wanted: ChangedRules) -> Rules:
        """Set rules. Raises NotFound, Forbidden, Conflict, Invalid, TooManyRules."""
        given = {name: getattr(wanted, name) for name in wanted.model_fields_set - {"conversation_id"}}
        for name, value in given.items():
            if value is None and name not in CLEARED:
                message = "cannot be cleared: give an empty list"
                raise Invalid(f"{name}: {message}", details=[{"field": name, "message": message}])
        self._check(given)

        def redraw(rules: RuleSet) -> tuple[RuleSet | None, list[str]]:
            parts = rules.parts.model_copy(update=given)
            changed = [name for name in given if getattr(rules.parts, name) != given[name]]
            return (rules.model_copy(update={"parts": parts}) if changed else None), changed

        return await self._redraw(actor, wanted.conversation_id, redraw)

    async def change_terms(self, actor: Actor, wanted: ChangedTerms) -> Rules:
        """Set the words of one rule, or add some. Raises NotFound, Forbidden, Conflict, TooManyRules."""

        def redraw(rules: RuleSet) -> tuple[RuleSet | None, list[str]]:
            before = _named(rules, wanted.name)
            kept = before.terms if before and wanted.more else []
            terms = list(dict.fromkeys([*kept, *wanted.terms]))
            if len(terms) > self._limits.max_terms:
                raise TooManyRules(f"A rule has at most {self._limits.max_terms} words.")
            consequence = wanted.consequence or (before.consequence if before else Consequence())
            # Each word was checked when it came in: a thousand at once need not be checked again.
            rule = Terms.model_construct(name=wanted.name, terms=terms, consequence=consequence)
            others = [one for one in rules.keywords if one.name != wanted.name]
            if len(others) >= self._limits.max_keyword_rules:
                raise TooManyRules(f"A group has at most {self._limits.max_keyword_rules} rules of words.")
            return (None if rule == before else rules.model_copy(update={"keywords": [*others, rule]})), ["keywords"]

        return await self._redraw(actor, wanted.conversation_id, redraw)

    async def remove_terms(self, actor: Actor, wanted: OneTermRule) -> None:
        """Take a rule of words away. Raises NotFound, Forbidden, Conflict, NoSuchRule."""

        def redraw(rules: RuleSet) -> tuple[RuleSet | None, list[str]]:
            if _named(rules, wanted.name) is None:
                raise NoSuchRule("There is no rule of words of this name.")
            others = [one for one in rules.keywords if one.name != wanted.name]
            return rules.model_copy(update={"keywords": others}), ["keywords"]

        await self._redraw(actor, wanted.conversation_id, redraw)

    async def try_out(self, actor: Actor, wanted: Trial) -> Outlook:
        """What would happen to a text. Raises NotFound, Forbidden, Conflict."""
        access = await self._chat.screening.ruled_group(actor, wanted.conversation_id)
        compiled = await self._library.of(wanted.conversation_id, access.state.record.screening)
        if compiled is None:
            return outlook([])
        content = Content(
            scope_id=wanted.conversation_id,
            user_id=actor.user_id,
            texts=[wanted.content],
            addresses=[],
            mentions=len(set(wanted.mentioned_user_ids)),
            op=None,
        )
        return outlook(await self._scales.dry(compiled, content))

    async def acts(self, actor: Actor, wanted: ListedActs) -> ActPage:
        """What AutoMod did in a group. Raises NotFound, Forbidden, Conflict."""
        await self._chat.screening.ruled_group(actor, wanted.conversation_id)
        found = await self._acts.page(wanted.conversation_id, before=wanted.cursor, limit=wanted.limit + 1)
        page = found[: wanted.limit]
        return ActPage(acts=page, next_cursor=page[-1].id if len(found) > len(page) else None)

    async def unlock(self, actor: Actor, conversation_id: str) -> None:
        """Let people come by links again. Raises NotFound, Forbidden."""
        await self._chat.screening.unlock(actor, conversation_id)

    async def _redraw(self, actor: Actor, conversation_id: str, redraw: Redraw) -> Rules:
        """Change the rules with an entry of the group's log, in its transaction, on top of what other admins did."""
        drawn: RuleSet | None = None

        async def draw(_: Access) -> Ruled | None:
            nonlocal drawn
            now = self._clock.now()
            before = await self._store.get(conversation_id)
            if before is None:
                before = RuleSet(scope_id=conversation_id, revision=0, set_by=actor.user_id, set_at=now)
            wanted, names = redraw(before)
            drawn = wanted or before
            if wanted is None:
                return None
            rules = drawn = wanted.model_copy(update={"set_by": actor.user_id, "set_at": now})
            return Ruled(
                screened=rules.screens,
                join_limit=self._join_limit(rules.parts),
                effects=lambda seq: [self._store.setting(rules.model_copy(update={"revision": seq}))],
                fields=sorted(
                    f"automod.{RuleParts.model_fields[name].alias if name != 'keywords' else name}" for name in names
                ),
            )

        await self._chat.screening.change(actor, conversation_id, draw)
        return _shown(conversation_id, drawn)

    def _join_limit(self, parts: RuleParts) -> int:
        if parts.join_raid is None:
            return 0
        return parts.join_raid.per_minute or self._limits.joins_per_minute

    def _check(self, given: dict[str, object]) -> None:
        for name, most in (("patterns", self._limits.max_patterns), ("allow", self._limits.max_allowed)):
            value = given.get(name)
            if isinstance(value, list) and len(value) > most:
                raise TooManyRules(f"{name}: a group has at most {most}.")
        patterns = given.get("patterns")
        if isinstance(patterns, list) and Patterns([one.pattern for one in patterns]).steps > MOST_STEPS_TOGETHER:
            raise TooManyRules("patterns: together they are too large, because their parts repeat too often.")


def _named(rules: RuleSet, name: str) -> Terms | None:
    return next((one for one in rules.keywords if one.name == name), None)


def _shown(conversation_id: str, rules: RuleSet | None) -> Rules:
    parts = rules.parts if rules else RuleParts()
    keywords = rules.keywords if rules else []
    return Rules(
        conversation_id=conversation_id,
        set_by=rules.set_by if rules else None,
        set_at=rules.set_at if rules else None,
        keywords=[TermRule(name=one.name, count=len(one.terms), consequence=one.consequence) for one in keywords],
        **dict(parts),
    )
