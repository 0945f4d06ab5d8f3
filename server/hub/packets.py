"""Socket.IO packets (protocol revision 5): read strictly, since whoever sends what is none is cut off.

https://github.com/socketio/socket.io-protocol
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from server.hub.framing import binary_frame, text_frame

CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = range(7)

MAX_ATTACHMENTS = 10
"""Binary attachments of one packet, as in Socket.IO's own parser."""
MAX_ID_DIGITS = 16
MAX_NAMESPACE = 100

RESERVED_EVENTS = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)
"""Names that a client may not send, as in Socket.IO's own parser."""


class BadPacket(ValueError):
    """What came is no packet of the protocol."""


@dataclass(slots=True)
class Packet:
    """One packet. `waits` is how many of its attachments have not come yet."""

    kind: int
    namespace: str = "/"
    data: Any = None
    id: int | None = None
    attachments: list[bytes] = field(default_factory=list)
    waits: int = 0

    def attach(self, data: bytes) -> bool:
        """Take one more attachment; whether the packet is complete. Raises BadPacket for one too many."""
        if self.waits == 0:
            raise BadPacket("an attachment that no packet announced")
        self.attachments.append(data)
        self.waits -= 1
        if self.waits:
            return False
        self.data = _filled(self.data, self.attachments)
        return True


def decode(text: bytes) -> Packet:
    """Read the text of a packet. Raises BadPacket."""
    if not text or not 48 <= text[0] <= 54:
        raise BadPacket("an unknown kind of packet")
    kind, at, waits = text[0] - 48, 1, 0
    if kind >= BINARY_EVENT:
        at, waits = _count(text)
    namespace = "/"
    if text[at : at + 1] == b"/":
        namespace, at = _namespace(text, at)
    start = at
    while text[at : at + 1].isdigit():
        at += 1
    if at - start > MAX_ID_DIGITS:
        raise BadPacket("the number of an acknowledgement is too long")
    packet = Packet(kind, namespace, id=int(text[start:at]) if at > start else None, waits=waits)
    if at < len(text):
        packet.data = _json(text[at:])
    _check(packet)
    return packet


def _count(text: bytes) -> tuple[int, int]:
    dash = text.find(b"-", 1, 5)
    if dash < 0 or not text[1:dash].isdigit():
        raise BadPacket("a binary packet tells how many attachments follow")
    waits = int(text[1:dash])
    if not 0 < waits <= MAX_ATTACHMENTS:
        raise BadPacket(f"a packet has 1 to {MAX_ATTACHMENTS} attachments")
    return dash + 1, waits


def _namespace(text: bytes, at: int) -> tuple[str, int]:
    comma = text.find(b",", at, at + MAX_NAMESPACE)
    end = comma if comma >= 0 else len(text)
    if end - at > MAX_NAMESPACE:
        raise BadPacket("the name of the namespace is too long")
    try:
        name = text[at:end].decode()
    except UnicodeDecodeError as error:
        raise BadPacket("the name of the namespace is no text") from error
    return name.partition("?")[0], end + 1 if comma >= 0 else end


def _json(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadPacket("the payload is no JSON") from error


def _check(packet: Packet) -> None:
    kind, data = packet.kind, packet.data
    if kind == CONNECT:
        fits = data is None or isinstance(data, dict)
    elif kind == DISCONNECT:
        fits = data is None
    elif kind in (EVENT, BINARY_EVENT):
        _check_event(data)
        fits = True
    elif kind == CONNECT_ERROR:
        raise BadPacket("only a server refuses a connection")
    else:
        fits = isinstance(data, list)
    if kind in (ACK, BINARY_ACK) and packet.id is None:
        raise BadPacket("an acknowledgement has a number")
    if not fits:
        raise BadPacket("the payload does not fit the kind of packet")


def _check_event(data: Any) -> None:
    if not isinstance(data, list) or not data or not isinstance(data[0], str) or data[0] in RESERVED_EVENTS:
        raise BadPacket("an event is a list that begins with its name")


def _filled(data: Any, attachments: Sequence[bytes]) -> Any:
    """The payload with every placeholder replaced by its attachment."""
    if isinstance(data, list):
        return [_filled(one, attachments) for one in data]
    if isinstance(data, dict):
        if data.get("_placeholder") is True:
            number = data.get("num")
            if not isinstance(number, int) or not 0 <= number < len(attachments):
                raise BadPacket("a placeholder for an attachment that does not exist")
            return attachments[number]
        return {key: _filled(value, attachments) for key, value in data.items()}
    return data


def frames(kind: int, namespace: str, data: Any, packet_id: int | None = None) -> list[bytes]:
    """The WebSocket frames of a packet: its text, and one more for each piece of binary data in it."""
    attachments: list[bytes] = []
    if kind in (EVENT, ACK):
        data = _emptied(data, attachments)
    head = str(kind + 3 if attachments else kind)
    if attachments:
        head += f"{len(attachments)}-"
    if namespace != "/":
        head += f"{namespace},"
    if packet_id is not None:
        head += str(packet_id)
    text = b"4" + head.encode() + (b"" if data is None else orjson.dumps(data))
    return [text_frame(text), *map(binary_frame, attachments)]


def ack_frame(packet_id: int, answer: Any) -> bytes:
    """The frame of an acknowledgement in the namespace `/`, whose answer holds no binary data."""
    return text_frame(b"43%d[%b]" % (packet_id, orjson.dumps(answer)))


def _emptied(data: Any, attachments: list[bytes]) -> Any:
    """The payload with a placeholder for every piece of binary data, which goes to `attachments`."""
    if isinstance(data, bytes | bytearray):
        attachments.append(bytes(data))
        return {"_placeholder": True, "num": len(attachments) - 1}
    if isinstance(data, list | tuple):
        return [_emptied(one, attachments) for one in data]
    if isinstance(data, dict):
        return {key: _emptied(value, attachments) for key, value in data.items()}
    return data
