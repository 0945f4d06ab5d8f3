"""What becomes of something that somebody wants to say: the chat asks, by its port `Screen`."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from handlers.automod.models.acts import Hit, Outlook, Reason, RuleKind
from handlers.automod.service.holding import Holding
from handlers.automod.service.library import Library
from handlers.automod.service.notes import Notes, reasons_of
from handlers.automod.service.weighing import Content, Scales, outlook
from handlers.chat.service import SAY, Said, Screened, Verdict
from server.clock import Clock

_WRONG: dict[RuleKind, str] = {
    "keyword": "words that are not allowed here",
    "pattern": "a text that is not allowed here",
    "link": "an address that is not allowed here",
    "mentions": "too many people mentioned at once",
    "mentionRaid": "more people mentioned, when all have just mentioned too many",
    "duplicate": "what you have just said in several groups",
}


class Judge:
    """Applies a scope's rules."""

    def __init__(self, library: Library, scales: Scales, holding: Holding, notes: Notes, *, clock: Clock) -> None:
        self._library = library
        self._scales = scales
        self._holding = holding
        self._notes = notes
        self._clock = clock

    async def judge(self, said: Said) -> Verdict:
        """What becomes of this."""
        hits = await self._hits(said)
        if not hits:
            return SAY
        now = await said.anew()
        if now.revision != said.revision:
            hits = await self._hits(now) if now.revision else []
        return await self._follow(now, hits) if hits else SAY

    async def _hits(self, said: Said) -> list[Hit]:
        compiled = await self._library.of(said.conversation_id, said.revision)
        if compiled is None or said.role in compiled.rules.parts.exempt:
            return []
        return await self._scales.hits(compiled, content_of(said))

    async def locked(self, conversation_id: str, admins: Sequence[str]) -> None:
        """So many came at once that an admin lets in the next ones: it is noted, and the admins are told."""
        reason = Reason(kind="joinRaid", name="", found="")
        await self._notes.note(conversation_id, "lock", user_id=None, reasons=[reason], alert=admins)

    async def weigh(self, scope_id: str, revision: int, content: Content) -> Outlook:
        """What would follow from the rules of any scope, for slices that have something else than messages."""
        compiled = await self._library.of(scope_id, revision)
        return outlook([] if compiled is None else await self._scales.hits(compiled, content))

    async def _follow(self, said: Said, hits: Sequence[Hit]) -> Verdict:
        found = outlook(hits, edit=said.message is None)
        silent_until = self._until(said, found)
        held_id = None
        if found.outcome == "hold":
            held = await self._holding.hold(said, hits)
            if held.passes:
                return SAY
            if not held.fresh:
                return Verdict(refusal=held.refusal)
            held_id = held.id
        await self._notes.note(
            said.conversation_id,
            found.outcome,
            user_id=said.user_id,
            reasons=reasons_of(hits),
            edit=said.message is None,
            held_id=held_id,
            silent_until=silent_until,
            alert=said.admins if found.alert else (),
        )
        if found.outcome == "hold":
            return Verdict(refusal=held.refusal, silent_until=silent_until)
        refusal = blocked(hits) if found.outcome == "block" else None
        return Verdict(limited=found.outcome == "limit", refusal=refusal, silent_until=silent_until)

    def _until(self, said: Said, found: Outlook) -> datetime | None:
        if found.timeout is None or said.role != "member":
            return None
        return self._clock.now() + timedelta(seconds=found.timeout)


def blocked(hits: Sequence[Hit]) -> Screened:
    """What the sender is told of something that is refused: what is wrong with it, not which words are looked for."""
    kinds = list(dict.fromkeys(hit.kind for hit in hits if hit.consequence.then != "pass")) or [hits[0].kind]
    wrong = " and ".join(_WRONG[kind] for kind in kinds if kind in _WRONG)
    details = [{"field": "content", "message": _WRONG[kind]} for kind in kinds if kind in _WRONG]
    return Screened(f"The rules of this group do not let you say this: it has {wrong}.", details=details)


def content_of(said: Said) -> Content:
    """What is weighed of a message."""
    return Content(
        scope_id=said.conversation_id,
        user_id=said.user_id,
        texts=said.texts,
        addresses=said.addresses,
        mentions=said.mentions,
        op=said.op,
    )
