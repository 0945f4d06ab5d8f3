"""The sparse post-quantum ratchet: gives each message a key, and a few bytes that must travel with it."""

from dataclasses import dataclass

from crypto.signal.client.braid.chain import Chains
from crypto.signal.client.braid.erasure import CHUNK_SIZE, MAX_INDEX
from crypto.signal.client.braid.machine import Braid, EpochKey, Kind, Part
from crypto.signal.client.randomness import Draw
from crypto.signal.errors import InvalidMessage
from crypto.signal.protobuf import read_varint, varint

VERSION = 1
_WITH_CHUNK = frozenset({Kind.HEADER, Kind.VECTOR, Kind.VECTOR_CT1_ACK, Kind.CT1, Kind.CT2})


@dataclass(frozen=True, slots=True)
class Ratchet:
    """The state of one party. A secret."""

    braid: Braid
    chains: Chains

    @classmethod
    def begin(cls, secret: bytes, *, initiator: bool) -> "Ratchet":
        """After a handshake."""
        return cls(Braid.begin(secret, initiator=initiator), Chains.begin(secret, initiator=initiator))

    def send(self, draw: Draw) -> tuple["Ratchet", bytes, bytes]:
        """The state afterwards, what must travel with the message, and the key of the message."""
        braid, part, new = self.braid.send(draw)
        chains, index, key = self._fed(new).send(part.epoch - 1)
        return Ratchet(braid, chains), write(part, index), key

    def receive(self, data: bytes) -> tuple["Ratchet", bytes]:
        """The state afterwards, and the key of the message. Raises InvalidMessage, DuplicateMessage."""
        part, index = read(data)
        braid, new = self.braid.receive(part)
        chains, key = self._fed(new).receive(part.epoch - 1, index)
        return Ratchet(braid, chains), key

    def _fed(self, new: EpochKey | None) -> Chains:
        return self.chains if new is None else self.chains.add(new.epoch, new.key)


def write(part: Part, index: int) -> bytes:
    """A part and the index of its message, as they travel."""
    chunk = varint(part.index) + part.chunk if part.kind in _WITH_CHUNK else b""
    return bytes([VERSION]) + varint(part.epoch) + varint(index) + bytes([part.kind]) + chunk


def read(data: bytes) -> tuple[Part, int]:
    """The reverse of `write`. Raises InvalidMessage."""
    if data[:1] != bytes([VERSION]):
        raise InvalidMessage("The message does not take part in the post-quantum ratchet of version 1.")
    epoch, at = read_varint(data, 1)
    index, at = read_varint(data, at)
    if not epoch or not 0 < index < 2**32:
        raise InvalidMessage("The epoch or the index of the message is out of bounds.")
    try:
        kind = Kind(data[at])
    except (IndexError, ValueError) as error:
        raise InvalidMessage("The kind of the post-quantum part is unknown.") from error
    if kind not in _WITH_CHUNK:
        place, rest = 0, data[at + 1 :]
    else:
        place, at = read_varint(data, at + 1)
        rest = data[at:]
    if place > MAX_INDEX or len(rest) != (CHUNK_SIZE if kind in _WITH_CHUNK else 0):
        raise InvalidMessage("The chunk of the post-quantum part is of another size.")
    return Part(epoch, kind, place, rest), index
