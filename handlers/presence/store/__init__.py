"""Where presence is kept: live connections in Redis, what outlives them in MongoDB."""

from handlers.presence.store.keys import Keys, Unreachable
from handlers.presence.store.live import LiveStore, Settled, Verdict
from handlers.presence.store.records import PRESENCE, RecordStore
from handlers.presence.store.watches import WatchStore

__all__ = ["PRESENCE", "Keys", "LiveStore", "RecordStore", "Settled", "Unreachable", "Verdict", "WatchStore"]
