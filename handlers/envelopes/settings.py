"""What an operator may set about envelopes."""

from pydantic import BaseModel, ConfigDict, Field


class EnvelopesSettings(BaseModel):
    """Read from the environment, every name with the prefix `MIXEE_ENVELOPES_`."""

    model_config = ConfigDict(frozen=True)

    max_waiting: int = Field(
        5_000, ge=10, le=100_000, description="Envelopes that wait for one device; more push the oldest out."
    )
    lasting_days: int = Field(30, ge=1, le=90, description="Days after which an envelope is dropped.")
