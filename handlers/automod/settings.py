"""What an operator may set about AutoMod."""

from pydantic import BaseModel, Field


class AutoModSettings(BaseModel):
    """Read from the environment, every name with the prefix `MIXEE_AUTOMOD_`."""

    max_keyword_rules: int = Field(6, ge=0, le=6, description="Rules of words that a group may have.")
    max_terms: int = Field(1000, ge=1, le=1000, description="Words of one rule.")
    max_patterns: int = Field(10, ge=0, le=10, description="Regular expressions that a group may have.")
    max_allowed: int = Field(100, ge=0, le=100, description="Words of a group in which nothing is found.")
    duplicate_conversations: int = Field(
        5, ge=2, le=50, description="Groups with the same text of one person that are too many, unless a group says."
    )
    duplicate_seconds: int = Field(
        600, ge=10, le=3600, description="Seconds within which they are counted, unless a group says."
    )
    duplicate_bits: int = Field(
        3, ge=0, le=16, description="Bits of 64 in which the SimHash of texts that count as the same may differ."
    )
    joins_per_minute: int = Field(
        20, ge=1, le=1000, description="People who may come by links within a minute, unless a group says."
    )
    max_held: int = Field(200, ge=1, le=5000, description="Messages of a group that wait for its admins at once.")
    max_held_each: int = Field(20, ge=1, le=200, description="Those of one member.")
    held_days: int = Field(30, ge=1, le=90, description="Days after which a message that nobody decided about is gone.")
