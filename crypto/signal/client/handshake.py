"""PQXDH: how a session begins, from the keys of a device that need not be there.

Source: "The PQXDH Key Agreement Protocol", section 3.
"""

from dataclasses import dataclass

from crypto.signal.client.primitives import agree, hkdf, kyber_decapsulate, kyber_encapsulate
from crypto.signal.errors import InvalidKey
from crypto.signal.keys import check_ec, check_kyber, verify
from crypto.signal.wire import Address, PreKeyMessage

MAX_REGISTRATION = 0x3FFF
_INFO = b"WhisperText_X25519_SHA-256_CRYSTALS-KYBER-1024"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A Curve25519 key pair: 32 secret bytes, and 33 public ones."""

    private: bytes
    public: bytes


@dataclass(frozen=True, slots=True)
class Identity:
    """This device: where it is, what it is called, and the identity key of its account. Holds a secret."""

    address: Address
    registration_id: int
    keys: KeyPair


@dataclass(frozen=True, slots=True)
class SignedKey:
    """A public key that its owner's identity key has signed."""

    key_id: int
    public: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a server gives out of a device, so that a session with it can begin."""

    address: Address
    registration_id: int
    identity: bytes
    signed_prekey: SignedKey
    kyber_prekey: SignedKey
    prekey: tuple[int, bytes] | None = None
    """A one-time key, and its id."""

    def check(self) -> None:
        """Check every key and both signatures. Raises InvalidKey, InvalidSignature."""
        if not 0 < self.registration_id <= MAX_REGISTRATION:
            raise InvalidKey("The registration id of the bundle is out of bounds.")
        check_ec(self.signed_prekey.public)
        check_kyber(self.kyber_prekey.public)
        if self.prekey is not None:
            check_ec(self.prekey[1])
        for one in (self.signed_prekey, self.kyber_prekey):
            verify(self.identity, one.public, one.signature)


@dataclass(frozen=True, slots=True)
class PreKeys:
    """The private halves that a first message names. Secrets; `kyber_seed` has 64 bytes."""

    signed_prekey: KeyPair
    kyber_seed: bytes
    prekey: KeyPair | None


@dataclass(frozen=True, slots=True)
class Agreed:
    """What both sides know after a handshake. Secrets of 32 bytes."""

    root: bytes
    chain: bytes
    pq: bytes


def initiate(me: Identity, bundle: Bundle, base: KeyPair) -> tuple[Agreed, bytes]:
    """What is agreed on with the owner of a checked bundle, and the Kyber ciphertext that tells him."""
    kyber_secret, ciphertext = kyber_encapsulate(bundle.kyber_prekey.public)
    parts = [
        agree(me.keys.private, bundle.signed_prekey.public),
        agree(base.private, bundle.identity),
        agree(base.private, bundle.signed_prekey.public),
    ]
    if bundle.prekey is not None:
        parts.append(agree(base.private, bundle.prekey[1]))
    return _derive(parts, kyber_secret), ciphertext


def respond(me: Identity, keys: PreKeys, message: PreKeyMessage) -> Agreed:
    """What the sender of a first message has agreed on. Raises InvalidKey, InvalidMessage."""
    parts = [
        agree(keys.signed_prekey.private, message.identity_key),
        agree(me.keys.private, message.base_key),
        agree(keys.signed_prekey.private, message.base_key),
    ]
    if keys.prekey is not None:
        parts.append(agree(keys.prekey.private, message.base_key))
    return _derive(parts, kyber_decapsulate(keys.kyber_seed, message.kyber_ciphertext))


def _derive(parts: list[bytes], kyber_secret: bytes) -> Agreed:
    out = hkdf(b"\xff" * 32 + b"".join(parts) + kyber_secret, salt=None, info=_INFO, size=96)
    return Agreed(out[:32], out[32:64], out[64:])
