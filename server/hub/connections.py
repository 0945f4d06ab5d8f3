"""A live connection as the slices see it, and the table of those that this process holds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from server.actors import Actor


class Outlet(Protocol):
    """The way to a client: finished WebSocket frames leave through it in their order."""

    def tell(self, frame: bytes, *, passing: bool = False) -> bool:
        """Tell an event; whether it was taken. A client that does not read gets none, and is told to sync later."""
        ...

    def hang_up(self) -> None:
        """End the transport after what was told: the client connects again by itself."""
        ...


@dataclass(frozen=True, slots=True)
class Connection:
    """One device that is connected to this process. `id` is opaque and never used twice."""

    id: str
    actor: Actor
    address: str
    since: datetime
    user_agent: str = ""
    """What the client says of itself; it may be empty."""

    @property
    def user_id(self) -> str:
        """Whose device it is."""
        return self.actor.user_id


class Connections:
    """The connections of this process, by id, by user and by session."""

    def __init__(self) -> None:
        self._by_id: dict[str, Connection] = {}
        self._outlets: dict[str, Outlet] = {}
        self.by_user: dict[str, dict[str, Outlet]] = {}
        """The outlets of everybody who is connected here, by user and connection."""
        self._by_session: dict[str, set[str]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, connection: Connection, outlet: Outlet) -> None:
        """Remember a connection and the way to its client."""
        self._by_id[connection.id] = connection
        self._outlets[connection.id] = outlet
        self.by_user.setdefault(connection.user_id, {})[connection.id] = outlet
        self._by_session.setdefault(connection.actor.session_id, set()).add(connection.id)

    def remove(self, connection_id: str) -> Connection | None:
        """Forget a connection; None when it was not (or no longer) there."""
        connection = self._by_id.pop(connection_id, None)
        if connection is None:
            return None
        del self._outlets[connection_id]
        theirs = self.by_user[connection.user_id]
        del theirs[connection_id]
        if not theirs:
            del self.by_user[connection.user_id]
        self._forget_session(connection)
        return connection

    def replace(self, connection: Connection) -> None:
        """Swap a connection for the same one with another actor (a fresh token)."""
        outlet = self._outlets[connection.id]
        self.remove(connection.id)
        self.add(connection, outlet)

    def get(self, connection_id: str) -> Connection | None:
        """The connection of that id."""
        return self._by_id.get(connection_id)

    def outlet(self, connection_id: str) -> Outlet | None:
        """The way to the client of that connection."""
        return self._outlets.get(connection_id)

    def of_user(self, user_id: str) -> Iterable[str]:
        """Ids of the user's connections here."""
        return self.by_user.get(user_id, ())

    def of_session(self, session_id: str) -> Iterable[str]:
        """Ids of the session's connections here."""
        return self._by_session.get(session_id, ())

    def users(self) -> Iterable[str]:
        """Everybody who is connected here."""
        return self.by_user

    def user_count(self) -> int:
        """How many people are connected here."""
        return len(self.by_user)

    def expired(self, now: datetime) -> list[Connection]:
        """Connections whose access token has run out."""
        return [one for one in self._by_id.values() if one.actor.expires_at <= now]

    def all(self) -> list[Connection]:
        """Every connection here."""
        return list(self._by_id.values())

    def _forget_session(self, connection: Connection) -> None:
        ids = self._by_session[connection.actor.session_id]
        ids.discard(connection.id)
        if not ids:
            del self._by_session[connection.actor.session_id]
