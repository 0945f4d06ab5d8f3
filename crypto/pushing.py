"""What push services ask for: encryption for Web Push (RFC 8291), and signed tokens by which a server names itself."""

import base64
import binascii
import os
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

RECORD = 4096
"""Bytes of the one record that a message is."""
MAX_PLAIN = RECORD - 86 - 17
"""Bytes that fit into it beside its head, its delimiter and its tag."""
_POINT, _UNCOMPRESSED = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint


def unbase64(text: str) -> bytes:
    """The bytes of URL-safe Base64 without padding. Raises ValueError."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("is no URL-safe Base64") from error


def base64url(data: bytes) -> str:
    """URL-safe Base64 without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def is_point(data: bytes) -> bool:
    """Whether this is a public key of P-256, uncompressed."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)
    except ValueError:
        return False
    return len(data) == 65


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def sealed(plain: bytes, *, public: bytes, auth: bytes) -> bytes:
    """The message for the browser with this public key and this secret, as `aes128gcm`. Raises ValueError."""
    if len(plain) > MAX_PLAIN:
        raise ValueError(f"a push message has at most {MAX_PLAIN} bytes")
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
    once = ec.generate_private_key(ec.SECP256R1())
    ours = once.public_key().public_bytes(_POINT, _UNCOMPRESSED)
    secret = _derived(once.exchange(ec.ECDH(), theirs), auth, b"WebPush: info\x00" + public + ours, 32)
    salt = os.urandom(16)
    key = _derived(secret, salt, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\x00", 12)
    head = salt + RECORD.to_bytes(4) + bytes([len(ours)]) + ours
    return head + AESGCM(key).encrypt(nonce, plain + b"\x02", None)


class EcSigner:
    """Signs tokens by ES256, for APNs and for Web Push (VAPID)."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key

    @classmethod
    def of_pem(cls, pem: str) -> "EcSigner":
        """From a PEM file such as Apple's `.p8`. Raises ValueError."""
        key = serialization.load_pem_private_key(pem.encode(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("must be a private key of P-256")  # noqa: TRY004 - the value is wrong, not a type
        return cls(key)

    @classmethod
    def of_number(cls, text: str) -> "EcSigner":
        """From the 32 bytes of the private key, as Web Push tools write it. Raises ValueError."""
        data = unbase64(text)
        if len(data) != 32:
            raise ValueError("must be 32 bytes")
        return cls(ec.derive_private_key(int.from_bytes(data), ec.SECP256R1()))

    @property
    def public(self) -> str:
        """The public key as browsers want it: the uncompressed point in URL-safe Base64."""
        return base64url(self._key.public_key().public_bytes(_POINT, _UNCOMPRESSED))

    def sign(self, claims: Mapping[str, Any], *, headers: Mapping[str, str] | None = None) -> str:
        """A token with these claims."""
        return jwt.encode(dict(claims), self._key, algorithm="ES256", headers=dict(headers or {}))


class RsaSigner:
    """Signs tokens by RS256, for Google's service accounts."""

    def __init__(self, pem: str) -> None:
        """Raises ValueError for what is no RSA key."""
        key = serialization.load_pem_private_key(pem.encode(), None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError("must be an RSA private key")  # noqa: TRY004 - the value is wrong, not a type
        self._key = key

    def sign(self, claims: Mapping[str, Any], *, headers: Mapping[str, str] | None = None) -> str:
        """A token with these claims."""
        return jwt.encode(dict(claims), self._key, algorithm="RS256", headers=dict(headers or {}))
