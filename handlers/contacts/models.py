"""What comes in of an address book, and what goes out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from server.models import Id, Input, Instant, Output, Text

Via = Literal["phone", "email"]

MAX_CONTACTS = 1_000
"""Phone numbers and e-mail addresses in one call."""

Region = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$"), Field(examples=["ZA"])]
"""A country as of ISO 3166, such as ZA."""


class AddressBook(Input):
    """The one who asks' address book, without names. At most 1,000 entries together.

    A phone number counts when it is international (a plus or 00, the country's code and the number), or when `region`
    says in which country the others are written.
    """

    phones: Annotated[
        list[Annotated[Text, StringConstraints(max_length=40)]],
        Field(default_factory=list, max_length=MAX_CONTACTS),
    ]
    emails: Annotated[
        list[Annotated[Text, StringConstraints(max_length=254)]],
        Field(default_factory=list, max_length=MAX_CONTACTS),
    ]
    region: Region | None = None
    """The country whose numbers are written without a country's code."""
    tell_me: bool = False
    """Whether to be told (`contacts:found`) when one of those who are not found now can be found within 90 days.

    Keyed hashes of these contacts are kept for so long; without this wish nothing is kept of who is not here.
    """

    @model_validator(mode="after")
    def _bounded(self) -> "AddressBook":
        if len(self.phones) + len(self.emails) > MAX_CONTACTS:
            raise ValueError(f"at most {MAX_CONTACTS:,} contacts in one call")
        return self


class ContactPerson(Output):
    """Somebody of an address book. Who hides the profile from the one who asks shows neither name nor picture."""

    id: Id
    display_name: str | None
    """Null when the person does not show it: the name in the address book is the one to show."""
    avatar: str | None


class ContactMatch(Output):
    """A contact who is here."""

    user: ContactPerson
    via: list[Via]
    """By what the contact was found."""
    is_friend: bool
    matched_at: Instant


class ContactJoined(ContactMatch):
    """A contact who can be found now, for the one who waited for it."""

    owner_id: Id
    """Whose address book it is."""


class ContactsSynced(Output):
    """What came of an address book."""

    matches: list[ContactMatch]
    """The contacts of this call who are here and let themselves be found."""
    unreadable: int
    """Entries that are no phone number and no e-mail address."""


class ListMatches(Input):
    """Which contacts are wanted."""

    cursor: Id | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class MatchPage(Output):
    """Contacts who are here."""

    matches: list[ContactMatch]
    next_cursor: str | None
    """`cursor` of the next page; null when there is none."""


@dataclass(frozen=True, slots=True)
class Tie:
    """An owner's address book led to a person: by what, and since when."""

    owner_id: str
    user_id: str
    via: list[Via]
    at: datetime


@dataclass(frozen=True, slots=True)
class Sought:
    """One contact of a call: nothing but what stands for it, and to whom it leads."""

    via: Via
    hash: str
    user_id: str
    """Whose it is; an id that is nobody's when it leads to no other person."""
    known: bool
    """Whether it leads to somebody."""
    shown: bool = False
    """Whether that person lets himself be found."""
