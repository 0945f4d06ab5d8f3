"""What an operator may set about letters."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class MailSettings(BaseModel):
    """Read from the environment, every name with the prefix `MIXEE_MAIL_`."""

    model_config = ConfigDict(frozen=True)

    smtp_host: str | None = Field(
        None,
        min_length=1,
        description="Mail server for letters; unset puts them into files below the data folder (`run.py outbox`).",
    )
    smtp_port: int = Field(587, ge=1, le=65_535, description="Port of the mail server.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the connection to the mail server is made safe."
    )
    smtp_user: str | None = Field(None, description="Name for the mail server.")
    smtp_password: SecretStr | None = Field(None, description="Password for the mail server.")
    smtp_from: str = Field("Mixee <mixee@localhost>", min_length=3, description="Sender of letters.")
    smtp_seconds: float = Field(20.0, gt=0, le=120, description="How long one step with the mail server may take.")
    smtp_at_once: int = Field(
        4, ge=1, le=64, description="Connections to the mail server that one process has at once."
    )

    @model_validator(mode="after")
    def _login_is_whole(self) -> "MailSettings":
        if (self.smtp_user is None) != (self.smtp_password is None):
            raise ValueError("MIXEE_MAIL_SMTP_USER and MIXEE_MAIL_SMTP_PASSWORD go together: set both or neither")
        return self
