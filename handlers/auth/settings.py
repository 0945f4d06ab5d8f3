"""What an operator may turn of sign-in."""

import base64
import binascii

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator


class AuthSettings(BaseModel):
    """Read from the environment, every name with the prefix `MIXEE_AUTH_`."""

    model_config = ConfigDict(frozen=True)

    issuer: str = Field("mixee", min_length=1, description="`iss` of access tokens.")
    audience: str = Field("mixee", min_length=1, description="`aud` of access tokens.")
    signing_key: SecretStr | None = Field(
        None,
        description="Seed of the key that signs access tokens: 32 bytes in Base64. Unset, the cluster makes one and "
        "keeps it in the database.",
    )
    access_seconds: int = Field(3600, ge=60, le=86_400, description="How long an access token is valid.")
    refresh_days: int = Field(30, ge=1, le=365, description="How long a session lasts that is not used.")
    reuse_grace_seconds: int = Field(
        10, ge=0, le=60, description="How long the refresh token just used works once more, for a lost answer."
    )
    max_sessions: int = Field(30, ge=1, le=200, description="Devices that one account may be signed in on.")
    argon2_memory_kib: int = Field(
        65_536, ge=19_456, le=1_048_576, description="Memory that one password check takes, in KiB."
    )
    argon2_passes: int = Field(3, ge=2, le=10, description="How often a password check goes through its memory.")
    hash_threads: int = Field(2, ge=1, le=16, description="Password checks that run at once.")
    hash_waiting: int = Field(64, ge=0, le=10_000, description="Password checks that may wait; more are refused.")
    email_proof_hours: int = Field(48, ge=1, le=168, description="How long the secret in a verification letter works.")
    reset_minutes: int = Field(30, ge=5, le=1440, description="How long the secret to set a new password works.")
    phone_code_minutes: int = Field(10, ge=1, le=60, description="How long the code in a text message works.")
    longest_delay_seconds: int = Field(
        900, ge=6, le=86_400, description="Longest wait after a failed sign-in; it begins at 6 s and doubles each time."
    )
    attack_on_name: int = Field(
        20, ge=1, description="Failed sign-ins of one name in an hour from which on each needs a proof of work."
    )
    attack_from_block: int = Field(
        50, ge=1, description="The same for sign-ins from one block of addresses (IPv4 /24, IPv6 /48)."
    )
    work_bits: int = Field(
        18,
        ge=1,
        le=26,
        description="Zero bits of a proof of work (2 to their power hashes); 4 more at most under attack.",
    )
    ticket_minutes: int = Field(
        5, ge=1, le=30, description="How long a sign-in waits for its second factor after the right password."
    )
    app_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s?#]+$",
        description="Address of the app's pages; letters then carry links to /verify-email and /reset-password there.",
    )

    @field_validator("signing_key")
    @classmethod
    def _seed(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(_decoded(value.get_secret_value())) != 32:
            raise ValueError("must be 32 bytes in Base64")
        return value

    @property
    def signing_seed(self) -> bytes | None:
        """The seed of the signing key, if it is set."""
        return _decoded(self.signing_key.get_secret_value()) if self.signing_key else None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
