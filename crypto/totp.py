"""One-time codes by the clock (TOTP, RFC 6238): six digits, SHA-1, steps of 30 seconds, as all apps have them."""

import base64
import secrets
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives import constant_time
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

STEP = 30
"""Seconds that a code stands for."""
DIGITS = 6
SECRET_BYTES = 20
"""As long as the digest of SHA-1 (RFC 4226, section 4)."""


def new_totp_secret() -> bytes:
    """A fresh secret to share with an app."""
    return secrets.token_bytes(SECRET_BYTES)


def typed(secret: bytes) -> str:
    """The secret as people type it into an app: Base32 without padding."""
    return base64.b32encode(secret).decode().rstrip("=")


def uri(secret: bytes, *, account: str, issuer: str) -> str:
    """What an app reads from a QR code."""
    about = {"secret": typed(secret), "issuer": issuer, "algorithm": "SHA1", "digits": DIGITS, "period": STEP}
    return f"otpauth://totp/{quote(issuer)}:{quote(account)}?{urlencode(about, quote_via=quote)}"


def code_at(secret: bytes, step: int) -> str:
    """The code of a step: the seconds since 1970 by 30."""
    return HOTP(secret, DIGITS, SHA1()).generate(step).decode()  # noqa: S303 - what RFC 6238 and every app say


def matching_step(secret: bytes, code: str, seconds: float, *, drift: int = 1) -> int | None:
    """The step whose code this is, at most `drift` steps from now; None for none. All are looked at, whatever fits."""
    now, found = int(seconds) // STEP, None
    for step in range(max(0, now - drift), now + drift + 1):
        if constant_time.bytes_eq(code_at(secret, step).encode(), code.encode()):
            found = step
    return found
