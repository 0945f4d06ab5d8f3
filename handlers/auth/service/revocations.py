"""Which sessions have ended: known to every process within a second or two, asked of the database only in doubt."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from handlers.auth.models import Revocation
from handlers.auth.store import RevocationStore
from server.clock import Clock
from server.hub.connections import Connection
from server.slices import Cutter
from server.together import Together

log = logging.getLogger("mixee.auth.revocations")

EVERY = 1.0
"""Seconds between two looks at what ended elsewhere."""
STALE = 2.0
"""Seconds after which the last look counts no more, and the database is asked about each session."""
OVERLAP = timedelta(seconds=10)
"""How far each look reaches back: a revocation becomes visible some time after the moment it is stamped with."""
MOST = 100_000
"""Ended sessions that one process remembers; with more, the database is asked."""
RELOAD = 60.0
"""Seconds between two clearings, and between attempts to remember everything again while there are more."""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Revocations:
    """The ended sessions whose access tokens are still valid, as this process knows them.

    A look at the database is one small indexed read. A process that cannot look accepts nobody on old knowledge. When
    thousands sign in at once it may not come to look in time: then they ask together.
    """

    def __init__(self, store: RevocationStore, clock: Clock, *, cut: Cutter) -> None:
        self._store = store
        self._clock = clock
        self._cut = cut
        self._ask = Together(store.have)
        self._ended: dict[str, Revocation] = {}
        self._whole = False
        self._looked_at = float("-inf")
        self._newest = BEGINNING
        self._next_reload = float("-inf")
        self._connected: dict[str, str] = {}

    async def has(self, session_id: str) -> bool:
        """Whether the session ended. Raises Unavailable when that cannot be known."""
        if session_id in self._ended:
            return True
        if self._whole and self._clock.monotonic() - self._looked_at <= STALE:
            return False
        return await self._ask(session_id)

    def note(self, session_id: str, code: str, until: datetime) -> None:
        """Remember a session that was ended by this process, and committed."""
        self._remember(Revocation(id=session_id, code=code, at=self._clock.now(), until=until))

    async def look(self) -> None:
        """Learn what ended elsewhere, and cut the connections of it that are still here. Raises PyMongoError."""
        looked_at = self._clock.monotonic()
        everything = looked_at >= self._next_reload and not self._whole
        if looked_at >= self._next_reload:
            self._next_reload = looked_at + RELOAD
            self._forget()
        found = await self._store.since(BEGINNING if everything else self._newest - OVERLAP, limit=MOST + 1)
        self._whole = (self._whole or everything) and len(found) <= MOST
        for one in found:
            self._remember(one)
            self._newest = max(self._newest, one.at)
        self._looked_at = looked_at
        ended = {one.id: one.code for one in found}
        for session_id in set(self._connected.values()):
            if session_id in ended or session_id in self._ended:
                await self._cut_off(session_id, ended.get(session_id))

    async def watch(self) -> None:
        """Look every second, until cancelled."""
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("the revocations could not be read")
            await asyncio.sleep(EVERY)

    async def connected(self, connection: Connection) -> None:
        """A connection came in; if its session ended while it did, it is cut again."""
        session_id = connection.actor.session_id
        self._connected[connection.id] = session_id
        if session_id in self._ended:
            await self._cut_off(session_id, None)

    async def disconnected(self, connection: Connection) -> None:
        """A connection is gone."""
        self._connected.pop(connection.id, None)

    async def _cut_off(self, session_id: str, code: str | None) -> None:
        await self._cut(by="session", who=session_id, code=code or self._ended[session_id].code)

    def _remember(self, one: Revocation) -> None:
        if len(self._ended) < MOST:
            self._ended[one.id] = one
        elif one.id not in self._ended:
            self._whole = False

    def _forget(self) -> None:
        now = self._clock.now()
        self._ended = {key: one for key, one in self._ended.items() if one.until > now}
