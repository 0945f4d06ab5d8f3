"""The keys of a braid, and the MACs that bind each epoch to all before it."""

from dataclasses import dataclass

from crypto.signal.client.primitives import hkdf, mac

MAC_SIZE = 32
_PROTOCOL = b"Signal_PQCKA_V1_MLKEM768"
_ZERO = bytes(32)


@dataclass(frozen=True, slots=True)
class Authenticator:
    """A root key, which takes in the secret of each epoch, and the key of the MACs. Secrets."""

    root: bytes
    key: bytes

    @classmethod
    def begin(cls, secret: bytes, epoch: int) -> "Authenticator":
        """From the secret of the handshake."""
        return cls(_ZERO, _ZERO).update(secret, epoch)

    def update(self, secret: bytes, epoch: int) -> "Authenticator":
        """Take in the secret of an epoch."""
        info = _PROTOCOL + b":Authenticator Update" + epoch.to_bytes(8)
        out = hkdf(self.root + secret, salt=_ZERO, info=info, size=64)
        return Authenticator(out[:32], out[32:])

    def header(self, header: bytes, epoch: int) -> bytes:
        """The MAC of a header."""
        return mac(self.key, _PROTOCOL + b":ekheader" + epoch.to_bytes(8) + header)

    def ciphertext(self, ciphertext: bytes, epoch: int) -> bytes:
        """The MAC of a ciphertext."""
        return mac(self.key, _PROTOCOL + b":ciphertext" + epoch.to_bytes(8) + ciphertext)


def epoch_key(secret: bytes, epoch: int) -> bytes:
    """What the secret of an epoch gives to the chains."""
    return hkdf(secret, salt=_ZERO, info=_PROTOCOL + b":SCKA Key" + epoch.to_bytes(8), size=32)
