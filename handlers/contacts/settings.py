"""What an operator may set about contacts."""

from pydantic import BaseModel, Field, SecretStr


class ContactsSettings(BaseModel):
    """Read from the environment, every name with the prefix `MIXEE_CONTACTS_`."""

    pepper: SecretStr | None = Field(
        None,
        min_length=16,
        description="Secret behind the hashes of phone numbers and e-mail addresses; unset makes one and keeps it in "
        "MongoDB. After a change, people are found again when they next change or verify a number or an address.",
    )
    distinct: int = Field(
        5_000, ge=1_000, le=50_000, description="Different contacts that a person may compare within `WINDOW_DAYS`."
    )
    window_days: int = Field(10, ge=1, le=90, description="Days that a compared contact counts.")
    new_per_day: int = Field(
        500, ge=5, description="New contacts that a person may compare each day after that of the first address book."
    )
    young_days: int = Field(7, ge=0, description="Days that an account is young.")
    young_share: int = Field(5, ge=1, description="A young account may compare the so-manieth part of these numbers.")
    tell_days: int = Field(
        90, ge=1, le=365, description="Days that somebody who wants to be told of a contact waits for it."
    )
    answer_step_ms: int = Field(
        100,
        ge=0,
        le=1_000,
        description="Answers to an address book are given at multiples of so many milliseconds, so that their time "
        "does not tell what was found; 0 gives them at once.",
    )
