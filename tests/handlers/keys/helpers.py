"""Keys as devices make them, and further sign-ins of people."""

import itertools
import secrets
from collections.abc import Awaitable, Sequence
from typing import Any

from crypto.directory import base64, digest, unbase64
from crypto.signal.client.handshake import KeyPair
from crypto.signal.client.primitives import clamp, kyber_public, public_of, sign
from crypto.signal.client.randomness import system
from tests.handlers.chat.conftest import HERE
from tests.harness.people import Person, Refusal

_numbers = itertools.count(1)


def pair() -> KeyPair:
    """A fresh Curve25519 pair."""
    private = clamp(secrets.token_bytes(32))
    return KeyPair(private, public_of(private))


class Keyring:
    """The keys of a device: those of its account, and what it uploads."""

    def __init__(self, identity: KeyPair | None = None) -> None:
        self.identity = identity or pair()
        self.registration_id = secrets.randbelow(0x3FFF) + 1
        self.signed = self.signed_key(1)
        self.last_resort = self.kyber_key(1_000)

    def signed_key(self, key_id: int) -> dict[str, Any]:
        """A fresh key that the identity has signed."""
        return self._signed(key_id, pair().public)

    def kyber_key(self, key_id: int) -> dict[str, Any]:
        """A fresh post-quantum key."""
        return self._signed(key_id, kyber_public(secrets.token_bytes(64)))

    def one_time(self, count: int, *, first: int = 1) -> list[dict[str, Any]]:
        """Fresh one-time keys."""
        return [{"keyId": first + place, "publicKey": base64(pair().public)} for place in range(count)]

    def one_time_pq(self, count: int, *, first: int = 1) -> list[dict[str, Any]]:
        """Fresh one-time post-quantum keys."""
        return [self.kyber_key(first + place) for place in range(count)]

    def device(self, *, ec: int = 0, pq: int = 0, **more: Any) -> dict[str, Any]:
        """What another device of an account sends to join."""
        return {
            "registrationId": self.registration_id,
            "name": base64(b"sealed"),
            "signedPreKey": self.signed,
            "pqLastResortPreKey": self.last_resort,
            "preKeys": self.one_time(ec),
            "pqPreKeys": self.one_time_pq(pq),
            **more,
        }

    def first(self, *, ec: int = 0, pq: int = 0, **more: Any) -> dict[str, Any]:
        """What the first device of an account sends."""
        return self.device(ec=ec, pq=pq, identityKey=base64(self.identity.public), **more)

    def digest(self) -> str:
        """What the server must have of this device."""
        signed, last = ((one["keyId"], unbase64(one["publicKey"])) for one in (self.signed, self.last_resort))
        return base64(digest(self.identity.public, signed, last))

    def _signed(self, key_id: int, public: bytes) -> dict[str, Any]:
        signature = sign(self.identity.private, public, system)
        return {"keyId": key_id, "publicKey": base64(public), "signature": base64(signature)}


async def refused(call: Awaitable[Any]) -> Refusal:
    """What the call is refused with; fails when it is not."""
    try:
        await call
    except Refusal as refusal:
        return refusal
    raise AssertionError("it was done")


async def encrypts(person: Person, *, ec: int = 0, pq: int = 0) -> Keyring:
    """The person's sign-in becomes the first device of an account that encrypts."""
    ring = Keyring()
    await person.ask("POST", "/api/e2ee/devices", ring.first(ec=ec, pq=pq))
    return ring


async def another(person: Person) -> Person:
    """Another sign-in of the same person, on a device of its own."""
    server = person.server
    account = await server.service("users").account(person.id)
    _, tokens = await server.service("auth").book.open(account, HERE, f"device {next(_numbers)}")
    answer = {"user": person.user, "tokens": {"accessToken": tokens.access_token}}
    one = Person(server, person._session, person.name, answer)
    one._sockets = person._sockets
    return one


async def linked(person: Person, ring: Keyring, *, ec: int = 0, pq: int = 0) -> tuple[Person, Keyring, int]:
    """Another device of a person who encrypts: its sign-in, its keys, its number."""
    one, own = await another(person), Keyring(ring.identity)
    token = (await person.ask("POST", "/api/e2ee/devices/link-token", {}))["token"]
    made = await one.ask("POST", "/api/e2ee/devices/link", own.device(ec=ec, pq=pq, token=token))
    return one, own, int(made["deviceId"])


async def fetched(who: Person, whom: Person, device: str = "*") -> Any:
    """The keys that somebody gets of another."""
    return await who.ask("GET", f"/api/e2ee/keys/{whom.id}/{device}")


def ids(keys: Sequence[dict[str, Any]]) -> list[int]:
    """The ids of keys."""
    return [one["keyId"] for one in keys]
