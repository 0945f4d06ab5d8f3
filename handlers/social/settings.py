"""What an operator may set about friends, blocks and contacts."""

from pydantic import BaseModel, Field, SecretStr


class SocialSettings(BaseModel):
    """Read from the environment, every name with the prefix `MIXEE_SOCIAL_`."""

    max_friends: int = Field(5_000, ge=1, le=10_000, description="Friends that one person may have.")
    max_blocks: int = Field(5_000, ge=1, le=100_000, description="People that one person may block.")
    declines_heard: int = Field(
        3,
        ge=1,
        description="After so many refusals by one person, further requests of the refused one no longer reach them.",
    )
    contact_pepper: SecretStr | None = Field(
        None,
        min_length=16,
        description="Secret behind the hashes of phone numbers and e-mail addresses; unset makes one and keeps it in "
        "MongoDB. After a change, people are found again when they next change or verify a number or an address.",
    )
    contacts_at_once: int = Field(
        5_000, ge=1_000, description="Contacts that a person may compare before the daily allowance counts."
    )
    contacts_per_day: int = Field(500, ge=1, description="Contacts that a person may compare each day after that.")
