"""What an operator may turn of second factors."""

import base64
import binascii

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator


class FactorsSettings(BaseModel):
    """Read from the environment, every name with the prefix `MIXEE_FACTORS_`."""

    model_config = ConfigDict(frozen=True)

    issuer: str = Field(
        "Mixee",
        min_length=1,
        max_length=60,
        pattern=r"^[^:]+$",
        description="What authenticator apps call this service.",
    )
    sealing_keys: SecretStr | None = Field(
        None,
        description="Keys that seal the secrets of authenticator apps, as name:key,name:key with 32 bytes each in "
        "Base64; the first seals, the others still open. Unset, the cluster makes one and keeps it in the database.",
    )
    proposal_minutes: int = Field(
        15, ge=1, le=60, description="How long an authenticator app may take until its first code."
    )

    @field_validator("sealing_keys")
    @classmethod
    def _keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _decoded(value.get_secret_value()):
            raise ValueError(
                "must be name:key,name:key, each name 1 to 16 letters or digits, each key 32 bytes in Base64"
            )
        return value

    @property
    def keys(self) -> dict[str, bytes]:
        """The keys by their names, the one that seals first; none when they are unset."""
        return _decoded(self.sealing_keys.get_secret_value()) if self.sealing_keys else {}

    def weaknesses(self) -> list[str]:
        """What must not be so in production, each as a sentence that says what to do."""
        if self.sealing_keys is None:
            return ["MIXEE_FACTORS_SEALING_KEYS is unset: who reads the database reads the secrets too; set a key."]
        return []


def _decoded(text: str) -> dict[str, bytes]:
    """The keys of a text; none when it does not hold."""
    found: dict[str, bytes] = {}
    for one in text.split(","):
        name, _, key = one.strip().partition(":")
        try:
            found[name] = base64.b64decode(key, validate=True)
        except (binascii.Error, ValueError):
            return {}
        if not (name.isascii() and name.isalnum() and len(name) <= 16 and len(found[name]) == 32):
            return {}
    return found
