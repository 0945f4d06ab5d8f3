"""Fields that are sealed where they are stored (AES-256-GCM), each bound to the place it belongs to."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE = 12
_FORM = b"\x01"


class Unsealable(ValueError):
    """It was sealed for another place, by a key that is not there any more, or changed since."""


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals with the key named `active`; opens what any of the keys has sealed. Names are up to 16 characters."""

    keys: Mapping[str, bytes]
    active: str

    def __post_init__(self) -> None:
        if self.active not in self.keys or any(len(key) != KEY_BYTES for key in self.keys.values()):
            raise ValueError("a sealer needs keys of 32 bytes, the active one among them")

    def seal(self, plain: bytes, *, place: str) -> bytes:
        """The sealed field. `place` says where it is (collection, document, field): elsewhere it does not open."""
        name, nonce = self.active.encode(), secrets.token_bytes(_NONCE)
        head = _FORM + bytes([len(name)]) + name
        return head + nonce + AESGCM(self.keys[self.active]).encrypt(nonce, plain, head + place.encode())

    def open(self, sealed: bytes, *, place: str) -> bytes:
        """The field as it was. Raises Unsealable."""
        size = sealed[1] if len(sealed) > 1 and sealed[:1] == _FORM else 0
        head, rest = sealed[: 2 + size], sealed[2 + size :]
        key = self.keys.get(head[2:].decode(errors="replace"))
        if not size or key is None or len(rest) <= _NONCE:
            raise Unsealable("sealed by a key that is not there")
        try:
            return AESGCM(key).decrypt(rest[:_NONCE], rest[_NONCE:], head + place.encode())
        except InvalidTag:
            raise Unsealable("sealed for another place, or changed since") from None

    def is_of_active(self, sealed: bytes) -> bool:
        """Whether it was sealed with the key that seals today."""
        name = self.active.encode()
        return sealed.startswith(_FORM + bytes([len(name)]) + name)
