"""Named questions to the collections of the social slice."""

from handlers.social.store.blocks import BLOCKS, BlockStore
from handlers.social.store.graph import GraphStore
from handlers.social.store.pairs import PAIRS, PairStore, key_of

__all__ = [
    "BLOCKS",
    "PAIRS",
    "BlockStore",
    "GraphStore",
    "PairStore",
    "key_of",
]
