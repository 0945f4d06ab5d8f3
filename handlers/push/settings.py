"""What an operator may turn of push notifications: a service is on once its key is given."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from crypto.pushing import EcSigner, RsaSigner

HTTPS = r"^https://[^\s/?#@]+$"


class PushSettings(BaseModel):
    """Read from the environment, every name with the prefix `MIXEE_PUSH_`."""

    model_config = ConfigDict(frozen=True)

    webpush_key: SecretStr | None = Field(
        None, description="Private VAPID key: 32 bytes in URL-safe Base64. Unset, there is no Web Push."
    )
    webpush_contact: str = Field(
        "mailto:admin@localhost",
        pattern=r"^(mailto:|https://)\S+$",
        description="Where a browser's push service reaches the operator of this server.",
    )
    webpush_hosts: str = Field(
        "fcm.googleapis.com,push.services.mozilla.com,push.apple.com,notify.windows.com",
        description="Push services that browsers may name, with all below them, separated by commas.",
    )
    apns_key: SecretStr | None = Field(
        None, description="Text of Apple's .p8 file (line ends may be written \\n). Unset, there is no APNs."
    )
    apns_key_id: str = Field("", description="Id of that key.")
    apns_team_id: str = Field("", description="Id of the team that the key belongs to.")
    apns_topic: str = Field("", description="Bundle id of the app.")
    apns_url: str = Field("https://api.push.apple.com", pattern=HTTPS, description="Apple's service, or its sandbox.")
    fcm_account: SecretStr | None = Field(
        None, description="Text of Google's service account file (JSON). Unset, there is no FCM."
    )
    fcm_url: str = Field("https://fcm.googleapis.com", pattern=HTTPS, description="Google's service.")
    ca_file: str | None = Field(None, description="File of the authorities to trust in place of the system's.")
    ack_seconds: float = Field(3.0, ge=0, le=60, description="How long a connected device may take to confirm.")
    at_once: int = Field(16, ge=1, le=256, description="Notifications that one process sends at the same time.")
    lasting_hours: int = Field(24, ge=1, le=672, description="How long a push service keeps what it cannot deliver.")
    max_attempts: int = Field(8, ge=1, le=50, description="Attempts at one notification.")

    @field_validator("webpush_key")
    @classmethod
    def _number(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            EcSigner.of_number(value.get_secret_value())
        return value

    @field_validator("apns_key")
    @classmethod
    def _pem(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        text = value.get_secret_value().replace("\\n", "\n")
        EcSigner.of_pem(text)
        return SecretStr(text)

    @field_validator("fcm_account")
    @classmethod
    def _account(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            found = json.loads(value.get_secret_value())
            if not isinstance(found, dict) or not all(
                isinstance(found.get(name), str) for name in ("project_id", "client_email", "private_key", "token_uri")
            ):
                raise ValueError("must have project_id, client_email, private_key and token_uri")
            RsaSigner(found["private_key"])
        return value

    @model_validator(mode="after")
    def _whole(self) -> "PushSettings":
        if self.apns_key is not None and not (self.apns_key_id and self.apns_team_id and self.apns_topic):
            raise ValueError("apns_key needs apns_key_id, apns_team_id and apns_topic beside it")
        return self

    @property
    def account(self) -> dict[str, Any] | None:
        """Google's service account."""
        return None if self.fcm_account is None else dict(json.loads(self.fcm_account.get_secret_value()))

    @property
    def hosts(self) -> tuple[str, ...]:
        """The push services that browsers may name."""
        return tuple(one.strip().lower() for one in self.webpush_hosts.split(",") if one.strip())
