"""Public keys as they travel, and signatures over them (XEdDSA).

An elliptic-curve key is 0x05 and the 32 bytes of a Curve25519 u-coordinate, a Kyber key is 0x08 and 1568 bytes. The
checks are stricter than those of the phones' library where that one accepts what no honest device makes: exact
lengths, u below the prime, no point of low order, Kyber coefficients below the modulus.
"""

from cryptography.exceptions import InvalidSignature as _BadSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM1024PublicKey

from crypto.signal.errors import InvalidKey, InvalidSignature

EC_TYPE = 0x05
EC_SIZE = 33
"""Bytes of an elliptic-curve public key with its type."""
KYBER_TYPE = 0x08
"""CRYSTALS-Kyber-1024 as of round 3."""
KYBER_SIZE = 1569
"""Bytes of a Kyber public key, and of a Kyber ciphertext, with their type."""
SIGNATURE_SIZE = 64

PRIME = 2**255 - 19
_ORDER_8 = (
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)
_LOW_ORDER = frozenset({0, 1, PRIME - 1, *_ORDER_8})
"""The u-coordinates of the points whose multiples are few: a shared secret with them is known to everybody."""


def check_ec(key: bytes) -> bytes:
    """The 32 bytes of the u-coordinate of an elliptic-curve public key. Raises InvalidKey."""
    if len(key) != EC_SIZE or key[0] != EC_TYPE:
        raise InvalidKey(f"An elliptic-curve key has {EC_SIZE} bytes and begins with 0x05.")
    u = int.from_bytes(key[1:], "little")
    if u >= PRIME or u in _LOW_ORDER:
        raise InvalidKey("This elliptic-curve key is not a point that a device can have.")
    return key[1:]


def check_kyber(key: bytes) -> bytes:
    """The 1568 bytes of a Kyber-1024 public key. Raises InvalidKey."""
    if len(key) != KYBER_SIZE or key[0] != KYBER_TYPE:
        raise InvalidKey(f"A Kyber-1024 key has {KYBER_SIZE} bytes and begins with 0x08.")
    try:
        MLKEM1024PublicKey.from_public_bytes(key[1:])
    except ValueError as error:
        raise InvalidKey("This Kyber key has coefficients beyond the modulus.") from error
    return key[1:]


def verify(key: bytes, message: bytes, signature: bytes) -> None:
    """Check an XEdDSA signature of a 33-byte public key over a message. Raises InvalidKey, InvalidSignature.

    Source: "The XEdDSA and VXEdDSA Signature Schemes", section 2; the sign of the Edwards point travels in the top bit
    of the signature. A signature with s beyond the group order is refused, which the phones' library lets pass.
    """
    u = int.from_bytes(check_ec(key), "little")
    if len(signature) != SIGNATURE_SIZE or signature[63] & 0x60:
        raise InvalidSignature(f"A signature has {SIGNATURE_SIZE} bytes, the last below 0x20 but for its top bit.")
    sign = signature[63] >> 7
    y = (u - 1) * pow(u + 1, -1, PRIME) % PRIME
    edwards = (y | sign << 255).to_bytes(32, "little")
    try:
        Ed25519PublicKey.from_public_bytes(edwards).verify(signature[:63] + bytes([signature[63] & 0x7F]), message)
    except (_BadSignature, ValueError) as error:
        raise InvalidSignature("The signature does not belong to this key.") from error
