"""Signatures of addresses: only the same parts under the same key fit."""

from crypto.links import fits, sign

KEY = b"k" * 32


def test_a_signature_fits_its_own_parts_and_no_others() -> None:
    signature = sign(KEY, "a", "bc")

    assert len(signature) == 43
    assert fits(KEY, signature, "a", "bc")
    assert not fits(KEY, signature, "ab", "c")
    assert not fits(KEY, signature, "a", "bc", "")
    assert not fits(KEY, signature, "bc", "a")
    assert not fits(b"l" * 32, signature, "a", "bc")
    assert not fits(KEY, signature[:-1], "a", "bc")
    assert not fits(KEY, "é" * 43, "a", "bc")
