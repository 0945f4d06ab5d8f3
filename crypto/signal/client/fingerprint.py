"""Safety numbers: 60 digits, or a code to scan, that are equal on both sides when nobody stands between.

Source: Signal's published description; version 2 with 5,200 rounds of SHA-512 and the account's 16 UUID bytes as its
name.
"""

import hashlib
from uuid import UUID

from crypto.signal import protobuf
from crypto.signal.client.primitives import same
from crypto.signal.errors import InvalidMessage
from crypto.signal.keys import check_ec

ROUNDS = 5_200
SCAN_VERSION = 2
_DIGITS = 5


def _hash(user: UUID, key: bytes) -> bytes:
    check_ec(key)
    out = b"\0\0" + key + user.bytes
    for _ in range(ROUNDS):
        out = hashlib.sha512(out + key).digest()
    return out


def display(me: UUID, my_key: bytes, other: UUID, other_key: bytes) -> str:
    """The 60 digits, the same for both. Raises InvalidKey."""
    return "".join(sorted(_digits(_hash(user, key)) for user, key in ((me, my_key), (other, other_key))))


def scan(me: UUID, my_key: bytes, other: UUID, other_key: bytes) -> bytes:
    """What the other scans: the two halves, one's own first. Raises InvalidKey."""
    halves = {place: protobuf.encode({1: _hash(user, key)[:32]}) for place, user, key in
              ((2, me, my_key), (3, other, other_key))}  # fmt: skip
    return protobuf.encode({1: SCAN_VERSION, **halves})


def matches(mine: bytes, scanned: bytes) -> bool:
    """Whether what was scanned on the other's device is the reverse of one's own. Raises InvalidMessage."""
    (my_version, my_half, their_half), (version, half, other_half) = _parse(mine), _parse(scanned)
    if version != my_version:
        raise InvalidMessage("The other shows a safety number of another version.")
    return same(my_half, other_half) and same(their_half, half)


def _digits(digest: bytes) -> str:
    groups = (int.from_bytes(digest[at : at + 5]) % 10**_DIGITS for at in range(0, 30, 5))
    return "".join(f"{one:0{_DIGITS}}" for one in groups)


def _parse(data: bytes) -> tuple[int, bytes, bytes]:
    fields = protobuf.decode(data, {1: int, 2: bytes, 3: bytes})
    halves = [protobuf.content(protobuf.decode(protobuf.content(fields, at), {1: bytes}), 1, 32) for at in (2, 3)]
    return protobuf.number(fields, 1), halves[0], halves[1]
