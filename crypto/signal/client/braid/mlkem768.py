"""ML-KEM-768 in two steps: the first part of a ciphertext is made before the peer's vector is known.

Source: FIPS 203 (K-PKE.Encrypt, algorithm 14, cut in two) and "The ML-KEM Braid Protocol", section 1.4. Keys and
decapsulation are those of the library; it has no encapsulation in parts, so that lives here. It does not run in
constant time: its secret is new in each epoch and used once.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey

from crypto.signal.errors import InvalidMessage

Q, N, K = 3329, 256, 3
DU, DV = 10, 4
HEADER_SIZE = 64
"""Bytes of what the first step needs: the seed of the matrix, and the hash of the key."""
VECTOR_SIZE = 1152
CT1_SIZE = 960
CT2_SIZE = 128

Poly = list[int]


def _zetas() -> tuple[int, ...]:
    return tuple(pow(17, int(f"{i:07b}"[::-1], 2), Q) for i in range(128))


_ZETAS = _zetas()
_GAMMAS = tuple(pow(17, 2 * int(f"{i:07b}"[::-1], 2) + 1, Q) for i in range(128))


@dataclass(frozen=True, slots=True)
class Encapsulation:
    """What is kept between the two steps. A secret."""

    message: bytes
    randomness: bytes


def public(seed: bytes) -> tuple[bytes, bytes]:
    """The header and the vector of the key pair that a 64-byte seed makes."""
    key = MLKEM768PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw()
    return key[VECTOR_SIZE:] + hashlib.sha3_256(key).digest(), key[:VECTOR_SIZE]


def encapsulate_1(header: bytes, message: bytes) -> tuple[bytes, bytes, Encapsulation]:
    """From a header and 32 random bytes: the first part of the ciphertext, the shared secret, and what is kept."""
    rho, digest = header[:32], header[32:]
    derived = hashlib.sha3_512(message + digest).digest()
    secret, randomness = derived[:32], derived[32:]
    y_hat = _noise(randomness)
    ct1 = b""
    for i in range(K):
        total = [0] * N
        for j in range(K):
            total = _add(total, _multiply(_matrix(rho, i, j), y_hat[j]))
        ct1 += _pack(_compress(_add(_from_ntt(total), _binomial(randomness, K + i)), DU), DU)
    return ct1, secret, Encapsulation(message, randomness)


def encapsulate_2(kept: Encapsulation, header: bytes, vector: bytes) -> bytes:
    """The second part of the ciphertext. Raises InvalidMessage when the vector is not the one of the header."""
    if hashlib.sha3_256(vector + header[:32]).digest() != header[32:]:
        raise InvalidMessage("The vector is not the one that was announced.")
    y_hat = _noise(kept.randomness)
    total = [0] * N
    for i in range(K):
        t_hat = _unpack(vector[384 * i : 384 * (i + 1)], 12)
        if max(t_hat) >= Q:
            raise InvalidMessage("The vector has coefficients beyond the modulus.")
        total = _add(total, _multiply(t_hat, y_hat[i]))
    v = _add(_from_ntt(total), _binomial(kept.randomness, 2 * K))
    half = [(Q + 1) // 2 * bit for bit in _unpack(kept.message, 1)]
    return _pack(_compress(_add(v, half), DV), DV)


def decapsulate(seed: bytes, ct1: bytes, ct2: bytes) -> bytes:
    """The shared secret of a ciphertext; a forged one gives a secret that nobody shares."""
    return MLKEM768PrivateKey.from_seed_bytes(seed).decapsulate(ct1 + ct2)


def _noise(randomness: bytes) -> list[Poly]:
    return [_ntt(_binomial(randomness, i)) for i in range(K)]


def _binomial(randomness: bytes, nonce: int) -> Poly:
    """A polynomial of small coefficients (algorithm 8 with eta = 2)."""
    bits = _unpack(hashlib.shake_256(randomness + bytes([nonce])).digest(2 * N // 4 * 2 // 2), 1)
    return [(bits[i] + bits[i + 1] - bits[i + 2] - bits[i + 3]) % Q for i in range(0, 4 * N, 4)]


def _matrix(rho: bytes, row: int, column: int) -> Poly:
    """The entry of the transposed matrix, in the NTT domain (algorithm 7)."""
    size = 3 * 168
    while True:
        stream = hashlib.shake_128(rho + bytes([row, column])).digest(size)
        found = []
        for at in range(0, size, 3):
            a, b, c = stream[at : at + 3]
            found += [one for one in (a | (b & 15) << 8, b >> 4 | c << 4) if one < Q]
        if len(found) >= N:
            return found[:N]
        size += 168


def _ntt(poly: Sequence[int]) -> Poly:
    """Algorithm 9."""
    f, index, length = list(poly), 1, 128
    while length >= 2:
        for start in range(0, N, 2 * length):
            zeta = _ZETAS[index]
            index += 1
            for j in range(start, start + length):
                t = zeta * f[j + length]
                f[j + length] = (f[j] - t) % Q
                f[j] = (f[j] + t) % Q
        length //= 2
    return f


def _from_ntt(poly: Sequence[int]) -> Poly:
    """Algorithm 10."""
    f, index, length = list(poly), 127, 2
    while length <= 128:
        for start in range(0, N, 2 * length):
            zeta = _ZETAS[index]
            index -= 1
            for j in range(start, start + length):
                t = f[j]
                f[j] = (t + f[j + length]) % Q
                f[j + length] = zeta * (f[j + length] - t) % Q
        length *= 2
    return [one * 3303 % Q for one in f]


def _multiply(one: Sequence[int], other: Sequence[int]) -> Poly:
    """The product in the NTT domain (algorithms 11 and 12)."""
    out = []
    for i, gamma in enumerate(_GAMMAS):
        a0, a1, b0, b1 = one[2 * i], one[2 * i + 1], other[2 * i], other[2 * i + 1]
        out += [(a0 * b0 + a1 * b1 % Q * gamma) % Q, (a0 * b1 + a1 * b0) % Q]
    return out


def _add(one: Sequence[int], other: Sequence[int]) -> Poly:
    return [(a + b) % Q for a, b in zip(one, other, strict=True)]


def _compress(poly: Sequence[int], bits: int) -> Poly:
    return [((one << bits) + Q // 2) // Q % (1 << bits) for one in poly]


def _pack(values: Sequence[int], bits: int) -> bytes:
    """Values of so many bits each, the lowest bit first (algorithm 5)."""
    total = 0
    for value in reversed(values):
        total = total << bits | value
    return total.to_bytes(len(values) * bits // 8, "little")


def _unpack(data: bytes, bits: int) -> Poly:
    """The reverse of `_pack` (algorithm 6)."""
    total, mask = int.from_bytes(data, "little"), (1 << bits) - 1
    return [total >> at & mask for at in range(0, len(data) * 8, bits)]
