"""The rules of presence."""

from handlers.presence.service.errors import ERRORS, AlreadyOver, TooManyWatched
from handlers.presence.service.presence import Presence

__all__ = ["ERRORS", "AlreadyOver", "Presence", "TooManyWatched"]
