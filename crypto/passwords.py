"""Passwords: argon2id hashes, and the check that takes the same time whether or not there is an account."""

import base64
import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


class Passwords:
    """Hashes and checks passwords, at one price: `memory_kib` of memory, gone through `passes` times.

    The standard is RFC 9106's second recommended option (64 MiB, three passes), on one lane since a caller has one
    thread. A call takes 0.1 to 0.3 s of one core: run it in a thread.
    """

    def __init__(self, *, memory_kib: int = 65_536, passes: int = 3) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        salt, tag = (base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
        # The hash of no password, at the same price.
        self._nobody = f"$argon2id$v=19$m={memory_kib},t={passes},p=1${salt}${tag}"

    def hash(self, password: str) -> str:
        """The argon2id hash to store, parameters and salt included."""
        return self._hasher.hash(_normal(password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password fits the stored hash. None takes as long and says no, so timing tells nothing."""
        try:
            self._hasher.verify(stored or self._nobody, _normal(password))
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    def needs_rehash(self, stored: str) -> bool:
        """Whether the hash was made at another price than today's."""
        return self._hasher.check_needs_rehash(stored)


def _normal(password: str) -> str:
    """One form for what looks the same: keyboards differ in how they compose an accent (NIST SP 800-63B)."""
    return unicodedata.normalize("NFKC", password)
