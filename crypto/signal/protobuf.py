"""Protocol Buffers as the protocol's messages use them: numbers and bytes, each field at most once, nothing unknown.

Google's library would accept unknown and repeated fields and would need generated code for nine messages of this form;
what a signature or a MAC covers must have one reading only.
"""

from collections.abc import Mapping

from crypto.signal.errors import InvalidMessage

Fields = Mapping[int, int | bytes]
_VARINT, _BYTES = 0, 2
_MAX_VARINT = 10
"""Bytes of the longest number, 64 bits."""


def varint(value: int) -> bytes:
    """A number of at most 64 bits in groups of seven bits, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins at a place, and the place behind it. Raises InvalidMessage."""
    value = 0
    for count in range(_MAX_VARINT):
        if at >= len(data):
            raise InvalidMessage("The message ends within a number.")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            if value >> 64:
                break
            return value, at
    raise InvalidMessage("A number of the message is beyond 64 bits.")


def encode(fields: Mapping[int, int | bytes | None]) -> bytes:
    """The bytes of a message, its fields in the order of their numbers; None leaves a field out."""
    out = bytearray()
    for number, value in sorted(fields.items()):
        if isinstance(value, int):
            out += varint(number << 3 | _VARINT) + varint(value)
        elif value is not None:
            out += varint(number << 3 | _BYTES) + varint(len(value)) + value
    return bytes(out)


def decode(data: bytes, kinds: Mapping[int, type[int] | type[bytes]]) -> dict[int, int | bytes]:
    """The fields of a message. Raises InvalidMessage for an unknown or repeated field, or one of another kind."""
    found: dict[int, int | bytes] = {}
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        number, wire = tag >> 3, tag & 7
        kind = kinds.get(number)
        if kind is None or number in found or wire != (_VARINT if kind is int else _BYTES):
            raise InvalidMessage(f"The field {number} does not belong into this message.")
        value, at = read_varint(data, at)
        if kind is int:
            found[number] = value
            continue
        if value > len(data) - at:
            raise InvalidMessage("The message ends within a field.")
        found[number] = data[at : at + value]
        at += value
    return found


def number(fields: Fields, key: int, *, most: int = 2**32 - 1) -> int:
    """A field that must be there and be a number. Raises InvalidMessage."""
    value = fields.get(key)
    if not isinstance(value, int) or value > most:
        raise InvalidMessage(f"The field {key} is missing or beyond its bounds.")
    return value


def content(fields: Fields, key: int, size: int | None = None) -> bytes:
    """A field that must be there and have this many bytes. Raises InvalidMessage."""
    value = fields.get(key)
    if not isinstance(value, bytes) or (size is not None and len(value) != size):
        raise InvalidMessage(f"The field {key} is missing or of another size.")
    return value
