"""What clients may do about attachments."""

from handlers.media.models import PART_BYTES, GetLink, Link, Medium, NewMedia, OneMedia, Opening, Part
from handlers.media.service import (
    BadLink,
    BadPart,
    Finished,
    Incomplete,
    Media,
    NoMedia,
    NoThumbnail,
    NotReady,
    OldLink,
    Refused,
    TooBig,
    TooManyOpen,
    UsedUp,
    WrongOffset,
)
from server.actors import Actor
from server.content import Content
from server.errors import Overloaded, Unavailable
from server.routes import Limit, Routes

routes = Routes("media")

_UPLOADS = (Limit(30, 2),)
"""Messaging rules §5, attachments: 30 at once, then one every 2 seconds."""
_PARTS = (Limit(200, 0.1),)
_READS = (Limit(100, 0.1),)
_CHANGES = (Limit(60, 1),)


@routes.command(
    "POST /api/media",
    event="media:create",
    needs="media:write",
    status=201,
    limits=_UPLOADS,
    errors=(TooBig, TooManyOpen, UsedUp),
)
async def create(media: Media, actor: Actor, body: NewMedia) -> Medium:
    """Announce an upload.

    Then send its bytes in order with `PATCH /api/media/{mediaId}`, and finish it. An upload that is not finished within
    a day is thrown away.
    """
    return await media.uploads.create(actor, body)


@routes.command(
    "PATCH /api/media/{mediaId}",
    needs="media:write",
    limits=_PARTS,
    errors=(NoMedia, BadPart, WrongOffset, Finished, UsedUp, Unavailable),
    takes=PART_BYTES,
)
async def append(media: Media, actor: Actor, body: Part, content: bytes) -> Medium:
    """Add the next bytes of an upload: 64 KiB to 1 MiB, of the last part as many as are left.

    They are safe once this is answered. After a lost connection ask for the upload's `offset` and go on there.
    """
    return await media.uploads.append(actor, body, content)


@routes.command(
    "POST /api/media/{mediaId}/finish",
    event="media:finish",
    needs="media:write",
    limits=_CHANGES,
    errors=(NoMedia, Incomplete, Refused, Overloaded),
)
async def finish(media: Media, actor: Actor, body: OneMedia) -> Medium:
    """Finish an upload whose bytes are all here. Finishing twice is finishing once.

    The type is read from the bytes. A picture is developed anew, without place, camera and comments, and gets a
    thumbnail and a blurhash; one that moves becomes a WebP. A recording gets a waveform and its duration.
    """
    return await media.uploads.finish(actor, body.media_id)


@routes.command("GET /api/media/{mediaId}", event="media:get", needs="media:read", limits=_READS, errors=(NoMedia,))
async def get(media: Media, actor: Actor, body: OneMedia) -> Medium:
    """Look at one's own medium, or at one that somebody shows: how far its upload is, or what it is."""
    return await media.get(actor, body.media_id)


@routes.command(
    "DELETE /api/media/{mediaId}", event="media:delete", needs="media:write", limits=_CHANGES, errors=(NoMedia,)
)
async def delete(media: Media, actor: Actor, body: OneMedia) -> None:
    """Delete one's own medium, or give up its upload. From then on nobody sees it, wherever it was shown."""
    await media.delete(actor, body.media_id)


@routes.command(
    "GET /api/media/{mediaId}/link",
    event="media:link",
    needs="media:read",
    limits=_READS,
    errors=(NoMedia, NoThumbnail, NotReady),
)
async def link(media: Media, actor: Actor, body: GetLink) -> Link:
    """Get an address for downloading a medium. It works for some minutes, and as long as one may see the medium."""
    return await media.link(actor, body)


@routes.command(
    "GET /api/media/{mediaId}/content",
    public=True,
    limits=(Limit(600, 0.02, by="address"),),
    errors=(NoMedia, NoThumbnail, NotReady, BadLink, OldLink),
)
async def content(media: Media, body: Opening) -> Content:
    """Download by an address from `GET /api/media/{mediaId}/link`, whole or in part (`Range`)."""
    return await media.open(body)
