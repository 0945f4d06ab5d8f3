"""What an operator may turn of second factors."""

import base64
import binascii
import re
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator


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
    passkey_rp_id: str = Field(
        "localhost",
        pattern=r"^[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?$",
        description="Domain that passkeys are bound to: that of the app's pages, or one above. Another one voids all.",
    )
    passkey_origins: str = Field(
        "http://localhost:8080",
        description="Pages and apps that may use passkeys, separated by commas: https://host[:port] of the domain or "
        "below it, or android:apk-key-hash:….",
    )
    max_passkeys: int = Field(20, ge=1, le=100, description="Passkeys of one account.")
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

    @model_validator(mode="after")
    def _pages(self) -> Self:
        if self.passkey_rp_id.replace(".", "").isdigit():
            raise ValueError("MIXEE_FACTORS_PASSKEY_RP_ID must be a domain, not an address")
        strange = [one for one in self.origins if not _belongs(one, self.passkey_rp_id)]
        if strange or not self.origins:
            raise ValueError(
                f"MIXEE_FACTORS_PASSKEY_ORIGINS: {', '.join(strange) or 'nothing'} is no https://host[:port] of "
                f"{self.passkey_rp_id} or below it (http:// for localhost alone)"
            )
        return self

    @property
    def origins(self) -> list[str]:
        """The pages and apps that may use passkeys."""
        return [one.strip() for one in self.passkey_origins.split(",") if one.strip()]

    @property
    def keys(self) -> dict[str, bytes]:
        """The keys by their names, the one that seals first; none when they are unset."""
        return _decoded(self.sealing_keys.get_secret_value()) if self.sealing_keys else {}

    def weaknesses(self) -> list[str]:
        """What must not be so in production, each as a sentence that says what to do."""
        found = []
        if self.sealing_keys is None:
            found.append(
                "MIXEE_FACTORS_SEALING_KEYS is unset: who reads the database reads the secrets too; set a key."
            )
        if "." not in self.passkey_rp_id:
            found.append(f"MIXEE_FACTORS_PASSKEY_RP_ID={self.passkey_rp_id} is no public domain: set that of your app.")
        found += [
            f"MIXEE_FACTORS_PASSKEY_ORIGINS: {one} can be read and changed on the way: use https."
            for one in self.origins
            if one.startswith("http://")
        ]
        return found


_ORIGIN = re.compile(r"(https?)://([a-z0-9]([a-z0-9.-]*[a-z0-9])?)(:[0-9]{1,5})?", re.ASCII)
_ANDROID = re.compile(r"android:apk-key-hash:[A-Za-z0-9_-]{43}", re.ASCII)


def _belongs(origin: str, domain: str) -> bool:
    """Whether a page or app may use the passkeys of a domain."""
    found = _ORIGIN.fullmatch(origin)
    if found is None:
        return _ANDROID.fullmatch(origin) is not None
    scheme, host = found[1], found[2]
    return (host == domain or host.endswith(f".{domain}")) and (
        scheme == "https" or host == "localhost" or host.endswith(".localhost")
    )


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
