"""What an operator may set about notices."""

from typing import Literal

from pydantic import BaseModel, Field, SecretStr


class NoticesSettings(BaseModel):
    """Read from the environment, every name with the prefix `MIXEE_NOTICES_`."""

    kept: int = Field(1_000, ge=1, le=10_000, description="Notices that are kept for one person; the oldest go first.")
    kept_days: int = Field(90, ge=1, le=3_650, description="Days that a notice is kept.")
    join_hours: int = Field(24, ge=0, le=720, description="Hours within which equal notices that are unread join.")
    mail_most: int = Field(20, ge=1, le=100, description="Notices that one letter names; the others it counts.")
    mail_attempts: int = Field(8, ge=1, le=20, description="How often a letter that cannot be sent is tried.")
    smtp_host: str | None = Field(
        None, min_length=1, description="Mail server for letters; unset puts them into files below the data folder."
    )
    smtp_port: int = Field(587, ge=1, le=65_535, description="Port of the mail server.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the connection to the mail server is made safe."
    )
    smtp_user: str | None = Field(None, description="Name for the mail server.")
    smtp_password: SecretStr | None = Field(None, description="Password for the mail server.")
    smtp_from: str = Field("Mixee <mixee@localhost>", min_length=3, description="Sender of letters.")
    smtp_seconds: float = Field(20.0, gt=0, le=120, description="How long one step with the mail server may take.")
