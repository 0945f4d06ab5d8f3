"""What an operator may set about keys."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from crypto.directory import unbase64
from handlers.keys.models.fields import MOST_DEVICES


class KeysSettings(BaseModel):
    """Read from the environment, every name with the prefix `MIXEE_KEYS_`."""

    model_config = ConfigDict(frozen=True)

    max_devices: int = Field(
        MOST_DEVICES, ge=1, le=MOST_DEVICES, description="Devices of one account for encrypted conversations."
    )
    link_minutes: int = Field(10, ge=1, le=60, description="Minutes that a token for another device holds.")
    low: int = Field(20, ge=1, le=100, description="With fewer one-time keys left a device is told to upload more.")
    low_pq: int = Field(10, ge=1, le=100, description="The same for one-time post-quantum keys.")
    idle_days: int = Field(45, ge=1, le=365, description="Days after which nothing is kept for a linked device.")
    idle_days_first: int = Field(180, ge=1, le=730, description="The same for the first device of an account.")
    log_key: SecretStr | None = Field(
        None,
        description="Secret that signs the log of identity keys: 32 bytes in Base64. Unset makes one and keeps it in "
        "MongoDB. After a change, clients no longer trust the log.",
    )

    @field_validator("log_key")
    @classmethod
    def _seed(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(unbase64(value.get_secret_value())) != 32:
            raise ValueError("must be 32 bytes in Base64")
        return value
