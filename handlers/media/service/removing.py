"""Takes attachments away. First nobody sees them any more, then their bytes go; the job does what was interrupted."""

import logging

from handlers.media.store import AllowanceStore, GrantStore, MediaStore
from server.clock import Clock
from storage.blobs import Blobs, BlobsAway

log = logging.getLogger("mixee.media")

AT_ONCE = 200
"""Media that one run of the job, or one step of an erasure, takes away."""


class Remover:
    """Removes, and may be interrupted at any point."""

    def __init__(
        self, *, media: MediaStore, grants: GrantStore, allowances: AllowanceStore, blobs: Blobs, clock: Clock
    ) -> None:
        self._media = media
        self._grants = grants
        self._allowances = allowances
        self._blobs = blobs
        self._clock = clock

    async def remove(self, media_id: str) -> None:
        """Take a medium away; when its store is not there, the job does it later."""
        await self._media.leave(media_id, now=self._clock.now())
        try:
            await self._purge(media_id)
        except BlobsAway as error:
            log.warning("the bytes of %s stay until the job comes: %s", media_id, error)

    async def tidy(self, media_id: str) -> None:
        """Take away what is left of a finished upload; when the store is not there, the job does it later."""
        try:
            await self._blobs.clear(f"{media_id}/part")
        except BlobsAway as error:
            log.warning("the parts of %s stay until the job comes: %s", media_id, error)
            return
        await self._media.tidied(media_id)

    async def look_after(self) -> int:
        """Take away abandoned uploads and what is left of others; how many were looked after."""
        now = self._clock.now()
        await self._allowances.forget_past(now)
        found = await self._media.due(now, AT_ONCE)
        for record in found:
            if record.status == "ready":
                await self.tidy(record.id)
            elif record.status == "going" or await self._media.leave_old(record.id, now=now):
                await self._purge(record.id)
        return len(found)

    async def forget(self, user_id: str) -> None:
        """Take everything of a person away. Raises BlobsAway when that is not possible now: it must be repeated."""
        await self._media.leave_all(user_id, now=self._clock.now())
        await self._grants.forget_user(user_id)
        await self._allowances.forget(user_id)
        while ids := await self._media.ids_of(user_id, AT_ONCE):
            for media_id in ids:
                await self._purge(media_id)

    async def _purge(self, media_id: str) -> None:
        await self._blobs.clear(media_id)
        await self._grants.forget_media(media_id)
        await self._media.remove(media_id)
