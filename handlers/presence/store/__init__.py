"""Where presence is kept: live connections in Redis, what outlives them in MongoDB."""

from handlers.presence.store.live import LiveStore, Unreachable, Verdict
from handlers.presence.store.records import PRESENCE, RecordStore

__all__ = ["PRESENCE", "LiveStore", "RecordStore", "Unreachable", "Verdict"]
