"""Bytes in files of a local folder, which several processes of one machine may share."""

import asyncio
import os
import secrets
import shutil
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import suppress
from pathlib import Path
from typing import IO

from storage.blobs.blobs import PIECE, BlobsAway, NoBlob, checked

_SYNC_EVERY = 8 * 1024 * 1024
"""Bytes after which what was written is forced out, so that the last force does not take long."""


class DiskBlobs:
    """A file each. A file is written beside its place, forced to the disk and then renamed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def start(self) -> None:
        """Make the folder, for this user alone."""
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True, mode=0o700)

    async def close(self) -> None:
        """Nothing is held open."""

    async def put(self, name: str, source: AsyncIterable[bytes]) -> int:
        """Keep all bytes of the source; how many there were."""
        place = self._folder / checked(name)
        beside = place.with_name(f"{place.name}.{secrets.token_hex(8)}")
        size = 0
        try:
            file = await asyncio.to_thread(_create, beside)
            try:
                unforced = 0
                async for piece in source:
                    size += len(piece)
                    unforced += len(piece)
                    await asyncio.to_thread(_write, file, piece, force=unforced >= _SYNC_EVERY)
                    unforced %= _SYNC_EVERY
                await asyncio.to_thread(_finish, file, beside, place)
            finally:
                file.close()
        except OSError as error:
            raise BlobsAway(f"the folder of the blobs does not take {name}: {error}") from error
        finally:
            with suppress(OSError):
                beside.unlink(missing_ok=True)  # the rename took it away unless something failed
        return size

    async def read(self, name: str, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` up to `stop`. Raises NoBlob."""
        try:
            file = await asyncio.to_thread(_open, self._folder / checked(name), start)
        except FileNotFoundError as error:
            raise NoBlob(name) from error
        except OSError as error:
            raise BlobsAway(f"{name} cannot be read: {error}") from error
        try:
            left = stop - start if stop is not None else None
            while left is None or left > 0:
                piece = await asyncio.to_thread(file.read, PIECE if left is None else min(PIECE, left))
                if not piece:
                    return
                left = None if left is None else left - len(piece)
                yield piece
        finally:
            file.close()

    async def delete(self, name: str) -> None:
        """Remove one file."""
        place = self._folder / checked(name)
        try:
            await asyncio.to_thread(place.unlink, missing_ok=True)
        except OSError as error:
            raise BlobsAway(f"{name} cannot be removed: {error}") from error

    async def clear(self, folder: str) -> None:
        """Remove every file below the folder."""
        place = self._folder / checked(folder)
        try:
            await asyncio.to_thread(shutil.rmtree, place)
        except FileNotFoundError:
            return
        except OSError as error:
            raise BlobsAway(f"{folder} cannot be removed: {error}") from error


def _create(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path.open("xb")


def _open(path: Path, start: int) -> IO[bytes]:
    file = path.open("rb")
    file.seek(start)
    return file


def _write(file: IO[bytes], piece: bytes, *, force: bool) -> None:
    file.write(piece)
    if force:
        file.flush()
        os.fsync(file.fileno())


def _finish(file: IO[bytes], beside: Path, place: Path) -> None:
    file.flush()
    os.fsync(file.fileno())
    beside.replace(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # or the new name could be forgotten
    finally:
        os.close(folder)
