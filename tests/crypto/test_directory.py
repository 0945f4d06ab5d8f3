"""What the server computes of keys: digests, fingerprints, lists of devices."""

import hashlib

import pytest

from crypto.directory import Mismatch, base64, compare, digest, fingerprint, unbase64


def test_the_digest_is_over_the_identity_and_both_reusable_keys_with_their_ids() -> None:
    identity, signed, last = b"\x05" + b"i" * 32, b"\x05" + b"s" * 32, b"\x08" + b"k" * 1568

    found = digest(identity, (7, signed), (2**31 - 1, last))

    ids = (b"\0\0\0\0\0\0\0\x07", b"\0\0\0\0\x7f\xff\xff\xff")
    assert found == hashlib.sha256(identity + ids[0] + signed + ids[1] + last).digest()
    assert fingerprint(identity) == hashlib.sha256(identity).digest()[:4]


@pytest.mark.parametrize("text", ["QQ", "QR==", "QQ==\n", " QQ==", "Q_==", "QQ=", "QQ===", "Ä", "====", "Q"])
def test_base64_has_one_way_to_write_it(text: str) -> None:
    with pytest.raises(ValueError, match="standard Base64"):
        unbase64(text)
    assert unbase64("QQ==") == b"A"
    assert unbase64("") == b""
    assert base64(b"\xfb\xff") == "+/8="


def test_a_list_of_devices_beside_the_one_that_holds() -> None:
    there = {1: 11, 2: 22, 3: 33}

    assert not compare(there, there)
    assert compare({1: 11, 3: 30, 4: 44}, there) == Mismatch(missing=(2,), extra=(4,), stale=(3,))
    assert compare({}, there) == Mismatch(missing=(1, 2, 3))
    assert compare({5: 5}, {}) == Mismatch(extra=(5,))
    assert not compare({}, {})
