"""Access tokens (EdDSA JSON Web Tokens) and opaque secrets (refresh tokens), made and checked."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ALGORITHM = "EdDSA"
_jws = jwt.PyJWS(algorithms=[ALGORITHM])

PublicKey = Ed25519PublicKey
"""The half of a key that checks signatures."""
SKEW = timedelta(seconds=60)
"""How far the clocks of two servers may differ."""
MAX_TOKEN = 8_000
"""Characters of the longest access token that is looked at."""


class TokenError(ValueError):
    """The token is not one of ours, or not valid now; `expired` tells the second kind."""

    def __init__(self, message: str, *, expired: bool = False) -> None:
        super().__init__(message)
        self.expired = expired


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key pair and its name (`kid`)."""

    kid: str
    private: Ed25519PrivateKey

    @classmethod
    def generate(cls, kid: str) -> "SigningKey":
        """A new key."""
        return cls(kid, Ed25519PrivateKey.generate())

    @property
    def seed(self) -> bytes:
        """The 32 bytes that the key is made of. A secret."""
        return self.private.private_bytes_raw()

    @classmethod
    def named_by_itself(cls, seed: bytes) -> "SigningKey":
        """The key of a 32-byte seed, its `kid` taken from the public half, so that every process names it alike."""
        private = Ed25519PrivateKey.from_private_bytes(seed)
        return cls(hashlib.sha256(private.public_key().public_bytes_raw()).hexdigest()[:16], private)

    @property
    def public(self) -> Ed25519PublicKey:
        """The half that checks signatures."""
        return self.private.public_key()


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says. `sid` is the session, so that a live socket can be cut when it ends."""

    sub: str
    email: str
    role: str
    scope: tuple[str, ...]
    iat: datetime
    exp: datetime
    aud: str
    iss: str
    sid: str
    did: str
    jti: str
    """Makes every token different, also two of one second."""


def sign(claims: Claims, key: SigningKey) -> str:
    """The signed token."""
    body: dict[str, Any] = {
        "sub": claims.sub,
        "email": claims.email,
        "role": claims.role,
        "scope": list(claims.scope),
        "iat": claims.iat,
        "exp": claims.exp,
        "aud": claims.aud,
        "iss": claims.iss,
        "sid": claims.sid,
        "did": claims.did,
        "jti": claims.jti,
    }
    return jwt.encode(body, key.private, algorithm=ALGORITHM, headers={"kid": key.kid, "typ": "at+jwt"})


def verify(token: str, keys: Mapping[str, Ed25519PublicKey], *, audience: str, issuer: str, now: datetime) -> Claims:
    """Check signature, type, audience, issuer and times against `now`, and return the claims.

    Only EdDSA and only the given keys count: `alg`, `jku`, `x5u` and `jwk` of the header decide nothing. Raises
    TokenError.
    """
    if len(token) > MAX_TOKEN:
        raise TokenError("too long for an access token")
    try:
        key = keys.get(_kid(token.partition(".")[0]))
        if key is None:
            raise TokenError("signed by an unknown key")
        body = orjson.loads(_jws.decode(token, key, algorithms=[ALGORITHM]))
    except (jwt.InvalidTokenError, UnicodeError, RecursionError, orjson.JSONDecodeError) as error:
        raise TokenError("not an access token of this server") from error
    claims = _claims(body)
    if claims.aud != audience or claims.iss != issuer:
        raise TokenError("for another audience, or of another issuer")
    if now >= claims.exp:
        raise TokenError("the token has expired", expired=True)
    if max(claims.iat, _instant(body.get("nbf", 0))) > now + SKEW:
        raise TokenError("the token is not valid yet")
    return claims


@lru_cache(maxsize=128)
def _kid(header: str) -> str:
    """Which key is said to have signed a token with this header: it is the same text for all tokens of a key.

    It decides only which key is tried: what is in the header is read again, strictly, with the signature over it.
    """
    known = jwt.get_unverified_header(f"{header}.e30.")
    if known.get("alg") != ALGORITHM or known.get("typ") != "at+jwt":
        raise TokenError("not an access token")
    return str(known.get("kid"))


def _claims(body: object) -> Claims:
    if not isinstance(body, dict):
        raise TokenError("the token states nothing")
    scope = body.get("scope")
    if not isinstance(scope, list):
        raise TokenError("the scope of the token is missing")
    return Claims(
        sub=_word(body.get("sub")),
        email=_word(body.get("email")),
        role=_word(body.get("role")),
        scope=tuple(_word(one) for one in scope),
        iat=_instant(body.get("iat")),
        exp=_instant(body.get("exp")),
        aud=_word(body.get("aud")),
        iss=_word(body.get("iss")),
        sid=_word(body.get("sid")),
        did=_word(body.get("did")),
        jti=_word(body.get("jti")),
    )


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise TokenError("a claim of the token is missing or of the wrong kind")
    return value


def _instant(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenError("a time of the token is missing or of the wrong kind")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise TokenError("a time of the token is out of range") from error


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token: the session it belongs to, which in the row of that session's tokens it is, and its secret.

    It ends in a seal (HMAC-SHA-256 under a key of the server). So an old token is known for certain to be one of ours,
    and a made-up one is refused without a look at the database.
    """

    session_id: str
    generation: int
    secret: str

    @classmethod
    def make(cls, session_id: str, generation: int) -> "RefreshToken":
        """A new token with a secret of 256 bits."""
        return cls(session_id, generation, new_secret())

    @classmethod
    def read(cls, text: str, key: bytes) -> "RefreshToken":
        """The token of a text. Raises TokenError for one that this server did not make."""
        found = _REFRESH.fullmatch(text)
        if found is None:
            raise TokenError("not a refresh token")
        if not hmac.compare_digest(_seal(found[1], key), found[5]):
            raise TokenError("not a refresh token of this server")
        return cls(found[2], int(found[3]), found[4])

    def write(self, key: bytes) -> str:
        """The text that the client keeps."""
        body = f"{self.session_id}.{self.generation}.{self.secret}"
        return f"{body}.{_seal(body, key)}"


_REFRESH = re.compile(r"(([0-9a-f-]{36})\.([0-9]{1,9})\.([A-Za-z0-9_-]{43}))\.([A-Za-z0-9_-]{43})", re.ASCII)


def _seal(body: str, key: bytes) -> str:
    sealed = hmac.digest(key, body.encode(), "sha256")
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def new_secret(size: int = 32) -> str:
    """A fresh random secret of `size` bytes, as URL-safe text."""
    return secrets.token_urlsafe(size)


def digest(secret: str) -> str:
    """What to store of a random secret: its SHA-256, as hexadecimal text. Not for passwords."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_code(digits: int = 6) -> str:
    """A fresh random number of so many digits, to be typed by a person. Short: bound the attempts."""
    return f"{secrets.randbelow(10**digits):0{digits}d}"


def keyed_digest(secret: str, key: bytes) -> str:
    """What to store of a secret too short for `digest`: without the key it cannot be searched for."""
    return hmac.digest(key, secret.encode(), "sha256").hex()


def same(one: str, other: str) -> bool:
    """Whether two digests are equal, in a time that tells nothing."""
    return hmac.compare_digest(one.encode(), other.encode())
