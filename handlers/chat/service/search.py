"""Finding messages by words, in one's own conversations."""

from handlers.chat.cursors import read_cursor, write_cursor
from handlers.chat.models.reading import Found, Search
from handlers.chat.service.access import Enter
from handlers.chat.service.checks import refuse
from handlers.chat.service.views import Eyes
from handlers.chat.service.wire import message_of
from handlers.chat.store import MemberStore, SearchStore, Spot
from handlers.chat.words import words_of
from server.actors import Actor
from server.clock import Clock
from storage.log import Entry

MAX_LOOKS = 10
"""Pages that one search reads for one page that it shows."""


class Finder:
    """Searches messages."""

    def __init__(self, *, access: Enter, members: MemberStore, index: SearchStore, clock: Clock) -> None:
        self._access = access
        self._members = members
        self._index = index
        self._clock = clock

    async def find(self, actor: Actor, wanted: Search) -> Found:
        """Messages that have all the words, the newest first. Raises NotFound, Invalid."""
        words = words_of(wanted.q)
        if not words:
            refuse("q", "must have letters or digits")
        spot = _spot(wanted.cursor) if wanted.cursor else None
        since = await self._since(actor, wanted.conversation_id)
        found: list[tuple[Spot, Entry]] = []
        more = bool(since)
        for _ in range(MAX_LOOKS):
            if not more or len(found) > wanted.limit:
                break
            rows = await self._index.find(
                words, list(since), viewer=actor.user_id, now=self._clock.now(), after=spot, limit=wanted.limit + 1
            )
            more = len(rows) > wanted.limit
            spot = rows[-1][0] if rows else spot
            found += [row for row in rows if Eyes(actor.user_id, since[row[1].conversation]).may_see(row[1])]
        page = found[: wanted.limit]
        last = page[-1][0] if len(found) > wanted.limit else spot
        return Found(
            messages=[message_of(entry, actor.user_id) for _, entry in page],
            next_cursor=write_cursor(last.at, last.key.hex()) if last and (more or len(found) > wanted.limit) else None,
        )

    async def _since(self, actor: Actor, conversation_id: str | None) -> dict[str, int]:
        """Where to look, and from which entry on."""
        if conversation_id is not None:
            access = await self._access(conversation_id, actor)
            return {conversation_id: access.join_seq}
        return {member.conversation_id: member.join_seq for member in await self._members.of_user(actor.user_id)}


def _spot(cursor: str) -> Spot:
    try:
        at, key = read_cursor(cursor)
        raw = bytes.fromhex(key)
    except ValueError:
        refuse("cursor", "is not one of ours")
    return Spot(at, raw)
