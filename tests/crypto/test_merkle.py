"""The Merkle tree against the definition of RFC 6962, for every tree of up to 40 entries."""

from collections.abc import Sequence

from crypto.merkle import (
    EMPTY,
    Node,
    before,
    consistency,
    fold,
    inclusion,
    leaf_hash,
    node_hash,
    nodes_for,
    nodes_of,
    verify_consistency,
    verify_inclusion,
)

MOST = 40
LEAVES = [leaf_hash(bytes([number])) for number in range(MOST)]


def defined(leaves: Sequence[bytes]) -> bytes:
    """MTH(D[n]) as the RFC writes it."""
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(defined(leaves[:split]), defined(leaves[split:]))


def grown() -> dict[Node, bytes]:
    known: dict[Node, bytes] = {}
    for index, leaf in enumerate(LEAVES):
        known |= nodes_for(index, leaf, {node: known[node] for node in before(index)})
    return known


KNOWN = grown()
ROOTS = [defined(LEAVES[:size]) for size in range(MOST + 1)]


def hashes(spans: Sequence[tuple[int, int]]) -> list[bytes]:
    return [fold([KNOWN[node] for node in nodes_of(span)]) for span in spans]


def test_roots_are_those_of_the_definition() -> None:
    assert [hashes([(0, size)])[0] for size in range(MOST + 1)] == ROOTS
    assert EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert len(KNOWN) == sum(MOST >> height for height in range(6))


def test_every_entry_of_every_tree_is_proved_and_no_other() -> None:
    for size in range(1, MOST + 1):
        for index in range(size):
            path = hashes(inclusion(index, size))
            assert verify_inclusion(LEAVES[index], index, size, path, ROOTS[size])
            assert not verify_inclusion(LEAVES[(index + 1) % MOST], index, size, path, ROOTS[size])
            assert not verify_inclusion(LEAVES[index], index, size, [*path, EMPTY], ROOTS[size])
            assert not verify_inclusion(LEAVES[index], index, size, path, ROOTS[size - 1])
    assert not verify_inclusion(LEAVES[0], 1, 1, [], ROOTS[1])


def test_every_tree_is_proved_to_begin_with_every_smaller_one_and_no_other() -> None:
    for size in range(1, MOST + 1):
        for old in range(size + 1):
            path = hashes(consistency(old, size))
            assert verify_consistency(old, size, path, ROOTS[old], ROOTS[size])
            if 0 < old < size:
                assert not verify_consistency(old, size, path, ROOTS[old - 1], ROOTS[size])
                assert not verify_consistency(old, size, path[:-1], ROOTS[old], ROOTS[size])
                assert not verify_consistency(old, size, path, ROOTS[old], ROOTS[size - 1])
    assert not verify_consistency(2, 1, [], ROOTS[2], ROOTS[1])
