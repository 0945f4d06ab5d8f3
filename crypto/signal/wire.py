"""The messages as they travel: a version byte, fields, and a MAC or a signature behind them.

The codecs are strict: what they accept they would write in the same bytes, but for the order of the fields.
"""

from dataclasses import dataclass
from uuid import UUID

from crypto.signal import protobuf
from crypto.signal.errors import InvalidMessage
from crypto.signal.keys import EC_SIZE, KYBER_SIZE, SIGNATURE_SIZE, check_ec

VERSION = 0x44
"""Version 4 is meant, and version 4 is the newest: four bits each."""
GROUP_VERSION = 0x33
MAC_SIZE = 8

WHISPER, PREKEY, SENDER_KEY = 2, 3, 7
"""Types of messages, by the numbers of libsignal."""

_SIGNAL: dict[int, type[int] | type[bytes]] = {1: bytes, 2: int, 3: int, 4: bytes, 5: bytes, 6: bytes}
_PREKEY: dict[int, type[int] | type[bytes]] = {1: int, 2: bytes, 3: bytes, 4: bytes, 5: int, 6: int, 7: int, 8: bytes}
_GROUP: dict[int, type[int] | type[bytes]] = {1: bytes, 2: int, 3: int, 4: bytes}
_DISTRIBUTION: dict[int, type[int] | type[bytes]] = {1: bytes, 2: int, 3: int, 4: bytes, 5: bytes}


@dataclass(frozen=True, slots=True)
class Address:
    """A device: the account's UUID, and which of its devices it is, 1 to 127."""

    user: UUID
    device: int

    def to_bytes(self) -> bytes:
        """As it stands in a message: the kind of the name, the UUID, the device."""
        return b"\0" + self.user.bytes + bytes([self.device])


@dataclass(frozen=True, slots=True)
class SignalMessage:
    """A message of a session. `body` are its bytes without the MAC, which covers them."""

    ratchet_key: bytes
    counter: int
    previous_counter: int
    ciphertext: bytes
    pq_ratchet: bytes
    addresses: bytes | None
    body: bytes
    mac: bytes

    def to_bytes(self) -> bytes:
        """As it travels."""
        return self.body + self.mac


@dataclass(frozen=True, slots=True)
class PreKeyMessage:
    """The first messages of a session, until the other has answered: they carry what it begins with."""

    registration_id: int
    prekey_id: int | None
    signed_prekey_id: int
    kyber_prekey_id: int
    kyber_ciphertext: bytes
    base_key: bytes
    identity_key: bytes
    message: SignalMessage

    def to_bytes(self) -> bytes:
        """As it travels."""
        fields: dict[int, int | bytes | None] = {
            1: self.prekey_id,
            2: self.base_key,
            3: self.identity_key,
            4: self.message.to_bytes(),
            5: self.registration_id,
            6: self.signed_prekey_id,
            7: self.kyber_prekey_id,
            8: self.kyber_ciphertext,
        }
        return bytes([VERSION]) + protobuf.encode(fields)


@dataclass(frozen=True, slots=True)
class SenderKeyMessage:
    """A message to a group. `body` are its bytes without the signature, which covers them."""

    distribution: UUID
    chain_id: int
    iteration: int
    ciphertext: bytes
    body: bytes
    signature: bytes

    def to_bytes(self) -> bytes:
        """As it travels."""
        return self.body + self.signature


@dataclass(frozen=True, slots=True)
class Distribution:
    """What a member of a group tells each other's device, so that it can read what he says from here on."""

    distribution: UUID
    chain_id: int
    iteration: int
    chain_key: bytes
    signing_key: bytes

    def to_bytes(self) -> bytes:
        """As it travels, inside a session."""
        fields: dict[int, int | bytes | None] = {
            1: self.distribution.bytes,
            2: self.chain_id,
            3: self.iteration,
            4: self.chain_key,
            5: self.signing_key,
        }
        return bytes([GROUP_VERSION]) + protobuf.encode(fields)


