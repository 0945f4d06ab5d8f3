"""What an operator may set about friends and blocks."""

from pydantic import BaseModel, Field


class SocialSettings(BaseModel):
    """Read from the environment, every name with the prefix `MIXEE_SOCIAL_`."""

    max_friends: int = Field(5_000, ge=1, le=10_000, description="Friends that one person may have.")
    max_blocks: int = Field(5_000, ge=1, le=100_000, description="People that one person may block.")
    declines_heard: int = Field(
        3,
        ge=1,
        description="After so many refusals by one person, further requests of the refused one no longer reach them.",
    )
