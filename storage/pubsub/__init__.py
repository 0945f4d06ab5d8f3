"""Redis sharded pub/sub (Redis 7 and newer) by a client of our own: every process hears thousands a second of these."""

from storage.pubsub.partitions import channel_of, name_of
from storage.pubsub.publisher import Counts
from storage.pubsub.sharded import ShardedPubSub

__all__ = ["Counts", "ShardedPubSub", "channel_of", "name_of"]
