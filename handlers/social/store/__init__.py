"""Named questions to the collections of the social slice."""

from handlers.social.store.blocks import BLOCKS, BlockStore
from handlers.social.store.contacts import ALLOWANCES, INDEX, MATCHES, SECRETS, ContactStore
from handlers.social.store.graph import GraphStore
from handlers.social.store.pairs import PAIRS, PairStore, key_of

__all__ = [
    "ALLOWANCES",
    "BLOCKS",
    "INDEX",
    "MATCHES",
    "PAIRS",
    "SECRETS",
    "BlockStore",
    "ContactStore",
    "GraphStore",
    "PairStore",
    "key_of",
]
