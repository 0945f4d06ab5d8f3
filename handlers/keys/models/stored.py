"""What is stored of devices."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key of a device; one-time elliptic-curve keys have no signature."""

    key_id: int
    public: bytes
    signature: bytes | None = None


@dataclass(frozen=True, slots=True)
class Reusable:
    """The two keys of a device that may be given out again and again."""

    signed: StoredKey
    last_resort: StoredKey


@dataclass(frozen=True, slots=True)
class Device:
    """A device of an account. `key` names it for ever; its number may go to another one later."""

    number: int
    key: str
    registration_id: int
    sign_in: str
    """The `deviceId` of the sign-in that it belongs to."""
    name: str
    created_at: datetime
    seen_at: datetime
    """When it was last seen, to the day."""


@dataclass(frozen=True, slots=True)
class Roster:
    """An account's identity and devices, as of one version."""

    user_id: str
    identity: bytes
    version: int
    log_index: int
    last_number: int
    """The number that was given to a device last."""
    devices: Sequence[Device] = field(default=())

    def of_sign_in(self, sign_in: str) -> Device | None:
        """The device that belongs to a sign-in."""
        return next((one for one in self.devices if one.sign_in == sign_in), None)

    def numbered(self, number: int) -> Device | None:
        """The device with this number."""
        return next((one for one in self.devices if one.number == number), None)

    def registrations(self) -> dict[int, int]:
        """The registration ids by number."""
        return {one.number: one.registration_id for one in self.devices}


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry of the log: who had which identity from when on."""

    index: int
    user_id: str
    identity: bytes
    at: datetime
    salt: bytes
