"""The log of identity keys as bytes: its entries, and the head that the server signs (Ed25519) and clients check."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SALT_SIZE = 16
SEED_SIZE = 32
_CONTEXT = b"mixee identity log v1\0"


def entry_bytes(user_id: str, identity: bytes, at_ms: int, salt: bytes) -> bytes:
    """An entry: who has which identity key from when on. The salt keeps the tree from telling whom it is about."""
    return UUID(user_id).bytes + identity + at_ms.to_bytes(8, "big") + salt


def _head_bytes(size: int, at_ms: int, root: bytes) -> bytes:
    return _CONTEXT + size.to_bytes(8, "big") + at_ms.to_bytes(8, "big") + root


@dataclass(frozen=True, slots=True)
class HeadSigner:
    """Signs heads. Holds a secret."""

    seed: bytes

    @property
    def public(self) -> bytes:
        """The 32 bytes by which signatures are checked."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        """The name of the key."""
        return hashlib.sha256(self.public).hexdigest()[:16]

    def sign(self, size: int, at_ms: int, root: bytes) -> bytes:
        """The signature of a tree of this size with this root, at this time."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(_head_bytes(size, at_ms, root))


def verify_head(public: bytes, size: int, at_ms: int, root: bytes, signature: bytes) -> bool:
    """Whether the holder of the key has signed this head."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _head_bytes(size, at_ms, root))
    except (InvalidSignature, ValueError):
        return False
    return True
