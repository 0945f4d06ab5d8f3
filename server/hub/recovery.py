"""Connection state recovery: a client that comes back soon gets exactly the events that it missed.

Socket.IO's JavaScript, React Native and Dart clients keep the last string that ended an event as their offset, and the
private id (`pid`) that the server gave them; both come back with the next CONNECT. This is their fast path; `sync` is
the truth for all clients. Only connections that opted in are told offsets: all others share one frame per event.
https://socket.io/docs/v4/connection-state-recovery
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2s
from typing import Any, Literal

from crypto.tokens import new_secret
from server.hub.connections import Connection, Outlet
from server.hub.frames import Frame
from server.hub.framing import with_offset
from server.hub.timers import Timers

KEEP_SECONDS = 120.0
"""How long a session outlives its connection."""
MAX_FRAMES = 500
MAX_BYTES = 262_144
"""What one session keeps, as references to frames that others have too; who missed more has to sync."""
MAX_ABSENT = 20_000
"""Sessions of one process whose clients are away."""
MAX_OFFSET = 100

Kept = tuple[str, bytes]
"""The offset of an event, and the event as it was told."""


class Recoverable:
    """The events of one client, across its connections."""

    __slots__ = ("_bytes", "_frames", "_outlet", "owner", "pid", "since", "user_id")

    def __init__(self, pid: str, connection: Connection) -> None:
        self.pid = pid
        self.user_id = connection.user_id
        self.owner = owner_of(connection)
        self.since = connection.since.timestamp()
        self._frames: deque[Kept] = deque()
        self._bytes = 0
        self._outlet: Outlet | None = None

    @property
    def connected(self) -> bool:
        """Whether its client is here."""
        return self._outlet is not None

    def uses(self, outlet: Outlet | None) -> bool:
        """Whether its client is connected this way."""
        return self._outlet is outlet

    def take(self, offset: str, frame: bytes) -> bool:
        """Tell an event to the client, or keep it until the client is back; whether it was told."""
        self._keep(offset, frame)
        return self._outlet is not None and self._outlet.tell(frame)

    def passing(self, frame: bytes) -> bool:
        """Tell an event of which nothing is kept; whether it was told."""
        return self._outlet is not None and self._outlet.tell(frame, passing=True)

    def knows(self, offset: str) -> bool:
        """Whether the event with this offset was told, as far as is remembered."""
        return any(kept[0] == offset for kept in self._frames)

    def attach(self, outlet: Outlet) -> None:
        """Its client is connected: from now on events are told."""
        self._outlet = outlet

    def detach(self) -> None:
        """Its client is gone: from now on events are kept. A transport that did not notice it yet ends."""
        outlet, self._outlet = self._outlet, None
        if outlet is not None:
            outlet.hang_up()

    def after(self, offset: str) -> list[Kept] | None:
        """What was told after the event with this offset; None when that is not known here any more."""
        found: list[Kept] = []
        for kept in reversed(self._frames):
            if kept[0] == offset:
                found.reverse()
                return found
            found.append(kept)
        return None

    def resume(self, frames: Iterable[Kept]) -> None:
        """Go on from what another process kept."""
        ours = list(self._frames)
        self._frames.clear()
        self._bytes = 0
        known = set()
        for offset, frame in frames:
            known.add(offset)
            self._keep(offset, frame)
        for offset, frame in ours:
            if offset not in known:
                self._keep(offset, frame)

    def kept(self) -> list[Kept]:
        """Everything that is kept, in its order."""
        return list(self._frames)

    def _keep(self, offset: str, frame: bytes) -> None:
        self._frames.append((offset, frame))
        self._bytes += len(frame)
        while len(self._frames) > MAX_FRAMES or self._bytes > MAX_BYTES:
            _, oldest = self._frames.popleft()
            self._bytes -= len(oldest)


@dataclass(frozen=True, slots=True)
class Returning:
    """What a client that opted in says of its earlier connection; both are empty for the first one."""

    pid: str = ""
    offset: str = ""

    @classmethod
    def of(cls, auth: Mapping[str, Any]) -> "Returning | None":
        """What the client's CONNECT says; None when it did not opt in. What makes no sense is as good as nothing."""
        if auth.get("recovery") is not True:
            return None
        pid, offset = auth.get("pid"), auth.get("offset")
        if not (isinstance(pid, str) and isinstance(offset, str)):
            return cls()
        return cls(pid, offset) if max(len(pid), len(offset)) <= MAX_OFFSET else cls()


