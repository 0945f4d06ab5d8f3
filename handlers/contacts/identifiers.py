"""The one form of an identifier, and the keyed hashes that stand for it."""

import hashlib
import hmac
import re
from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from handlers.contacts.models import Via
from handlers.users.names import normal_email

TAG_BITS = 20
"""Few enough that a tag stands for many thousand numbers, enough that of 5,000 contacts about 12 share one."""

_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Identifier:
    """A phone number or an e-mail address in its one form."""

    via: Via
    value: str


def phone(text: str, region: str | None = None) -> Identifier | None:
    """The E.164 form of a phone number; None for what cannot be one.

    It begins with `+` or `00` and the country's code, or is written as people of `region` (ISO 3166) write it. Without
    a region no country is guessed: the wrong one would find a stranger. Letters are none of a number.
    """
    bare = text.strip().replace("(0)", "")
    if bare.startswith("00"):
        bare = f"+{bare[2:]}"
    if _LETTER.search(bare):
        return None
    try:
        number = phonenumbers.parse(bare, region)
    except NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return Identifier("phone", phonenumbers.format_number(number, PhoneNumberFormat.E164))


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

    def hash(self, identifier: Identifier) -> str:
        """What stands for the identifier."""
        return self._keyed(f"{identifier.via}:{identifier.value}").hex()

    def tag(self, owner: str, identifier: Identifier) -> int:
        """By what the identifier is counted in one owner's address book; in another's it is another number."""
        keyed = self._keyed(f"tag:{owner}:{identifier.via}:{identifier.value}")
        return int.from_bytes(keyed[:4], "big") >> (32 - TAG_BITS)

    def _keyed(self, text: str) -> bytes:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).digest()
