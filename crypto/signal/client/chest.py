"""The keys of a device: made, kept, and found again when a first message names them."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from crypto.directory import base64
from crypto.signal.client.handshake import MAX_REGISTRATION, Identity, KeyPair, PreKeys
from crypto.signal.client.primitives import kyber_public, new_private, public_of, sign
from crypto.signal.client.randomness import Draw
from crypto.signal.client.store import Store
from crypto.signal.errors import InvalidMessage
from crypto.signal.wire import Address, PreKeyMessage

LAST_RESORT = 2**23
"""The id of the Kyber key of last resort; one-time keys count from 1."""


class Chest:
    """The secret keys of one device."""

    def __init__(self, store: Store, draw: Draw) -> None:
        self._store = store
        self._draw = draw

    def me(self) -> Identity:
        """This device. Raises LookupError before it has a number."""
        found = self._store.get("me")
        if found is None:
            raise LookupError("this device is not registered")
        me = json.loads(found)
        keys = KeyPair(bytes.fromhex(me["private"]), bytes.fromhex(me["public"]))
        return Identity(Address(UUID(me["user"]), me["device"]), me["registration"], keys)

    def settle(self, user: UUID, device: int, registration: int, identity: KeyPair) -> None:
        """The device has a number."""
        me = {
            "user": str(user),
            "device": device,
            "registration": registration,
            "private": identity.private.hex(),
            "public": identity.public.hex(),
        }
        self._store.put({"me": json.dumps(me).encode()})

    def pair(self) -> KeyPair:
        """A fresh key pair."""
        private = new_private(self._draw)
        return KeyPair(private, public_of(private))

    def registration(self) -> int:
        """A fresh registration id."""
        return int.from_bytes(self._draw("chain_id", 2)) % MAX_REGISTRATION + 1

    def first(self, identity: KeyPair, count: int) -> dict[str, Any]:
        """What a new device uploads."""
        signed, seed = self.pair(), self._draw("mlkem1024_seed", 64)
        self._store.put({"signed/1": signed.private, f"pq/{LAST_RESORT}": seed})
        return {
            "signedPreKey": self._signed(identity, 1, signed.public),
            "pqLastResortPreKey": self._signed(identity, LAST_RESORT, kyber_public(seed)),
            **self.one_time(identity, count),
        }

    def one_time(self, identity: KeyPair, count: int) -> dict[str, Any]:
        """So many fresh one-time keys of each kind."""
        begin = int(self._store.get("next") or b"1")
        pairs = {begin + place: self.pair() for place in range(count)}
        seeds = {key_id: self._draw("mlkem1024_seed", 64) for key_id in pairs}
        self._store.put(
            {
                "next": str(begin + count).encode(),
                **{f"ec/{key_id}": one.private for key_id, one in pairs.items()},
                **{f"pq/{key_id}": seed for key_id, seed in seeds.items()},
            }
        )
        return {
            "preKeys": [{"keyId": key_id, "publicKey": base64(one.public)} for key_id, one in pairs.items()],
            "pqPreKeys": [self._signed(identity, key_id, kyber_public(seed)) for key_id, seed in seeds.items()],
        }

    def opens(self, message: PreKeyMessage) -> tuple[PreKeys, Mapping[str, None]]:
        """The private halves that a first message names, and what is to be forgotten once it was read.

        Raises InvalidMessage for keys that are not there (any more).
        """
        signed = self._store.get(f"signed/{message.signed_prekey_id}")
        seed = self._store.get(f"pq/{message.kyber_prekey_id}")
        one_time = None if message.prekey_id is None else self._store.get(f"ec/{message.prekey_id}")
        if signed is None or seed is None or (message.prekey_id is not None and one_time is None):
            raise InvalidMessage("The message names keys that this device does not have.")
        used: dict[str, None] = {} if message.prekey_id is None else {f"ec/{message.prekey_id}": None}
        if message.kyber_prekey_id != LAST_RESORT:
            used[f"pq/{message.kyber_prekey_id}"] = None
        return PreKeys(_pair(signed), seed, _pair(one_time) if one_time else None), used

    def _signed(self, identity: KeyPair, key_id: int, public: bytes) -> dict[str, Any]:
        signature = sign(identity.private, public, self._draw)
        return {"keyId": key_id, "publicKey": base64(public), "signature": base64(signature)}


def _pair(private: bytes) -> KeyPair:
    return KeyPair(private, public_of(private))
