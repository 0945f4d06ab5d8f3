"""What this slice tells: nothing, for whoever gets a letter hears of it by the letter."""

from typing import Any

from server.events import Event

EVENTS: tuple[type[Event[Any]], ...] = ()
