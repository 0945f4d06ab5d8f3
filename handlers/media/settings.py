"""What an operator may set about attachments."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

MIB = 1024 * 1024


class MediaSettings(BaseModel):
    """Read from the environment, every name with the prefix `MIXEE_MEDIA_`."""

    store: Literal["disk", "s3"] = Field("disk", description="Where attachments are kept.")
    folder: Path | None = Field(
        None,
        description="Folder of the attachments on the disk; unset is `media` below MIXEE_DATA_DIR. All processes must "
        "share it: with servers on several machines use S3.",
    )
    s3_endpoint: str | None = Field(None, description="Address of the S3 service; unset is Amazon's own.")
    s3_region: str = Field("us-east-1", description="Region of the S3 service.")
    s3_bucket: str | None = Field(None, description="Bucket of the attachments; it must exist.")
    s3_prefix: str = Field("", description="Begins the name of every object, so that the bucket may be shared.")
    s3_access_key: str | None = Field(None, description="Access key of the S3 service.")
    s3_secret_key: SecretStr | None = Field(None, description="Secret key of the S3 service.")
    max_image_bytes: int = Field(20 * MIB, ge=1, le=100 * MIB, description="Largest picture, in bytes.")
    max_video_bytes: int = Field(200 * MIB, ge=1, le=4096 * MIB, description="Largest video, in bytes.")
    max_audio_bytes: int = Field(20 * MIB, ge=1, le=100 * MIB, description="Largest recording, in bytes.")
    max_file_bytes: int = Field(100 * MIB, ge=1, le=4096 * MIB, description="Largest file of any other kind, in bytes.")
    max_pixels: int = Field(
        40_000_000, ge=1, le=200_000_000, description="Pixels that a picture may have, all its frames together."
    )
    max_audio_seconds: int = Field(3600, ge=1, le=86_400, description="Seconds that a recording may last.")
    bytes_per_day: int = Field(
        1024 * MIB, ge=MIB, description="Bytes that one person may upload each day (a day of UTC)."
    )
    max_open: int = Field(30, ge=1, le=1000, description="Uploads that one person may have unfinished.")
    upload_hours: int = Field(24, ge=1, description="Hours until an upload that is not finished is thrown away.")
    link_seconds: int = Field(300, ge=1, le=86_400, description="Seconds that an address of a download works.")
    last_link_seconds: int = Field(
        60, ge=1, le=3600, description="Seconds that the one address of something works that is shown once."
    )
    link_secret: SecretStr | None = Field(
        None,
        min_length=16,
        description="Secret behind the addresses of downloads; unset makes one and keeps it in MongoDB.",
    )
    ffmpeg: Path | None = Field(None, description="The ffmpeg to use; unset is the one of the package imageio-ffmpeg.")
    workers: int = Field(
        2, ge=1, le=64, description="Pictures, recordings and videos that one process works on at once."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.store == "s3" and not (self.s3_bucket and self.s3_access_key and self.s3_secret_key):
            raise ValueError(
                "MIXEE_MEDIA_STORE=s3 needs MIXEE_MEDIA_S3_BUCKET, MIXEE_MEDIA_S3_ACCESS_KEY and "
                "MIXEE_MEDIA_S3_SECRET_KEY."
            )
        return self

    def most(self, kind: str) -> int:
        """Bytes that an upload of this kind may have."""
        return {
            "image": self.max_image_bytes,
            "video": self.max_video_bytes,
            "audio": self.max_audio_bytes,
        }.get(kind, self.max_file_bytes)
