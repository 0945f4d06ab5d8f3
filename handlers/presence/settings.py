"""What an operator may set about presence."""

from pydantic import BaseModel, Field


class PresenceSettings(BaseModel):
    """Read from the environment, every name with the prefix `MIXEE_PRESENCE_`."""

    grace_seconds: float = Field(
        30.0, ge=0, description="How long a person may be without a connection before others are told."
    )
    idle_seconds: float = Field(300.0, ge=1, description="A device that nobody has used for so long counts as away.")
    busy_seconds: float = Field(
        3600.0, ge=0, description="How long somebody who is busy stays so without a connection."
    )
    quiet_seconds: float = Field(
        10.0, ge=0, description="A person's changes are told to others at most once in this time."
    )
    friends_told: int = Field(
        1_000, ge=0, description="A person with more friends than this is told only to those who watch."
    )
    crowd_watchers: int = Field(
        5_000, ge=1, description="A person with more watchers than this is told to them less often."
    )
    crowd_seconds: float = Field(60.0, ge=0, description="How often the watchers of such a person are told.")
    count_seconds: float = Field(30.0, ge=1, description="How often a large group is told how many are here.")
    lease_seconds: float = Field(
        15.0, ge=1, le=15, description="A server process that is silent for so long counts as dead."
    )
    beat_seconds: float = Field(5.0, ge=0.1, le=5, description="How often a server process says that it lives.")
    refill_seconds: float = Field(
        10.0, ge=0, description="When Redis has lost who is here, each server process tells it again over this time."
    )
    tick_seconds: float = Field(
        0.5, ge=0.05, le=5, description="How often what is due is looked for, and news for watchers are sent."
    )
