"""What the rules find in what somebody wants to say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crypto.ids import new_id
from handlers.automod.hosts import Host, hosts, lookalike, within
from handlers.automod.likeness import distance, simhash
from handlers.automod.models.acts import MAX_FOUND, Hit, Outlook, RuleKind
from handlers.automod.models.rules import Consequence, LinkRule, RuleParts, Then
from handlers.automod.service.library import Compiled
from handlers.automod.settings import AutoModSettings
from handlers.automod.store import Counters

STRICTEST: tuple[Then, ...] = ("block", "hold", "limit", "pass")


@dataclass(frozen=True, slots=True)
class Content:
    """What somebody wants to say, wherever that is."""

    scope_id: str
    user_id: str
    texts: Sequence[str]
    addresses: Sequence[str]
    mentions: int
    op: str | None
    """The same for each attempt to say it, so that it is counted once."""


def outlook(hits: Sequence[Hit], *, edit: bool = False) -> Outlook:
    """What follows from hits together: the strictest of it, and the longest silence."""
    consequences = [hit.consequence for hit in hits]
    outcome: Then = min((one.then for one in consequences), key=STRICTEST.index, default="pass")
    timeouts = [one.timeout for one in consequences if one.timeout is not None]
    return Outlook(
        outcome="block" if edit and outcome in {"hold", "limit"} else outcome,
        alert=any(one.alert for one in consequences),
        timeout=max(timeouts, default=None),
        hits=list(hits),
    )


class Scales:
    """Weighs what is said by a scope's rules."""

    def __init__(self, counters: Counters, settings: AutoModSettings) -> None:
        self._counters = counters
        self._rules = settings

    async def hits(self, compiled: Compiled, content: Content) -> list[Hit]:
        """Everything that the rules find, and what is counted from now on."""
        found = await self.dry(compiled, content)
        parts = compiled.rules.parts
        if parts.mention_raid is not None and content.mentions:
            found += await self._raid(parts, content)
        if parts.duplicates is not None:
            found += await self._repeated(parts, content)
        return found

    async def dry(self, compiled: Compiled, content: Content) -> list[Hit]:
        """What the rules find that look at this alone. Nothing is counted."""
        rules, parts = compiled.rules, compiled.rules.parts
        found: list[Hit] = []
        for place, term in sorted(compiled.lexicon.found_in(content.texts).items()):
            found.append(_hit("keyword", rules.keywords[place].name, term, rules.keywords[place].consequence))
        for place, text in sorted((await compiled.patterns.found_in(content.texts)).items()):
            found.append(_hit("pattern", parts.patterns[place].name, text, parts.patterns[place].consequence))
        if parts.links is not None:
            found += _led_astray(parts.links, content)
        if parts.mentions is not None and content.mentions > parts.mentions.most:
            found.append(_hit("mentions", "", str(content.mentions), parts.mentions.consequence))
        return found

    async def _raid(self, parts: RuleParts, content: Content) -> list[Hit]:
        rule = parts.mention_raid
        if rule is None:
            return []
        thing = f"{content.user_id}/{content.op or new_id()}:{content.mentions}"
        seen = await self._counters.seen(f"mentions:{{{content.scope_id}}}", thing, seconds=rule.seconds)
        total = sum(int(one.rpartition(":")[2]) for one in seen)
        return [_hit("mentionRaid", "", str(total), rule.consequence)] if total > rule.most else []

    async def _repeated(self, parts: RuleParts, content: Content) -> list[Hit]:
        rule, likeness = parts.duplicates, simhash(" ".join(content.texts))
        if rule is None or likeness is None:
            return []
        thing, seconds = f"{likeness:016x}:{content.scope_id}", rule.seconds or self._rules.duplicate_seconds
        seen = await self._counters.seen(f"texts:{{{content.user_id}}}", thing, seconds=seconds)
        scopes = {
            scope
            for other, _, scope in (one.partition(":") for one in seen)
            if distance(int(other, 16), likeness) <= self._rules.duplicate_bits
        }
        most = rule.conversations or self._rules.duplicate_conversations
        return [_hit("duplicate", "", str(len(scopes)), rule.consequence)] if len(scopes) >= most else []


def _led_astray(rule: LinkRule, content: Content) -> Iterator[Hit]:
    """The first address that leads where none may."""
    named = [host for text in content.texts for host in hosts(text)]
    if rule.mode == "deny":
        named += [host for address in content.addresses for host in hosts(address)]
    wrong = next((host for host in named if _wrong(rule, host)), None)
    if wrong is not None:
        yield _hit("link", "", wrong.name, rule.consequence)


def _wrong(rule: LinkRule, host: Host) -> bool:
    if rule.mode == "allow":
        return host.link and within(host.name, rule.domains) is None
    names = {host.name, lookalike(host.name)}
    return any(within(name, rule.domains) is not None for name in names)


def _hit(kind: RuleKind, name: str, found: str, consequence: Consequence) -> Hit:
    return Hit(kind=kind, name=name, found=found[:MAX_FOUND], consequence=consequence)
