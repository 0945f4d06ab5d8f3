"""What an operator may set about presence."""

from pydantic import BaseModel, Field


class PresenceSettings(BaseModel):
    """Read from the environment, every name with the prefix `MIXEE_PRESENCE_`."""

    grace_seconds: float = Field(
        10.0, ge=0, description="How long a person may be without a connection before friends are told."
    )
    quiet_seconds: float = Field(
        10.0, ge=0, description="A person's changes are told to friends at most once in this time."
    )
    lease_seconds: float = Field(15.0, ge=1, description="A server process that is silent for so long counts as dead.")
    beat_seconds: float = Field(5.0, ge=0.1, description="How often a server process says that it lives.")
    tick_seconds: float = Field(0.5, ge=0.05, description="How often what is due is looked for.")
