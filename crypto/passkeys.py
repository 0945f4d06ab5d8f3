"""Passkeys (WebAuthn): what a browser brings is read and checked; nothing here is stored, or knows the time.

The cryptography and the formats are the library's (py_webauthn). What it leaves open is decided here: which algorithms,
that the person was verified, that the page was not in somebody else's frame, and that no certificate of a maker counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.cose import COSEAlgorithmIdentifier as Algorithm
from webauthn.helpers.structs import AttestationFormat

ALGORITHMS = (Algorithm.EDDSA, Algorithm.ECDSA_SHA_256, Algorithm.RSASSA_PKCS1_v1_5_SHA_256)
"""In the order in which they are liked."""
MAX_ID = 1023
"""Bytes of a credential id (WebAuthn, section 4)."""


class NoPasskey(ValueError):
    """What came is no proof with a passkey; the message says why, for the log."""


@dataclass(frozen=True, slots=True)
class Party:
    """Who asks: the domain that passkeys are bound to, and the pages that may use them."""

    id: str
    origins: Sequence[str]


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey that was just made."""

    credential_id: str
    public_key: bytes
    sign_count: int
    backed_up: bool


@dataclass(frozen=True, slots=True)
class Used:
    """A passkey that was used: its new counter, and whether it is kept in more than one place."""

    sign_count: int
    backed_up: bool


def encoded(raw: bytes) -> str:
    """Bytes in Base64 for addresses, as WebAuthn's JSON has them."""
    return bytes_to_base64url(raw)


def challenge_of(credential: Mapping[str, Any]) -> bytes:
    """The challenge that the browser says it was given: nothing is proved yet. Raises NoPasskey."""
    try:
        said = orjson.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
        return bytes(base64url_to_bytes(said["challenge"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NoPasskey("no client data") from error


def made(credential: Mapping[str, Any], challenge: bytes, party: Party) -> NewPasskey:
    """The passkey that a browser made. Raises NoPasskey."""
    _check_page(credential)
    try:
        found = verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            require_user_verification=True,
            supported_pub_key_algs=list(ALGORITHMS),
        )
    except Exception as error:
        raise NoPasskey(str(error)) from error
    if found.fmt != AttestationFormat.NONE or not 0 < len(found.credential_id) <= MAX_ID:
        raise NoPasskey(f"attestation {found.fmt} was not asked for")
    return NewPasskey(
        credential_id=encoded(found.credential_id),
        public_key=found.credential_public_key,
        sign_count=found.sign_count,
        backed_up=found.credential_backed_up,
    )


def used(credential: Mapping[str, Any], challenge: bytes, party: Party, *, public_key: bytes, sign_count: int) -> Used:
    """The proof that somebody has a passkey. Raises NoPasskey, also when its counter did not grow.

    Passkeys that are synchronised always say 0, and may.
    """
    _check_page(credential)
    try:
        found = verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
    except Exception as error:
        raise NoPasskey(str(error)) from error
    return Used(found.new_sign_count, found.credential_backed_up)


def _check_page(credential: Mapping[str, Any]) -> None:
    """Refuse what a page did in a frame of another one: the library does not look."""
    try:
        said = orjson.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
        framed = said.get("crossOrigin", False) is not False or "topOrigin" in said
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NoPasskey("no client data") from error
    if framed:
        raise NoPasskey("the page was in a frame of another one")
