"""An authenticator in software, with every knob that a forger would turn."""

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 1, 4, 8, 16, 64


def encoded(raw: bytes) -> str:
    """Base64 for addresses, without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The bytes of it."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Authenticator:
    """One passkey, made for one page. Every keyword overrides what an honest browser would say."""

    def __init__(self, origin: str, rp_id: str = "localhost", *, synced: bool = False) -> None:
        self.origin, self.rp_id = origin, rp_id
        self.synced = synced
        self.id = os.urandom(32)
        self.key = generate_private_key(SECP256R1())
        self.handle: str | None = None
        self.counter = 0

    def make(self, options: dict[str, Any], **other: Any) -> dict[str, Any]:
        """What `navigator.credentials.create()` answers."""
        self.handle = options["user"]["id"]
        client = self._client("webauthn.create", options["challenge"], other)
        public = self.key.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: public.x.to_bytes(32, "big"), -3: public.y.to_bytes(32, "big")})
        identity = other.get("id", self.id)
        attested = bytes(16) + len(identity).to_bytes(2, "big") + identity + cose
        data = self._data(ATTESTED, other) + attested
        statement = other.get("statement", {})
        attestation = cbor2.dumps({"fmt": other.get("fmt", "none"), "attStmt": statement, "authData": data})
        response = {
            "clientDataJSON": encoded(client),
            "attestationObject": encoded(attestation),
            "transports": ["internal"],
        }
        return self._credential(identity, response)

    def use(self, options: dict[str, Any], **other: Any) -> dict[str, Any]:
        """What `navigator.credentials.get()` answers."""
        if not self.synced:
            self.counter += 1
        client = self._client("webauthn.get", options["challenge"], other)
        data = self._data(0, other)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ECDSA(SHA256()))
        handle = other.get("handle", self.handle)
        response = {
            "clientDataJSON": encoded(other.get("sent", client)),
            "authenticatorData": encoded(data),
            "signature": encoded(other.get("signature", signature)),
        }
        return self._credential(other.get("id", self.id), response | ({"userHandle": handle} if handle else {}))

    def _client(self, kind: str, challenge: str, other: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said | other.get("client", {})).encode()

    def _data(self, more: int, other: dict[str, Any]) -> bytes:
        flags = PRESENT | VERIFIED | (ELIGIBLE | BACKED_UP if self.synced else 0) | more
        counter = other.get("counter", self.counter)
        party = hashlib.sha256(other.get("rp_id", self.rp_id).encode()).digest()
        return bytes(party + bytes([other.get("flags", flags)]) + counter.to_bytes(4, "big"))

    @staticmethod
    def _credential(identity: bytes, response: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": encoded(identity),
            "rawId": encoded(identity),
            "type": "public-key",
            "response": response,
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
        }
