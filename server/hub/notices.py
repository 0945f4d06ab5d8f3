"""The events that the engine itself tells a client: the session's start and end, a gap, a server that is leaving."""

from server.events import Event
from server.models import Instant, Output


class Limits(Output):
    """What the server takes."""

    max_event_bytes: int
    """Largest event, in bytes."""
    max_in_flight: int
    """Events of this connection that may wait for their answers at once."""


class Ready(Output):
    """Who the server takes this connection for."""

    user_id: str
    device_id: str
    server_time: Instant
    recovered: bool
    """Whether missed events were replayed; otherwise `sync`."""
    limits: Limits


class SessionReady(Event[Ready], name="session:ready"):
    """The connection is signed in. The first event of every connection: whatever follows is new."""


class Closing(Output):
    """Why a connection ends."""

    code: str
    """`session_revoked`, `token_expired`, `account_suspended`, `role_changed`, `slow_consumer` or `replaced`."""


class SessionClosed(Event[Closing], name="session:closed"):
    """The server ends this connection; the next one needs a fresh access token."""


class Behind(Output):
    """What may have been missed."""

    conversation_ids: list[str]
    """These conversations; an empty list means all."""


class SyncBehind(Event[Behind], name="sync:behind"):
    """Something may have been missed: call `sync`."""


class Draining(Output):
    """A server process is about to stop."""

    reconnect_in_ms: int
    """When to connect again, in milliseconds, different for every client."""


class ServerDrain(Event[Draining], name="server:drain"):
    """This server process stops: connect again after the given time."""


NOTICES: tuple[type[Event[Output]], ...] = (SessionReady, SessionClosed, SyncBehind, ServerDrain)  # type: ignore[assignment]  # Event is invariant in its payload
