"""What this slice tells over the socket: nothing, for those it speaks to are not connected."""

from typing import Any

from server.events import Event

EVENTS: tuple[type[Event[Any]], ...] = ()
