"""What the engine may know of attachments."""

from pathlib import Path

from handlers.media.events import EVENTS
from handlers.media.jobs import JOBS
from handlers.media.routes import routes
from handlers.media.service import ERRORS, Media
from handlers.media.settings import MediaSettings
from handlers.media.store import (
    ALLOWANCE_INDEXES,
    ALLOWANCES,
    GRANT_INDEXES,
    GRANTS,
    MEDIA,
    MEDIA_INDEXES,
    SECRETS,
    AllowanceStore,
    GrantStore,
    MediaStore,
    SecretStore,
)
from handlers.users.events import UserErased
from server.slices import Hears, Kit, Permission, Personal, Slice, Stored
from storage.blobs import Blobs, DiskBlobs, S3Blobs


def _blobs(kit: Kit, settings: MediaSettings) -> Blobs:
    if settings.store == "disk":
        return DiskBlobs(settings.folder or Path(kit.data_dir) / "media")
    return S3Blobs(
        bucket=settings.s3_bucket or "",
        access_key=settings.s3_access_key or "",
        secret_key=settings.s3_secret_key.get_secret_value() if settings.s3_secret_key else "",
        endpoint=settings.s3_endpoint,
        region=settings.s3_region,
        prefix=settings.s3_prefix,
    )


def _build(kit: Kit) -> Media:
    settings = kit.settings(MediaSettings)
    return Media(
        media=MediaStore(kit.collection(MEDIA)),
        grants=GrantStore(kit.collection(GRANTS)),
        allowances=AllowanceStore(kit.collection(ALLOWANCES)),
        keys=SecretStore(kit.collection(SECRETS)),
        blobs=_blobs(kit, settings),
        scratch=Path(kit.data_dir) / "scratch",
        clock=kit.clock,
        publish=kit.publish,
        settings=settings,
    )


async def _erased(media: Media, event: UserErased) -> None:
    await media.forget(event.payload.user_id)


manifest = Slice(
    name="media",
    service=Media,
    build=_build,
    needs=("users",),
    routes=routes,
    events=EVENTS,
    collections=(
        Stored(MEDIA, Personal(("ownerId",), erase="delete"), MEDIA_INDEXES),
        Stored(GRANTS, Personal(("grantedBy",), erase="delete"), GRANT_INDEXES),
        Stored(ALLOWANCES, Personal(("userId",), erase="delete"), ALLOWANCE_INDEXES),
        Stored(SECRETS, None),
    ),
    permissions=(
        Permission("media:read", "See attachments"),
        Permission("media:write", "Upload and delete one's own attachments"),
    ),
    settings=MediaSettings,
    errors=ERRORS,
    hears=(Hears(UserErased, _erased),),
    jobs=JOBS,
    start=Media.start,
    stop=Media.stop,
)
