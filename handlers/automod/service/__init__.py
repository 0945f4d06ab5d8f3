"""The rules of AutoMod. `AutoMod` is the service; what has rules and is no group asks its `judge` to `weigh`."""

from handlers.automod.service.automod import AutoMod
from handlers.automod.service.errors import (
    ERRORS,
    AlreadyDecided,
    CannotSend,
    NoSuchHeld,
    NoSuchRule,
    TooManyRules,
)
from handlers.automod.service.weighing import Content

__all__ = ["ERRORS", "AlreadyDecided", "AutoMod", "CannotSend", "Content", "NoSuchHeld", "NoSuchRule", "TooManyRules"]
