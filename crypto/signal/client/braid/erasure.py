"""Long values in chunks of 32 bytes, any of which, enough in number, give the whole.

A value of n chunks is sixteen polynomials of degree n - 1 over GF(2^16): their values at 0 to n - 1 are the value
itself, in words of two bytes, and further chunks are their values further on. Source: "The ML-KEM Braid Protocol",
section 1.6 (systematic Reed-Solomon codes).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CHUNK_SIZE = 32
MAX_INDEX = 0xFFFF
"""The field has no further places."""
_LANES = CHUNK_SIZE // 2
_MODULUS = 0x1100B


def _tables() -> tuple[list[int], list[int]]:
    """Powers of x, which generates the field, and their logarithms."""
    powers, logarithms, value = [0] * 0x1FFFE, [0] * 0x10000, 1
    for exponent in range(0xFFFF):
        powers[exponent] = powers[exponent + 0xFFFF] = value
        logarithms[value] = exponent
        value <<= 1
        if value >> 16:
            value ^= _MODULUS
    return powers, logarithms


_POWERS, _LOGARITHMS = _tables()


def _multiply(one: int, other: int) -> int:
    return _POWERS[_LOGARITHMS[one] + _LOGARITHMS[other]] if one and other else 0


def _divide(one: int, other: int) -> int:
    return _POWERS[_LOGARITHMS[one] + 0xFFFF - _LOGARITHMS[other]] if one else 0


def _weights(places: Sequence[int], at: int) -> list[int]:
    """How much the value at each place counts for the value at another (Lagrange; in this field minus is plus)."""
    out = []
    for place in places:
        weight = 1
        for other in places:
            if other != place:
                weight = _multiply(weight, _divide(at ^ other, place ^ other))
        out.append(weight)
    return out


def _interpolate(chunks: Mapping[int, bytes], at: int) -> bytes:
    """The chunk at a place, from as many others as the value has."""
    if at in chunks:
        return chunks[at]
    words = [[int.from_bytes(one[2 * i : 2 * i + 2]) for i in range(_LANES)] for one in chunks.values()]
    weights = _weights(list(chunks), at)
    out = b""
    for lane in range(_LANES):
        total = 0
        for weight, chunk in zip(weights, words, strict=True):
            total ^= _multiply(weight, chunk[lane])
        out += total.to_bytes(2)
    return out


@dataclass(frozen=True, slots=True)
class Encoder:
    """Gives the chunks of a value, one after the other."""

    value: bytes
    index: int = 0
    """The next chunk."""

    def next(self) -> tuple["Encoder", int, bytes]:
        """The encoder afterwards, the index of the chunk, and the chunk."""
        parts = {at: self.value[at * CHUNK_SIZE : (at + 1) * CHUNK_SIZE] for at in range(len(self.value) // CHUNK_SIZE)}
        index = self.index & MAX_INDEX
        return Encoder(self.value, index + 1), index, _interpolate(parts, index)


@dataclass(frozen=True, slots=True)
class Decoder:
    """Gathers chunks until a value of `size` bytes is known. Keeps no more of them than it needs."""

    size: int
    chunks: Mapping[int, bytes]

    @classmethod
    def of(cls, size: int) -> "Decoder":
        """Nothing yet."""
        return cls(size, {})

    @property
    def complete(self) -> bool:
        """Whether there are enough."""
        return len(self.chunks) >= self.size // CHUNK_SIZE

    def add(self, index: int, chunk: bytes) -> "Decoder":
        """The decoder with one chunk more; one that it has, or does not need, changes nothing."""
        if self.complete or index in self.chunks:
            return self
        return Decoder(self.size, {**self.chunks, index: chunk})

    def value(self) -> bytes:
        """The whole; only when it is complete."""
        return b"".join(_interpolate(self.chunks, at) for at in range(self.size // CHUNK_SIZE))
