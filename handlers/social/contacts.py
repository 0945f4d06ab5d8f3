"""Address books without storing them: the one form of an identifier, and the keyed hash that stands for it."""

import hashlib
import hmac
import re
from dataclasses import dataclass

from handlers.social.models import Via
from handlers.users.names import normal_email

_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_DRESSING = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]+")


@dataclass(frozen=True, slots=True)
class Identifier:
    """A phone number or an e-mail address in its one form."""

    via: Via
    value: str


def phone(text: str) -> Identifier | None:
    """The E.164 form of an international phone number; None for anything else.

    `+` or `00`, the country's code, and 7 to 15 digits in all. A number without its country's code is not guessed: the
    wrong country would find a stranger.
    """
    bare = _DRESSING.sub("", text.replace("(0)", ""))
    if bare.startswith("00"):
        bare = f"+{bare[2:]}"
    return Identifier("phone", bare) if _E164.fullmatch(bare) else None


def email(text: str) -> Identifier | None:
    """The one form of an e-mail address; None for anything else."""
    try:
        return Identifier("email", normal_email(text))
    except ValueError:
        return None


class Pepper:
    """The secret without which a stored hash cannot be tried against all the phone numbers there are."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.name = hmac.new(secret, b"mixee contact pepper", hashlib.sha256).hexdigest()[:16]
        """Tells two peppers apart, and gives nothing of them away."""

    def hash(self, identifier: Identifier) -> str:
        """What stands for the identifier."""
        spoken = f"{identifier.via}:{identifier.value}".encode()
        return hmac.new(self._secret, spoken, hashlib.sha256).hexdigest()
