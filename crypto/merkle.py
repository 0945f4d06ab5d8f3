"""A Merkle tree that only ever grows (RFC 6962, section 2.1): proofs that an entry is in it, and that none was changed.

Whoever keeps the tree stores the roots of its perfect subtrees, each by its height and its place: `nodes_for` says
which of them become known with an entry, `inclusion` and `consistency` which of them a proof is folded from.
"""

import hashlib
from collections.abc import Mapping, Sequence

Node = tuple[int, int]
"""A perfect subtree: 2^height entries, the place-th of this height from the left."""
Span = tuple[int, int]
"""Entries from the first to before the second."""

EMPTY = hashlib.sha256(b"").digest()
"""The root of a tree without entries."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry."""
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side."""
    return hashlib.sha256(b"\1" + left + right).digest()


def nodes_for(index: int, leaf: bytes, known: Mapping[Node, bytes]) -> dict[Node, bytes]:
    """The perfect subtrees that are complete with the entry `index`; `known` has those that `before` names."""
    found = {(0, index): leaf}
    height, place, value = 0, index, leaf
    while place % 2:
        value = node_hash(known[height, place - 1], value)
        height, place = height + 1, place // 2
        found[height, place] = value
    return found


def before(index: int) -> list[Node]:
    """The perfect subtrees that are joined with the entry `index`."""
    found, height, place = [], 0, index
    while place % 2:
        found.append((height, place - 1))
        height, place = height + 1, place // 2
    return found


def nodes_of(span: Span) -> list[Node]:
    """The perfect subtrees that a subtree over these entries is made of, from the left."""
    first, end = span
    found = []
    while first < end:
        height = (end - first).bit_length() - 1
        if first:
            height = min(height, (first & -first).bit_length() - 1)
        found.append((height, first >> height))
        first += 1 << height
    return found


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash of a subtree, from those of the perfect ones that it is made of."""
    if not hashes:
        return EMPTY
    value = hashes[-1]
    for one in reversed(hashes[:-1]):
        value = node_hash(one, value)
    return value


def inclusion(index: int, size: int) -> list[Span]:
    """The subtrees whose hashes prove that an entry is in a tree of this size, from the entry upwards."""
    return _path(index, 0, size)


def consistency(old: int, size: int) -> list[Span]:
    """The subtrees whose hashes prove that a tree of `old` entries is the beginning of one with `size`."""
    return [] if old in {0, size} else _subproof(old, 0, size, whole=True)


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path proves that the entry with this hash is in the tree with this root."""
    if not 0 <= index < size or len(path) != len(inclusion(index, size)):
        return False
    value, first, last = leaf, index, size - 1
    for one in path:
        if first % 2 or first == last:
            value = node_hash(one, value)
            while not first % 2 and first:
                first, last = first // 2, last // 2
        else:
            value = node_hash(value, one)
        first, last = first // 2, last // 2
    return value == root


def verify_consistency(old: int, size: int, path: Sequence[bytes], old_root: bytes, root: bytes) -> bool:
    """Whether the path proves that nothing of the older tree was changed or taken away in the newer one."""
    if not 0 <= old <= size or len(path) != len(consistency(old, size)):
        return False
    if old == size:
        return old_root == root
    if old == 0:
        return old_root == EMPTY
    rest = list(path) if old & (old - 1) else [old_root, *path]
    first, last = old - 1, size - 1
    while first % 2:
        first, last = first // 2, last // 2
    was = value = rest[0]
    for one in rest[1:]:
        if first % 2 or first == last:
            was, value = node_hash(one, was), node_hash(one, value)
            while not first % 2 and first:
                first, last = first // 2, last // 2
        else:
            value = node_hash(value, one)
        first, last = first // 2, last // 2
    return was == old_root and value == root


def _split(count: int) -> int:
    """The largest power of two that is smaller."""
    return 1 << (count - 1).bit_length() - 1


def _path(index: int, first: int, end: int) -> list[Span]:
    if end - first == 1:
        return []
    middle = first + _split(end - first)
    if first + index < middle:
        return [*_path(index, first, middle), (middle, end)]
    return [*_path(first + index - middle, middle, end), (first, middle)]


def _subproof(old: int, first: int, end: int, *, whole: bool) -> list[Span]:
    count = end - first
    if old == count:
        return [] if whole else [(first, end)]
    half = _split(count)
    if old <= half:
        return [*_subproof(old, first, first + half, whole=whole), (first + half, end)]
    return [*_subproof(old - half, first + half, end, whole=False), (first, first + half)]
