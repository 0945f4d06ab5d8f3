"""Addresses of downloads: signed for one viewer, one variant and a few minutes; whether he may see is asked again."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from crypto.links import fits, sign
from handlers.media.models import GetLink, Link, Opening, Record, Variant
from handlers.media.service.access import Gate
from handlers.media.service.errors import BadLink, NoThumbnail, NotReady, OldLink
from handlers.media.service.shelf import Shelf
from handlers.media.settings import MediaSettings
from server.clock import Clock
from server.content import Content
from server.errors import Unavailable

SHOWN_INLINE = ("image", "video", "audio")
"""Kinds whose types were checked, so that a browser may show them; everything else it saves."""


class Links:
    """Makes addresses and opens them."""

    def __init__(self, *, gate: Gate, shelf: Shelf, clock: Clock, settings: MediaSettings) -> None:
        self._gate = gate
        self._shelf = shelf
        self._clock = clock
        self._span = timedelta(seconds=settings.link_seconds)
        self._last_span = timedelta(seconds=settings.last_link_seconds)
        self._key: bytes | None = None

    def use(self, key: bytes) -> None:
        """The secret of the cluster, before the first address."""
        self._key = key

    @property
    def _secret(self) -> bytes:
        if self._key is None:
            raise Unavailable("The server is just starting: try again.", retry_after_ms=1000)
        return self._key

    async def make(self, viewer: str, wanted: GetLink) -> Link:
        """An address for somebody who may see the medium."""
        record = await self._gate.access(wanted.media_id, viewer)
        if record.status != "ready":
            raise NotReady("Finish the upload first.")
        if wanted.variant == "thumbnail" and not (record.found and record.found.thumbnail_size):
            raise NoThumbnail("It has no thumbnail: ask for the original.")
        return self._address(record.id, wanted.variant, viewer)

    async def last(self, viewer: str, media_id: str) -> Link:
        """The one address of the original for somebody who may not see it from now on; who may is the caller's to say.

        Raises NoMedia, NotReady.
        """
        record = await self._gate.any(media_id)
        if record.status != "ready":
            raise NotReady("Finish the upload first.")
        return self._address(record.id, "original", viewer, last=True)

    def _address(self, media_id: str, variant: Variant, viewer: str, *, last: bool = False) -> Link:
        until = self._clock.now() + (self._last_span if last else self._span)
        expires = int(until.timestamp())
        query = {"variant": variant, "viewer": viewer, "expires": str(expires)}
        signature = sign(self._secret, media_id, *query.values(), *(("last",) if last else ()))
        query |= {"last": "true", "signature": signature} if last else {"signature": signature}
        address = f"/api/media/{media_id}/content?{urlencode(query)}"
        return Link(url=address, expires_at=datetime.fromtimestamp(expires, UTC))

    async def open(self, at: Opening) -> Content:
        """The bytes behind an address, as long as its viewer may still see the medium."""
        parts = (at.media_id, at.variant, at.viewer, str(at.expires), *(("last",) if at.last else ()))
        if not fits(self._secret, at.signature, *parts):
            raise BadLink("This address is not one of ours: ask for a new one.")
        left = at.expires - self._clock.now().timestamp()
        if left <= 0:
            raise OldLink("This address has expired: ask for a new one.")
        record = await (self._gate.any(at.media_id) if at.last else self._gate.access(at.media_id, at.viewer))
        return self._content(record, at, int(left))

    def _content(self, record: Record, at: Opening, keep_seconds: int) -> Content:
        found = record.found
        if found is None or record.folder is None:
            raise NotReady("Finish the upload first.")
        small = at.variant == "thumbnail"
        if small and not found.thumbnail_size:
            raise NoThumbnail("It has no thumbnail.")
        name = f"{record.folder}/{at.variant}"
        inline = record.kind in SHOWN_INLINE
        return Content(
            type="image/webp" if small else found.type if inline else "application/octet-stream",
            size=(found.thumbnail_size or 0) if small else found.size,
            etag=name.replace("/", "."),
            read=lambda start, stop: self._shelf.read(name, start, stop),
            filename=None if small else record.filename,
            inline=inline,
            keep_seconds=keep_seconds,
        )
