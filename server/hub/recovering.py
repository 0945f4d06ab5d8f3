"""Who comes back to which session, also when another process has it: then its events are handed over.

Both processes hear the client's events while the session moves, so nothing falls between them, and offsets tell what
both have. A process that died takes its sessions with it: their clients `sync`.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Sequence
from typing import Literal

from server.hub.connections import Connection, Outlet
from server.hub.frames import Claim, Handover
from server.hub.listening import Listening
from server.hub.recovery import MAX_ABSENT, Kept, Recoverable, Recoveries, Returning, owner_of

CLAIM_SECONDS = 1.0
"""How long the process that had the session may take to hand it over."""


class Recovering:
    """The sessions of this process, and the way to those of others."""

    def __init__(self, listening: Listening, node: str) -> None:
        self._listening = listening
        self._node = node
        self.sessions = Recoveries(listening.leave)
        self._connected: dict[str, Recoverable] = {}
        self._claims: dict[str, asyncio.Future[Sequence[Kept]]] = {}
        self._given: OrderedDict[str, None] = OrderedDict()
        """Sessions that were handed over, the longest ago first: their clients may come back here."""

    async def session(self, connection: Connection, returning: Returning) -> tuple[Recoverable, Sequence[Kept] | None]:
        """The session of a connection, and what its client missed; None when it begins anew."""
        pid = returning.pid
        known = self.sessions.get(pid)
        if known is not None and known.owner == owner_of(connection):
            known.detach()
        elif known is None and self._may_be_elsewhere(pid) and pid not in self._claims:
            known = await self._claimed(connection, pid)
        else:
            known = None
        missed = known.after(returning.offset) if known is not None else None
        if known is None or missed is None:
            self.sessions.drop(pid if known is not None else "")
            return self._start(connection), None
        return known, missed

    def _may_be_elsewhere(self, pid: str) -> bool:
        """Whether another process may have the session: it began there, or was handed over from here."""
        return bool(pid) and (pid.partition(".")[0] != self._node or pid in self._given)

    def begin(self, connection_id: str, session: Recoverable, outlet: Outlet) -> None:
        """The client of a session is connected."""
        self._connected[connection_id] = session
        self.sessions.back(session, outlet)

    def end(self, connection_id: str, outlet: Outlet | None) -> None:
        """A connection has ended."""
        session = self._connected.pop(connection_id, None)
        if session is not None:
            self.sessions.left(session, outlet)

    def pid(self, connection_id: str) -> str | None:
        """The id of a connection's session."""
        session = self._connected.get(connection_id)
        return session.pid if session is not None else None

    def forget(self, by: Literal["user", "session"], who: str) -> None:
        """Nobody comes back to the sessions of this user, or of this sign-in."""
        for session in self.sessions.of(by, who):
            self.sessions.drop(session.pid)

    def doubt(self, users: Collection[str]) -> None:
        """Events for these people may have been lost: who is away has to sync."""
        for user in users:
            for session in self.sessions.of("user", user):
                if not session.connected:
                    self.sessions.drop(session.pid)

    def take(self, message: Claim | Handover) -> None:
        """Another process wants a session, or hands one over."""
        if isinstance(message, Claim):
            self._hand_over(message)
            return
        claim = self._claims.get(message.pid)
        if claim is not None and not claim.done():
            claim.set_result(message.frames)

    def close(self) -> None:
        """Forget everything."""
        self.sessions.close()

    def _start(self, connection: Connection, pid: str = "") -> Recoverable:
        session = self.sessions.start(self._node, connection, pid=pid)
        self._listening.also(session.user_id, session.pid)
        return session

    async def _claimed(self, connection: Connection, pid: str) -> Recoverable | None:
        """The session from the process that had it; None when that does not answer, or does not give it away."""
        session = self._start(connection, pid)  # it gathers what is told from now on
        claim: asyncio.Future[Sequence[Kept]] = asyncio.get_running_loop().create_future()
        self._claims[pid] = claim
        self._listening.backplane.send(Claim(pid, self._node, owner_of(connection)))
        try:
            async with asyncio.timeout(CLAIM_SECONDS):
                frames = await claim
        except TimeoutError:
            frames = ()
        finally:
            del self._claims[pid]
        if not frames:
            self.sessions.drop(pid)
            return None
        session.resume(frames)
        self._given.pop(pid, None)
        return session

    def _hand_over(self, claim: Claim) -> None:
        session = self.sessions.get(claim.pid)
        if session is None or session.owner != claim.owner:
            return
        session.detach()
        self._listening.backplane.send(Handover(claim.pid, claim.by, session.kept()))
        self.sessions.drop(claim.pid)
        self._given[claim.pid] = None
        while len(self._given) > MAX_ABSENT:
            self._given.popitem(last=False)
