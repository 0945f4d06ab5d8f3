"""The types of an account's fields, with the rules that no JSON schema can say: graphemes, time zones, addresses."""

import re
import unicodedata
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import regex
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, StringConstraints

from handlers.users.names import normal_email
from server.models import Text

MAX_BIO = 500
"""Length of a bio in graphemes: what a reader takes for one character, a family emoji for instance."""

_ZONES = available_timezones()

# ISO 639-1, and those three-letter codes whose languages millions speak but that have no code of two letters.
_LANGUAGE_CODES = """
    aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo
    es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka
    kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng
    nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su
    sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
    bho ceb ckb fil hil ilo kab mai nso tzm yue
"""
_LANGUAGES = frozenset(_LANGUAGE_CODES.split())


def _name(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    if any(unicodedata.category(char) in {"Cc", "Zl", "Zp"} or char in "\u202a\u202b\u202d\u202e" for char in value):
        raise ValueError("must be one line without control characters")
    return " ".join(value.split())


def _bio(value: str) -> str:
    length = len(regex.findall(r"\X", value))
    if length > MAX_BIO:
        raise ValueError(f"must have at most {MAX_BIO} characters, and has {length}")
    return value


def _https(value: str) -> str:
    try:
        parts = urlsplit(value)
        sound = parts.scheme == "https" and bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not value.isprintable() or any(char in value for char in " \"'<>\\`"):
        raise ValueError("must be an address that begins with https:// and names no user")
    return value


def _language(value: str) -> str:
    if value not in _LANGUAGES:
        raise ValueError("must be a language code of ISO 639, such as en, zu or pt")
    return value


def _zone(value: str) -> str:
    if value not in _ZONES:
        raise ValueError("must be a time zone of the IANA database, such as Africa/Johannesburg")
    return value


def _distinct(values: list[str]) -> list[str]:
    if len(set(values)) != len(values):
        raise ValueError("must not name anything twice")
    return values


def _day(value: Any) -> Any:
    if isinstance(value, str):
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
            raise ValueError("must be a day such as 1998-05-17")
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise ValueError("must be a day such as 1998-05-17") from error
    return value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


Username = Annotated[
    str, StringConstraints(min_length=3, max_length=30, pattern=r"^[a-z0-9_.]+$"), BeforeValidator(_lower)
]
"""A username; capitals are taken as their small letters, so that no two differ by them alone."""

Email = Annotated[
    Text,
    StringConstraints(min_length=3, max_length=254),
    AfterValidator(normal_email),
    Field(json_schema_extra={"format": "email"}),
]
"""An e-mail address, brought into its one form."""

Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
"""A telephone number as of E.164: + and up to 15 digits."""

DisplayName = Annotated[Text, StringConstraints(min_length=1, max_length=100), AfterValidator(_name)]
"""The name that others read: one line, runs of blanks made one."""

Bio = Annotated[Text, StringConstraints(max_length=10 * MAX_BIO), AfterValidator(_bio)]
"""A few words about oneself: at most 500 characters as a reader counts them."""

HttpsUrl = Annotated[
    Text, StringConstraints(max_length=2048), AfterValidator(_https), Field(json_schema_extra={"format": "uri"})
]
"""An address of a picture."""

Language = Annotated[
    str, StringConstraints(min_length=2, max_length=3), AfterValidator(_language), Field(examples=["en"])
]
Languages = Annotated[list[Language], Field(max_length=10), AfterValidator(_distinct)]
"""Languages a person speaks, as codes of ISO 639."""

TimeZone = Annotated[
    str, StringConstraints(max_length=64), AfterValidator(_zone), Field(examples=["Africa/Johannesburg"])
]
"""A time zone of the IANA database."""

Place = Annotated[Text, StringConstraints(min_length=1, max_length=100), AfterValidator(_name)]
"""The name of a city, a region or a country."""

Day = Annotated[
    date,
    BeforeValidator(_day),
    PlainSerializer(date.isoformat, return_type=str, when_used="json"),
    Field(json_schema_extra={"format": "date"}),
]
"""A day, written 1998-05-17."""

Gender = Literal["male", "female", "non-binary", "prefer-not-to-say"]
AccountType = Literal["personal", "business", "creator"]
Verification = Literal["none", "pending", "verified"]
Tier = Literal["free", "premium", "pro"]
Visibility = Literal["public", "friends", "private"]
Contact = Literal["everyone", "friends", "none"]
ByPhone = Literal["everyone", "mutual", "nobody"]
Audience = Literal["everyone", "friends", "close", "nobody"]
"""Who may see something, from the most to the fewest people; `close` are friends in the category of close friends."""
Status = Literal["active", "suspended", "leaving"]
