"""What an operator may set about notices."""

from pydantic import BaseModel, Field


class NoticesSettings(BaseModel):
    """Read from the environment, every name with the prefix `MIXEE_NOTICES_`."""

    kept: int = Field(1_000, ge=1, le=10_000, description="Notices that are kept for one person; the oldest go first.")
    kept_days: int = Field(90, ge=1, le=3_650, description="Days that a notice is kept.")
    join_hours: int = Field(24, ge=0, le=720, description="Hours within which equal notices that are unread join.")
    mail_most: int = Field(20, ge=1, le=100, description="Notices that one letter names; the others it counts.")
    mail_attempts: int = Field(8, ge=1, le=20, description="How often a letter that cannot be sent is tried.")
