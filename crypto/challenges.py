"""Challenges that carry their own proof: the server keeps nothing until one comes back, and then only that it did."""

import base64
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

_FORM = re.compile(
    r"([a-z-]{1,20})\.([A-Za-z0-9_-]{0,64})\.([A-Za-z0-9_-]{22})\.([0-9]{13})\.([A-Za-z0-9_-]{43})", re.ASCII
)


class NoChallenge(ValueError):
    """The text is no challenge of this server, or for something else."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What it is for, whom or what it is about, and until when it is good."""

    purpose: str
    subject: str
    nonce: str
    expires_at: datetime

    @classmethod
    def make(cls, purpose: str, subject: str, expires_at: datetime) -> "Challenge":
        """A fresh challenge of 128 random bits."""
        return cls(purpose, subject, secrets.token_urlsafe(16), expires_at)

    def write(self, key: bytes) -> str:
        """The challenge as text, sealed with a key of the server (HMAC-SHA-256)."""
        body = f"{self.purpose}.{self.subject}.{self.nonce}.{int(self.expires_at.timestamp() * 1000):013d}"
        return f"{body}.{_seal(body, key)}"

    @classmethod
    def read(cls, text: str, key: bytes) -> "Challenge":
        """The challenge of a text. Raises NoChallenge for one that this server did not make."""
        found = _FORM.fullmatch(text)
        if found is None or not hmac.compare_digest(_seal(text.rpartition(".")[0], key), found[5]):
            raise NoChallenge("not a challenge of this server")
        return cls(found[1], found[2], found[3], datetime.fromtimestamp(int(found[4]) / 1000, UTC))


def _seal(body: str, key: bytes) -> str:
    sealed = hmac.digest(key, f"challenge\n{body}".encode(), "sha256")
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
