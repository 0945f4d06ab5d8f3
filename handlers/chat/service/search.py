"""Finding messages in one's own conversations: by words, sender, kind and time."""

import asyncio
from typing import NoReturn

from handlers.chat.body import seen_by
from handlers.chat.cursors import read_cursor, write_cursor
from handlers.chat.models.messages import Message
from handlers.chat.models.search import Found, Has, Search, Span
from handlers.chat.service.access import Enter
from handlers.chat.service.checks import WITH_MEDIA, refuse
from handlers.chat.service.views import Eyes
from handlers.chat.service.wire import message_of
from handlers.chat.store import ConversationStore, MemberStore, SearchStore, Sought, Spot
from handlers.chat.words import LINK, MARKED, MENTION, places_of, words_of
from server.actors import Actor
from server.clock import Clock
from storage.log import Entry

MAX_LOOKS = 10
"""Pages that one search reads for one page that it shows."""

_MARKS: dict[Has, str] = {"link": LINK, "mention": MENTION}


class Finder:
    """Searches messages."""

    def __init__(
        self,
        *,
        access: Enter,
        conversations: ConversationStore,
        members: MemberStore,
        index: SearchStore,
        clock: Clock,
    ) -> None:
        self._access = access
        self._conversations = conversations
        self._members = members
        self._index = index
        self._clock = clock

    async def find(self, actor: Actor, wanted: Search) -> Found:
        """Messages of which all that is wanted is true, the newest first. Raises NotFound, Invalid."""
        words = _words(wanted.q)
        sought = _sought(wanted, words)
        spot = _spot(wanted.cursor) if wanted.cursor else None
        since = await self._since(actor, wanted)
        found: list[tuple[Spot, Entry]] = []
        more = bool(since) and sought.types != []
        if more and sought.index is None:
            _too_wide()
        for _ in range(MAX_LOOKS):
            if not more or len(found) > wanted.limit:
                break
            rows = await self._index.find(
                sought, list(since), viewer=actor.user_id, now=self._clock.now(), after=spot, limit=wanted.limit + 1
            )
            more = len(rows) > wanted.limit
            spot = rows[-1][0] if rows else spot
            found += [row for row in rows if _is_seen(row[1], actor.user_id, since, sought)]
        page = found[: wanted.limit]
        last = page[-1][0] if len(found) > wanted.limit else spot
        messages = [message_of(entry, actor.user_id) for _, entry in page]
        return Found(
            messages=messages,
            highlights=_highlights(messages, words),
            next_cursor=write_cursor(last.at, last.key.hex()) if last and (more or len(found) > wanted.limit) else None,
        )

    async def _since(self, actor: Actor, wanted: Search) -> dict[str, int]:
        """Where to look, and from which entry on."""
        named = list(dict.fromkeys([*([wanted.conversation_id] if wanted.conversation_id else ()), *wanted.in_]))
        if named:
            ways = await asyncio.gather(*(self._access(one, actor) for one in named))
            return {way.conversation_id: way.join_seq for way in ways if not way.state.record.is_encrypted}
        mine = {member.conversation_id: member.sees_from for member in await self._members.of_user(actor.user_id)}
        encrypted = await self._conversations.encrypted_among(list(mine))
        return {one: seq for one, seq in mine.items() if one not in encrypted}


def _words(q: str | None) -> list[str]:
    if q is None:
        return []
    words = words_of(q)
    if not words:
        refuse("q", "must have letters or digits")
    return words


def _sought(wanted: Search, words: list[str]) -> Sought:
    types: set[str] | None = set(wanted.type) or None
    for one in wanted.has:
        if one not in _MARKS:
            kinds: set[str] = set(WITH_MEDIA) if one == "media" else {one}
            types = kinds if types is None else types & kinds
    if not (words or wanted.from_ or wanted.has or set(wanted.type) & MARKED):
        _too_wide()
    return Sought(
        terms=[*words, *(_MARKS[one] for one in wanted.has if one in _MARKS)],
        senders=list(dict.fromkeys(wanted.from_)),
        types=None if types is None else sorted(types),
        before=wanted.before,
        since=wanted.after,
    )


def _too_wide() -> NoReturn:
    refuse("q", "give words, or `from`, `has` or a `type` other than text")


def _is_seen(entry: Entry, viewer: str, since: dict[str, int], sought: Sought) -> bool:
    """Whether the viewer may see it, and what he sees of it has the words: a block may veil a change from him."""
    if not Eyes(viewer, since[entry.conversation]).may_see(entry):
        return False
    return set(sought.terms) <= set(seen_by(entry.body, viewer).get("words", ()))


def _highlights(messages: list[Message], words: list[str]) -> dict[str, list[Span]]:
    wanted = set(words)
    found = {one.id: places_of(wanted, one.content) for one in messages if wanted}
    return {
        one: [Span(offset=offset, length=length) for offset, length in places]
        for one, places in found.items()
        if places
    }


def _spot(cursor: str) -> Spot:
    try:
        at, key = read_cursor(cursor)
        raw = bytes.fromhex(key)
    except ValueError:
        refuse("cursor", "is not one of ours")
    return Spot(at, raw)
