"""What devices send, what waits for them, and what they are told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from crypto.directory import unbase64
from handlers.chat.models.conversations import MOST_MEMBERS
from handlers.chat.models.messages import MAX_EXPIRY, MIN_EXPIRY
from handlers.chat.models.values import MessageId, OperationId, Seq
from handlers.keys.models.fields import MOST_DEVICES, DeviceNumber, RegistrationId
from server.models import Id, Input, Instant, Output

MAX_CIPHERTEXT = 96 * 1024
"""Bytes of one ciphertext."""
MOST_ACKNOWLEDGED = 500
SENDER_KEY = 7
MAX_NUMBER = 127
MAX_REGISTRATION = 0x3FFF


def _ciphertext(value: str) -> str:
    if not unbase64(value):
        raise ValueError("must not be empty")
    return value


Ciphertext = Annotated[str, StringConstraints(max_length=400_000), AfterValidator(_ciphertext)]
"""Up to 96 KiB, in standard Base64 with padding."""


class NewEnvelope(Input):
    """A ciphertext for one device."""

    type: Literal[2, 3, 8]
    """2: of a session, 3: the first ones of a session, 8: not encrypted, asks to send again what cannot be read."""
    destination_device_id: DeviceNumber
    destination_registration_id: RegistrationId
    content: Ciphertext


class Recipient(Input):
    """Somebody's devices: with a ciphertext for each, or only named, in a message to a group."""

    user_id: Id
    messages: Annotated[list[NewEnvelope], Field(max_length=2 * MOST_DEVICES)] | None = None
    devices: (
        Annotated[list[Annotated[list[int], Field(min_length=2, max_length=2)]], Field(max_length=2 * MOST_DEVICES)]
        | None
    ) = None
    """Number and registration id of each."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.messages is None) == (self.devices is None):
            raise ValueError("give either messages or devices")
        for number, registration in self.devices or []:
            if not (1 <= number <= MAX_NUMBER and 1 <= registration <= MAX_REGISTRATION):
                raise ValueError("devices are pairs of a number and a registration id")
        numbers = [one.destination_device_id for one in self.messages or []] + [one[0] for one in self.devices or []]
        if len(set(numbers)) < len(numbers):
            raise ValueError("a device is named twice")
        return self

    def named(self) -> dict[int, int]:
        """The registration ids by number."""
        if self.messages is not None:
            return {one.destination_device_id: one.destination_registration_id for one in self.messages}
        return {one[0]: one[1] for one in self.devices or []}


class NewSealed(Input):
    """Something encrypted: a ciphertext for each device, or for a group one that all read (`type` 7)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "conversationId": "01936c4e-8f3a-7c11-9d2b-3f6a1b2c4d5e",
                    "clientMessageId": "0192f7a4-7c1e-7b6a-9f3e-5d2c8a4b1e60",
                    "timestamp": "2026-11-24T10:30:00.000Z",
                    "recipients": [
                        {
                            "userId": "01936c4e-0000-7c11-9d2b-3f6a1b2c4d5e",
                            "messages": [
                                {
                                    "type": 2,
                                    "destinationDeviceId": 1,
                                    "destinationRegistrationId": 4711,
                                    "content": "RAEC",
                                }
                            ],
                        }
                    ],
                }
            ]
        }
    )

    conversation_id: Id
    client_message_id: OperationId
    """Chosen by the device, the same at every attempt: what was sent twice is there once."""
    timestamp: Instant
    """By the device's clock."""
    recipients: Annotated[list[Recipient], Field(min_length=1, max_length=MOST_MEMBERS)]
    """To the other one of a direct conversation and, unless it has none, to one's own other devices."""
    urgent: bool = True
    silent: bool = False
    """No message of the conversation: keys of a group, requests to send again. In a group nothing else is pairwise."""
    online: bool = False
    """Only for devices that are connected now, and kept nowhere."""
    expires_in: Annotated[int, Field(ge=MIN_EXPIRY, le=MAX_EXPIRY)] | None = None
    """Seconds until the message disappears for everybody."""
    type: Literal[7] | None = None
    content: Ciphertext | None = None
    distribution_id: Id | None = None
    membership_epoch: Seq | None = None
    """The conversation's `seq` by which the sender knows who is in it."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        users = [one.user_id for one in self.recipients]
        if len(set(users)) < len(users):
            raise ValueError("a recipient is named twice")
        group = (self.type, self.content, self.distribution_id, self.membership_epoch)
        if any(one is not None for one in group) and any(one is None for one in group):
            raise ValueError("type, content, distributionId and membershipEpoch go together")
        if any((one.devices is not None) != self.to_group for one in self.recipients):
            raise ValueError("recipients have devices when type is 7, else messages")
        if self.to_group and (self.silent or self.online):
            raise ValueError("a message of type 7 is neither silent nor online")
        if (self.silent or self.online) and self.expires_in is not None:
            raise ValueError("expiresIn is for messages of the conversation")
        return self

    @property
    def to_group(self) -> bool:
        """Whether it is one ciphertext that all read."""
        return self.type == SENDER_KEY

    @property
    def passing(self) -> bool:
        """Whether it is no message of the conversation."""
        return self.silent or self.online

    def named(self) -> dict[str, dict[int, int]]:
        """The registration ids by number, by user."""
        return {one.user_id: one.named() for one in self.recipients}


class WantedEnvelopes(Input):
    """What waits for the device that asks."""

    after: Annotated[int, Field(ge=0, le=2**52)] = 0
    """The `order` of an envelope: those behind it."""
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class Acknowledged(Input):
    """Envelopes that the device has."""

    ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_ACKNOWLEDGED)]


class Sent(Output):
    """It was taken."""

    message_id: MessageId | None
    """Null for what is no message of the conversation."""
    seq: Seq | None
    server_timestamp: Instant
    needs_sync: bool
    """Whether you have other devices to which this did not go."""
    duplicate: bool
    """Whether it was there before: this is the answer from then."""


class Envelope(Output):
    """A ciphertext for this device."""

    id: Id
    order: int
    """Its place in the queue of this device, dense from 1: a hole that the device did not acknowledge was lost (too
    old, or too many). 0 for what is kept nowhere."""
    conversation_id: Id
    message_id: MessageId | None
    seq: Seq | None
    type: int
    source_user_id: Id
    source_device_id: int
    client_timestamp: Instant
    server_timestamp: Instant
    urgent: bool
    content: str


class Envelopes(Output):
    """What waits, the oldest first."""

    envelopes: list[Envelope]
    more: bool


class Receipt(Output):
    """A device has what was sent to it."""

    conversation_id: Id
    message_id: MessageId
    client_message_id: str
    user_id: Id
    device_id: int
    delivered_at: Instant


@dataclass(frozen=True, slots=True)
class Post:
    """An envelope on its way: for which device of whom it is, and from which it comes."""

    id: str
    user_id: str
    device: str
    """The key of the device that it is for."""
    sign_in: str
    conversation_id: str
    message_id: str | None
    seq: int | None
    client_message_id: str
    type: int
    sender: str
    sender_device: int
    sender_sign_in: str
    content: bytes
    client_timestamp: datetime
    at: datetime
    urgent: bool
    order: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """What became of a message that a device has sent."""

    message_id: str | None
    seq: int | None
    at: datetime


Named = Mapping[str, Mapping[int, int]]
"""Devices that a sender names: registration ids by number, by user."""
