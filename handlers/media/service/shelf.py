"""The store of the bytes as the rules see it: its troubles are answers that a client understands."""

from collections.abc import AsyncGenerator, AsyncIterable

from handlers.media.service.errors import NoMedia
from server.errors import Unavailable
from storage.blobs import Blobs, BlobsAway, NoBlob

_AWAY = "The store of the attachments does not answer: try again in a moment."


class Shelf:
    """Puts, reads and takes away. Raises Unavailable when the store does not answer, NoMedia for what is not there."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    async def put(self, name: str, source: AsyncIterable[bytes]) -> int:
        """Keep all bytes of the source; how many there were."""
        try:
            return await self._blobs.put(name, source)
        except BlobsAway as error:
            raise Unavailable(_AWAY, retry_after_ms=2000) from error

    async def read(self, name: str, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` up to `stop`."""
        try:
            async for piece in self._blobs.read(name, start, stop):
                yield piece
        except NoBlob as error:
            raise NoMedia("Its bytes are gone.") from error
        except BlobsAway as error:
            raise Unavailable(_AWAY, retry_after_ms=2000) from error

    async def delete(self, name: str) -> None:
        """Take one name away."""
        try:
            await self._blobs.delete(name)
        except BlobsAway as error:
            raise Unavailable(_AWAY, retry_after_ms=2000) from error

    async def clear(self, folder: str) -> None:
        """Take everything below a folder away."""
        try:
            await self._blobs.clear(folder)
        except BlobsAway as error:
            raise Unavailable(_AWAY, retry_after_ms=2000) from error
