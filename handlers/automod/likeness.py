"""How alike texts are: SimHash (Charikar 2002), 64 bits of which similar texts share most."""

from hashlib import blake2b
from itertools import pairwise

import numpy as np

from handlers.automod.folding import folded

SHORTEST = 20
"""Characters that a text needs to be compared: people say the same short things everywhere."""

MOST_WORDS = 300
"""The first words of a text are compared."""


def simhash(text: str) -> int | None:
    """64 bits by the words of a text and the pairs of neighbours among them; None for a text that is too short."""
    words = folded(text).split()[:MOST_WORDS]
    if len(" ".join(words)) < SHORTEST:
        return None
    features = {*words, *(f"{one} {other}" for one, other in pairwise(words))}
    digests = b"".join(blake2b(one.encode(), digest_size=8).digest() for one in sorted(features))
    bits = np.unpackbits(np.frombuffer(digests, dtype=np.uint8).reshape(-1, 8), axis=1)
    majority = bits.sum(axis=0) * 2 > len(features)
    return int.from_bytes(np.packbits(majority).tobytes(), "big")


def distance(one: int, other: int) -> int:
    """In how many bits they differ."""
    return (one ^ other).bit_count()
