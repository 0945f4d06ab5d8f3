"""The few primitives that the protocol is made of, by name."""

import hashlib
import hmac

import nacl.bindings as sodium
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM1024PrivateKey, MLKEM1024PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.signal.client.randomness import Draw
from crypto.signal.errors import InvalidKey, InvalidMessage
from crypto.signal.keys import EC_TYPE, KYBER_TYPE, check_ec, check_kyber

_BLOCK = 16


def hkdf(secret: bytes, *, salt: bytes | None, info: bytes, size: int) -> bytes:
    """HKDF-SHA256 (RFC 5869)."""
    return HKDF(algorithm=hashes.SHA256(), length=size, salt=salt, info=info).derive(secret)


def mac(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA256."""
    return hmac.digest(key, data, "sha256")


def same(one: bytes, other: bytes) -> bool:
    """Whether two secrets are equal, in constant time."""
    return hmac.compare_digest(one, other)


def clamp(scalar: bytes) -> bytes:
    """A Curve25519 private key of 32 random bytes (RFC 7748)."""
    return bytes([scalar[0] & 0xF8]) + scalar[1:31] + bytes([scalar[31] & 0x7F | 0x40])


def public_of(private: bytes) -> bytes:
    """The 33-byte public half of a 32-byte private key."""
    return bytes([EC_TYPE]) + X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def new_private(draw: Draw) -> bytes:
    """A new Curve25519 private key."""
    return clamp(draw("x25519", 32))


def agree(private: bytes, public: bytes) -> bytes:
    """The secret that a private key shares with a 33-byte public key (RFC 7748). Raises InvalidKey."""
    try:
        other = X25519PublicKey.from_public_bytes(check_ec(public))
        return X25519PrivateKey.from_private_bytes(private).exchange(other)
    except InvalidKey:
        raise
    except ValueError as error:
        raise InvalidKey("The key shares a secret with everybody.") from error


def encrypt(key: bytes, iv: bytes, plaintext: bytes) -> bytes:
    """AES-256-CBC with the padding of PKCS #7."""
    padder = padding.PKCS7(_BLOCK * 8).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(padder.update(plaintext) + padder.finalize()) + encryptor.finalize()


def decrypt(key: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    """The plaintext; whoever calls has checked a MAC or a signature before. Raises InvalidMessage."""
    if not ciphertext or len(ciphertext) % _BLOCK:
        raise InvalidMessage("The ciphertext is not made of blocks.")
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    unpadder = padding.PKCS7(_BLOCK * 8).unpadder()
    try:
        padded = decryptor.update(ciphertext) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise InvalidMessage("The message cannot be decrypted.") from error


def sign(private: bytes, message: bytes, draw: Draw) -> bytes:
    """An XEdDSA signature with a Curve25519 private key.

    Source: "The XEdDSA and VXEdDSA Signature Schemes", section 2.4, with the sign of the Edwards key in the top bit of
    the signature, where verifiers look for it. The scalars are libsodium's, in constant time.
    """
    scalar = sodium.crypto_core_ed25519_scalar_reduce(private + bytes(32))
    edwards = sodium.crypto_scalarmult_ed25519_base_noclamp(scalar)
    prefix = b"\xfe" + b"\xff" * 31
    nonce = hashlib.sha512(prefix + private + message + draw("signature", 64)).digest()
    r = sodium.crypto_core_ed25519_scalar_reduce(nonce)
    big_r = sodium.crypto_scalarmult_ed25519_base_noclamp(r)
    challenge = sodium.crypto_core_ed25519_scalar_reduce(hashlib.sha512(big_r + edwards + message).digest())
    s = sodium.crypto_core_ed25519_scalar_add(r, sodium.crypto_core_ed25519_scalar_mul(challenge, scalar))
    return big_r + s[:31] + bytes([s[31] | edwards[31] & 0x80])


def kyber_public(seed: bytes) -> bytes:
    """The 1569-byte public key of a 64-byte Kyber-1024 seed."""
    return bytes([KYBER_TYPE]) + MLKEM1024PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw()


def kyber_encapsulate(public: bytes) -> tuple[bytes, bytes]:
    """A secret for the holder of a Kyber key, and the 1569-byte ciphertext that carries it. Raises InvalidKey."""
    secret, ciphertext = MLKEM1024PublicKey.from_public_bytes(check_kyber(public)).encapsulate()
    return _round_3(secret, ciphertext), bytes([KYBER_TYPE]) + ciphertext


def kyber_decapsulate(seed: bytes, ciphertext: bytes) -> bytes:
    """The secret of a ciphertext; a forged one gives a secret that nobody shares. Raises InvalidMessage."""
    if ciphertext[:1] != bytes([KYBER_TYPE]):
        raise InvalidMessage("Not a Kyber-1024 ciphertext.")
    try:
        return _round_3(MLKEM1024PrivateKey.from_seed_bytes(seed).decapsulate(ciphertext[1:]), ciphertext[1:])
    except ValueError as error:
        raise InvalidMessage("Not a Kyber-1024 ciphertext.") from error


def _round_3(secret: bytes, ciphertext: bytes) -> bytes:
    """The secret as CRYSTALS-Kyber of round 3 makes it, from that of ML-KEM: keys and ciphertexts are the same."""
    return hashlib.shake_256(secret + hashlib.sha3_256(ciphertext).digest()).digest(32)