def owner_of(connection: Connection) -> tuple[str, str, str]:
    """Who alone may take a session up: the same device of the same sign-in of the same user."""
    return (connection.user_id, connection.actor.session_id, connection.actor.device_id)


def offset_of(frame: Frame) -> str:
    """The offset of a frame: its place in the log, or, for one that is not of a log, what it says in short.

    It is the same on every process. Events outside the logs carry ids or absolute figures: the same one twice says
    nothing new.
    """
    if frame.conversation:
        return f"{frame.conversation}:{frame.seq}"
    return f"-:{blake2s(frame.wire, digest_size=12).hexdigest()}"


class Recoveries:
    """The sessions of this process whose clients opted in."""

    def __init__(self, dropped: Callable[[str], None]) -> None:
        """`dropped(pid)`: a session is forgotten."""
        self._dropped = dropped
        self._by_pid: dict[str, Recoverable] = {}
        self._by_user: dict[str, dict[str, Recoverable]] = {}
        self._gone: Timers[str] = Timers(KEEP_SECONDS, self._too_late)

    def __len__(self) -> int:
        return len(self._by_pid)

    def start(self, node: str, connection: Connection, *, pid: str = "") -> Recoverable:
        """A new session, or one that was elsewhere. Its id tells which process began it."""
        session = Recoverable(pid or f"{node}.{new_secret()}", connection)
        self._by_pid[session.pid] = session
        self._by_user.setdefault(session.user_id, {})[session.pid] = session
        return session

    def get(self, pid: str) -> Recoverable | None:
        """The session with that id."""
        return self._by_pid.get(pid)

    def back(self, session: Recoverable, outlet: Outlet) -> None:
        """The client of a session is connected."""
        self._gone.drop(session.pid)
        session.attach(outlet)

    def left(self, session: Recoverable, outlet: Outlet | None) -> None:
        """The client of a session has gone; it may come back for a while, or has already come in another way."""
        if session.uses(outlet):
            session.detach()
            if len(self._gone) >= MAX_ABSENT:
                self.drop(session.pid)
            elif session.pid in self._by_pid:
                self._gone.set(session.pid)

    def drop(self, pid: str) -> Recoverable | None:
        """Forget a session."""
        session = self._by_pid.pop(pid, None)
        if session is None:
            return None
        self._gone.drop(pid)
        theirs = self._by_user[session.user_id]
        del theirs[pid]
        if not theirs:
            del self._by_user[session.user_id]
        self._dropped(pid)
        return session

    def _too_late(self, pid: str, _: float) -> None:
        self.drop(pid)

    def of(self, by: Literal["user", "session"], who: str) -> list[Recoverable]:
        """The sessions of a user, or of a sign-in."""
        if by == "user":
            return list(self._by_user.get(who, {}).values())
        return [one for one in self._by_pid.values() if one.owner[1] == who]

    def deliver(
        self,
        frame: Frame,
        *,
        before: float = float("inf"),
        shown: Callable[[str, str], bool] | None = None,
    ) -> int:
        """Tell a frame to those of its audience who are here in this way; how many were told.

        `before`: it comes late, only sessions that are older than that (seconds since 1970) may have missed it.
        `shown(user, device)`: only these devices may hear what is passing.
        """
        if not self._by_pid:
            return 0
        sessions = [one for user in frame.users for one in self._by_user.get(user, {}).values() if one.since < before]
        if frame.devices:
            sessions = [one for one in sessions if one.owner[2] in frame.devices]
        if not sessions:
            return 0
        if frame.passing:
            wanted = [one for one in sessions if shown is None or shown(one.user_id, one.owner[2])]
            return sum(session.passing(frame.wire) for session in wanted)
        offset = offset_of(frame)
        variant = with_offset(frame.wire, offset)
        if before != float("inf"):
            sessions = [one for one in sessions if not one.knows(offset)]
        return sum(session.take(offset, variant) for session in sessions)

    def anybody(self, users: Sequence[str]) -> bool:
        """Whether any of these users has a session here."""
        return bool(self._by_pid) and any(user in self._by_user for user in users)

    def close(self) -> None:
        """Forget everything."""
        self._gone.close()
        self._by_pid.clear()
        self._by_user.clear()
