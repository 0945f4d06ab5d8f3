"""What a server has to know of the keys of devices: whether they are good, and whether a list of devices is right.

Pure functions. Nothing here holds a private key; the checks of single keys and signatures are `crypto.signal.keys`.
"""

import binascii
import hashlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from crypto.signal.errors import ProtocolError
from crypto.signal.keys import check_ec, check_kyber, verify

FINGERPRINT_SIZE = 4
"""Bytes of an identity key's digest by which two devices find out whether they know the same one."""


def unbase64(text: str) -> bytes:
    """The bytes of standard Base64 with its padding, in the one way in which they are written. Raises ValueError."""
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("must be standard Base64 with padding") from error
    if b64encode(data).decode() != text:
        raise ValueError("must be standard Base64 with padding")
    return data


def base64(data: bytes) -> str:
    """Bytes as they travel in JSON."""
    return b64encode(data).decode()


@dataclass(frozen=True, slots=True)
class Signed:
    """A public key that an identity key is said to have signed. `where` it was found, for the error."""

    where: str
    kyber: bool
    public: bytes
    signature: bytes


def fault_of(identity: bytes, keys: list[Signed]) -> tuple[str, str] | None:
    """The first key that is no good, or is not signed by this identity: where it is, and why. About 0.3 ms for each."""
    for one in keys:
        try:
            if one.kyber:
                check_kyber(one.public)
            else:
                check_ec(one.public)
        except ProtocolError as error:
            return f"{one.where}.publicKey", str(error)
        try:
            verify(identity, one.public, one.signature)
        except ProtocolError as error:
            return f"{one.where}.signature", str(error)
    return None


def fingerprint(identity: bytes) -> bytes:
    """The short form of an identity key."""
    return hashlib.sha256(identity).digest()[:FINGERPRINT_SIZE]


def digest(identity: bytes, signed: tuple[int, bytes], last_resort: tuple[int, bytes]) -> bytes:
    """What a device and the server compare: the identity key, and id and public half of the two reusable keys."""
    parts = [identity]
    for key_id, public in (signed, last_resort):
        parts += [key_id.to_bytes(8, "big"), public]
    return hashlib.sha256(b"".join(parts)).digest()


@dataclass(frozen=True, slots=True)
class Mismatch:
    """What is wrong with somebody's idea of another's devices."""

    missing: tuple[int, ...] = ()
    """Devices that he does not name."""
    extra: tuple[int, ...] = ()
    """Devices that are not there (any more)."""
    stale: tuple[int, ...] = ()
    """Devices that were set up anew: sessions with them are of no use."""

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.stale)


def compare(named: Mapping[int, int], there: Mapping[int, int]) -> Mismatch:
    """What somebody thinks another's devices and their registration ids are, beside what they are."""
    return Mismatch(
        missing=tuple(sorted(there.keys() - named.keys())),
        extra=tuple(sorted(named.keys() - there.keys())),
        stale=tuple(sorted(one for one in named.keys() & there.keys() if named[one] != there[one])),
    )
