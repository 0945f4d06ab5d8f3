"""The rules of push notifications. `Push` is the service."""

from handlers.push.service.errors import ERRORS, PlatformOff
from handlers.push.service.push import Push

__all__ = ["ERRORS", "PlatformOff", "Push"]
