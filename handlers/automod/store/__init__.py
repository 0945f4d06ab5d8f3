"""The collections and counters of AutoMod. Private to the slice."""

from handlers.automod.store.acts import ACT_INDEXES, ACTS, ActStore
from handlers.automod.store.counters import Counters
from handlers.automod.store.held import HELD, HELD_INDEXES, Held, HeldStore
from handlers.automod.store.rules import RULES, RuleStore

__all__ = [
    "ACTS",
    "ACT_INDEXES",
    "HELD",
    "HELD_INDEXES",
    "RULES",
    "ActStore",
    "Counters",
    "Held",
    "HeldStore",
    "RuleStore",
]
