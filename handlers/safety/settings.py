"""What an operator may set about reports and moderation."""

from pydantic import BaseModel, Field


class SafetySettings(BaseModel):
    """Read from the environment, every name with the prefix `MIXEE_SAFETY_`."""

    evidence_days: int = Field(90, ge=1, le=90, description="Days for which the copy of what was reported is kept.")
    evidence_around: int = Field(
        20, ge=0, le=40, description="Messages around the reported one that are kept with it as evidence."
    )
    claim_minutes: int = Field(
        30, ge=1, le=1440, description="Minutes after which a case that a moderator took may be taken by another."
    )
