"""The small types of keys: lengths, ranges, and the one way in which bytes are written."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from crypto.directory import FINGERPRINT_SIZE, base64, unbase64
from crypto.signal.keys import EC_SIZE, KYBER_SIZE, KYBER_TYPE, SIGNATURE_SIZE, check_ec

MOST_KEYS = 100
"""One-time keys of one kind in one upload."""
MOST_DEVICES = 6
LAST_DEVICE = 127
PRIMARY = 1
MOST_PEOPLE = 50
MOST_CHECKED = 1_000
MAX_NAME = 300
"""Bytes of a device's name, which its owner has encrypted."""
MAX_PROVISION = 8_192

Kind = Literal["ec", "pq"]


def _sized(value: str, size: int) -> bytes:
    data = unbase64(value)
    if len(data) != size:
        raise ValueError(f"must be {size} bytes")
    return data


def _ec(value: str) -> str:
    check_ec(_sized(value, EC_SIZE))
    return value


def _kyber(value: str) -> str:
    if _sized(value, KYBER_SIZE)[0] != KYBER_TYPE:
        raise ValueError("must begin with the byte 0x08")
    return value


def _signature(value: str) -> str:
    _sized(value, SIGNATURE_SIZE)
    return value


def _fingerprint(value: str) -> str:
    _sized(value, FINGERPRINT_SIZE)
    return value


def _name(value: str) -> str:
    if not 1 <= len(unbase64(value)) <= MAX_NAME:
        raise ValueError(f"must be 1 to {MAX_NAME} bytes")
    return value


def _digest(value: str) -> str:
    _sized(value, 32)
    return value


KeyId = Annotated[int, Field(ge=0, le=2**31 - 1)]
"""Chosen by the device."""
RegistrationId = Annotated[int, Field(ge=1, le=0x3FFF)]
"""Chosen at random by the device when it is set up: who is set up anew has another one."""
DeviceNumber = Annotated[int, Field(ge=1, le=LAST_DEVICE)]
EcKey = Annotated[
    str, StringConstraints(max_length=64), AfterValidator(_ec), Field(examples=[base64(b"\x05\x09" + bytes(31))])
]
"""A Curve25519 public key: 33 bytes, the first one 0x05. Standard Base64 with padding, as all binary fields."""
KyberKey = Annotated[
    str, StringConstraints(max_length=2_200), AfterValidator(_kyber), Field(examples=[base64(b"\x08" + bytes(1568))])
]
"""A Kyber-1024 public key: 1569 bytes, the first one 0x08."""
Signature = Annotated[
    str, StringConstraints(max_length=128), AfterValidator(_signature), Field(examples=[base64(bytes(64))])
]
"""64 bytes: XEdDSA by the identity key over all bytes of the public key."""
DeviceName = Annotated[
    str, StringConstraints(max_length=500), AfterValidator(_name), Field(examples=[base64(b"encrypted")])
]
"""Encrypted by its owner, up to 300 bytes."""
Digest = Annotated[str, StringConstraints(max_length=64), AfterValidator(_digest), Field(examples=[base64(bytes(32))])]
"""A SHA-256."""
Fingerprint = Annotated[
    str, StringConstraints(max_length=16), AfterValidator(_fingerprint), Field(examples=[base64(bytes(4))])
]
"""The first 4 bytes of the SHA-256 of the 33 bytes of an identity key."""
WhichDevice = Annotated[str, StringConstraints(pattern=r"^(\*|[1-9][0-9]{0,2})$"), Field(examples=["*"])]
"""One device, or `*` for all."""
Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$"), Field(examples=["Z" * 43])]