def signal_body(
    *, ratchet_key: bytes, counter: int, previous_counter: int, ciphertext: bytes, pq_ratchet: bytes,
    addresses: bytes | None,
) -> bytes:  # fmt: skip
    """The bytes of a message that its MAC covers."""
    fields: dict[int, int | bytes | None] = {
        1: ratchet_key,
        2: counter,
        3: previous_counter,
        4: ciphertext,
        5: pq_ratchet,
        6: addresses,
    }
    return bytes([VERSION]) + protobuf.encode(fields)


def read_signal(data: bytes) -> SignalMessage:
    """Parse a message of a session; a MAC or a key of it is not checked. Raises InvalidMessage, InvalidKey."""
    if len(data) < 1 + MAC_SIZE or data[0] != VERSION:
        raise InvalidMessage("Not a message of version 4.")
    body, mac = data[:-MAC_SIZE], data[-MAC_SIZE:]
    fields = protobuf.decode(body[1:], _SIGNAL)
    ratchet_key = protobuf.content(fields, 1, EC_SIZE)
    check_ec(ratchet_key)
    addresses = fields.get(6)
    return SignalMessage(
        ratchet_key=ratchet_key,
        counter=protobuf.number(fields, 2),
        previous_counter=protobuf.number(fields, 3),
        ciphertext=protobuf.content(fields, 4),
        pq_ratchet=protobuf.content(fields, 5),
        addresses=addresses if isinstance(addresses, bytes) else None,
        body=body,
        mac=mac,
    )


def read_prekey(data: bytes) -> PreKeyMessage:
    """Parse a first message. Raises InvalidMessage, InvalidKey."""
    if not data or data[0] != VERSION:
        raise InvalidMessage("Not a message of version 4.")
    fields = protobuf.decode(data[1:], _PREKEY)
    base, identity = protobuf.content(fields, 2, EC_SIZE), protobuf.content(fields, 3, EC_SIZE)
    check_ec(base)
    check_ec(identity)
    return PreKeyMessage(
        registration_id=protobuf.number(fields, 5),
        prekey_id=protobuf.number(fields, 1) if 1 in fields else None,
        signed_prekey_id=protobuf.number(fields, 6),
        kyber_prekey_id=protobuf.number(fields, 7),
        kyber_ciphertext=protobuf.content(fields, 8, KYBER_SIZE),
        base_key=base,
        identity_key=identity,
        message=read_signal(protobuf.content(fields, 4)),
    )


def group_body(distribution: UUID, chain_id: int, iteration: int, ciphertext: bytes) -> bytes:
    """The bytes of a message to a group that its signature covers."""
    fields: dict[int, int | bytes | None] = {1: distribution.bytes, 2: chain_id, 3: iteration, 4: ciphertext}
    return bytes([GROUP_VERSION]) + protobuf.encode(fields)


def read_group(data: bytes) -> SenderKeyMessage:
    """Parse a message to a group; its signature is not checked. Raises InvalidMessage."""
    if len(data) < 1 + SIGNATURE_SIZE or data[0] != GROUP_VERSION:
        raise InvalidMessage("Not a message to a group of version 3.")
    body, signature = data[:-SIGNATURE_SIZE], data[-SIGNATURE_SIZE:]
    fields = protobuf.decode(body[1:], _GROUP)
    return SenderKeyMessage(
        distribution=UUID(bytes=protobuf.content(fields, 1, 16)),
        chain_id=protobuf.number(fields, 2),
        iteration=protobuf.number(fields, 3),
        ciphertext=protobuf.content(fields, 4),
        body=body,
        signature=signature,
    )


def read_distribution(data: bytes) -> Distribution:
    """Parse a distribution message. Raises InvalidMessage, InvalidKey."""
    if not data or data[0] != GROUP_VERSION:
        raise InvalidMessage("Not a distribution message of version 3.")
    fields = protobuf.decode(data[1:], _DISTRIBUTION)
    signing = protobuf.content(fields, 5, EC_SIZE)
    check_ec(signing)
    return Distribution(
        distribution=UUID(bytes=protobuf.content(fields, 1, 16)),
        chain_id=protobuf.number(fields, 2),
        iteration=protobuf.number(fields, 3),
        chain_key=protobuf.content(fields, 4, 32),
        signing_key=signing,
    )
