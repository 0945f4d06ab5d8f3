"""What devices send."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from crypto.directory import unbase64
from handlers.keys.models.fields import (
    MAX_PROVISION,
    MOST_CHECKED,
    MOST_KEYS,
    MOST_PEOPLE,
    DeviceName,
    DeviceNumber,
    Digest,
    EcKey,
    Fingerprint,
    KeyId,
    KyberKey,
    RegistrationId,
    Signature,
    Token,
    WhichDevice,
)
from server.models import Id, Input, Text


class NewPreKey(Input):
    """A one-time key."""

    key_id: KeyId
    public_key: EcKey


class NewSignedPreKey(Input):
    """A key that is used until another one takes its place."""

    key_id: KeyId
    public_key: EcKey
    signature: Signature


class NewKyberPreKey(Input):
    """A post-quantum key."""

    key_id: KeyId
    public_key: KyberKey
    signature: Signature


class OneTimeKeys(Input):
    """Keys that are given out once each. A list that is left out or empty leaves those that are there."""

    pre_keys: Annotated[list[NewPreKey], Field(max_length=MOST_KEYS)] = Field(default_factory=list)
    pq_pre_keys: Annotated[list[NewKyberPreKey], Field(max_length=MOST_KEYS)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for name, keys in (("preKeys", self.pre_keys), ("pqPreKeys", self.pq_pre_keys)):
            if len({one.key_id for one in keys}) < len(keys):
                raise ValueError(f"the ids in {name} must differ from each other")
        return self


class Upload(OneTimeKeys):
    """Fresh keys of the device that asks, in place of those of the same kind."""

    signed_pre_key: NewSignedPreKey | None = None
    pq_last_resort_pre_key: NewKyberPreKey | None = None
    """Given out when no one-time post-quantum key is left. Its id is none of theirs."""


class NewDevice(OneTimeKeys):
    """A device with its first keys."""

    registration_id: RegistrationId
    name: DeviceName
    signed_pre_key: NewSignedPreKey
    pq_last_resort_pre_key: NewKyberPreKey


class FirstDevice(NewDevice):
    """The device with which an account begins to encrypt."""

    identity_key: EcKey


class LinkedDevice(NewDevice):
    """Another device of an account. Its keys are signed by the same identity key."""

    token: Token


class WantedLink(Input):
    """A token for a new device; with `to` and `message` the server hands both to a device that is signed in."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})

    to: Annotated[Text, StringConstraints(min_length=1, max_length=64)] | None = None
    """The `deviceId` with which the new device signed in."""
    message: Annotated[str, StringConstraints(max_length=12_000)] | None = None
    """The identity key pair, encrypted for the new device. The server only passes it on."""

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.to is None) != (self.message is None):
            raise ValueError("to and message go together")
        if self.message is not None and not 1 <= len(unbase64(self.message)) <= MAX_PROVISION:
            raise ValueError(f"message must be 1 to {MAX_PROVISION} bytes")
        return self


class OneDevice(Input):
    """A device of one's own."""

    device_id: DeviceNumber


class WantedDigest(Input):
    """What the device that asks thinks the server has of it."""

    digest: Digest
    """SHA-256 of the identity key, and of id (8 bytes, big-endian) and public key of the signed and the last-resort
    key."""


class WantedBundle(Input):
    """Whose keys are wanted."""

    user_id: Id
    device_id: WhichDevice
    conversation_id: Id | None = None
    """A conversation that both are in: its members' keys are there also for those who are no friends."""


class WantedBundles(Input):
    """Several people whose keys are wanted, of all their devices."""

    user_ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_PEOPLE)]
    conversation_id: Id | None = None
    """As for one person."""


class KnownIdentity(Input):
    """What one knows of somebody's identity key."""

    user_id: Id
    fingerprint: Fingerprint


class KnownIdentities(Input):
    """What one knows of several people's identity keys."""

    elements: Annotated[list[KnownIdentity], Field(min_length=1, max_length=MOST_CHECKED)]
    conversation_id: Id | None = None
    """As for keys."""


class WantedProof(Input):
    """Whose place in the log is wanted."""

    user_id: Id
    conversation_id: Id | None = None
    """As for keys."""
    size: Annotated[int, Field(ge=1, le=2**52)] | None = None
    """Of the tree for which it is proved; left out, the newest."""


class WantedConsistency(Input):
    """Two sizes of the log."""

    first: Annotated[int, Field(ge=0, le=2**52)]
    second: Annotated[int, Field(ge=1, le=2**52)]
