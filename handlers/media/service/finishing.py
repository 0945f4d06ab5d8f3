"""What becomes of the bytes of an upload: sniffed, checked, developed or measured, and put where they stay."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from crypto.ids import new_id
from handlers.media.films import CONTAINERS, Cutter, Unplayable
from handlers.media.models import Found, Record
from handlers.media.pictures import Picture, Unfit, develop, glimpse
from handlers.media.service.errors import Refused
from handlers.media.service.shelf import Shelf
from handlers.media.service.workshop import Workshop
from handlers.media.settings import MediaSettings
from handlers.media.sniffing import HEAD, READABLE, type_for
from handlers.media.sounds import Unheard, measure

PIECE = 1 << 20
SLACK = 16 << 20
"""Bytes by which a video may be larger when it is written anew."""


class Finisher:
    """Turns the parts of an upload into a medium below a folder of its own."""

    def __init__(self, *, shelf: Shelf, workshop: Workshop, scratch: Path, settings: MediaSettings) -> None:
        """`scratch` is a folder for what lies on this machine's disk while it is worked on."""
        self._folder = scratch
        self._cutter = Cutter(settings.ffmpeg, max_bytes=settings.max_video_bytes + SLACK)
        self._shelf = shelf
        self._workshop = workshop
        self._settings = settings

    async def finish(self, record: Record) -> tuple[str, Found]:
        """The folder, and what is in it. Raises Refused for bytes that are not what was announced, or damaged."""
        kind = await self._kind(record)
        folder = f"{record.id}/{new_id()}"
        try:
            return folder, await self._kept(record, folder, kind)
        except BaseException:
            await self._shelf.clear(folder)
            raise

    async def _kind(self, record: Record) -> str:
        head = bytearray()
        async for piece in self._joined(record.parts):
            head += piece
            if len(head) >= HEAD:
                break
        found = type_for(record.kind, bytes(head[:HEAD]))
        if found is None:
            raise Refused(f"These bytes are not of the kind {record.kind}, or of a format that is not taken.")
        return found

    async def _kept(self, record: Record, folder: str, kind: str) -> Found:
        if record.kind == "image":
            return await self._image(record, folder)
        if record.kind == "audio" and kind in READABLE:
            return await self._audio(record, folder, kind)
        if record.kind in {"video", "audio"} and kind in CONTAINERS:
            return await self._film(record, folder, kind)
        checksum = hashlib.sha256()
        size = await self._shelf.put(f"{folder}/original", self._counted(record.parts, checksum))
        _check(record, checksum)
        return Found(type=kind, size=size, duration=record.duration, waveform=record.waveform)

    async def _image(self, record: Record, folder: str) -> Found:
        async with self._workshop.place():
            raw = await self._whole(record)
            try:
                picture: Picture = await self._workshop.run(partial(develop, raw, max_pixels=self._settings.max_pixels))
            except Unfit as error:
                raise Refused(f"The picture cannot be taken. {error}") from error
        size = await self._shelf.put(f"{folder}/original", _bytes(picture.data))
        if size > self._settings.max_image_bytes:
            raise Refused(f"Developed anew, the picture is larger than {self._settings.max_image_bytes} bytes.")
        small = await self._shelf.put(f"{folder}/thumbnail", _bytes(picture.thumbnail))
        return Found(
            type=picture.type,
            size=size,
            width=picture.width,
            height=picture.height,
            blurhash=picture.blurhash,
            thumbnail_size=small,
        )

    async def _audio(self, record: Record, folder: str, kind: str) -> Found:
        async with self._workshop.place():
            raw = await self._whole(record)
            try:
                sound = await self._workshop.run(partial(measure, raw, max_seconds=self._settings.max_audio_seconds))
            except Unheard as error:
                raise Refused(f"The recording cannot be taken. {error}") from error
            size = await self._shelf.put(f"{folder}/original", _bytes(raw))
        return Found(type=kind, size=size, duration=sound.duration, waveform=sound.waveform)

    async def _film(self, record: Record, folder: str, kind: str) -> Found:
        async with self._workshop.place(), self._scratch() as scratch:
            source, target = scratch / "source", scratch / "target"
            await self._written(record, source)
            try:
                film = await self._cutter.copy(source, target, kind)
            except Unplayable as error:
                raise Refused(f"The {record.kind} cannot be taken. {error}") from error
            size = await self._shelf.put(f"{folder}/original", _pieces(target))
            found = Found(type=kind, size=size, duration=film.duration, waveform=record.waveform)
            return found if record.kind == "audio" else await self._seen(target, folder, found)

    async def _seen(self, film: Path, folder: str, found: Found) -> Found:
        """The video with the picture that stands for it; as it is where there is none."""
        raw = await self._cutter.picture(film, found.type, found.duration or 0.0)
        if raw is None:
            return found
        try:
            seen = await self._workshop.run(partial(glimpse, raw, max_pixels=self._settings.max_pixels))
        except Unfit:
            return found
        small = await self._shelf.put(f"{folder}/thumbnail", _bytes(seen.thumbnail))
        return replace(found, width=seen.width, height=seen.height, blurhash=seen.blurhash, thumbnail_size=small)

    @asynccontextmanager
    async def _scratch(self) -> AsyncIterator[Path]:
        """A folder of its own on the disk, as long as the block runs."""
        self._folder.mkdir(parents=True, exist_ok=True)
        made = Path(await asyncio.to_thread(mkdtemp, dir=self._folder))
        try:
            yield made
        finally:
            await asyncio.to_thread(rmtree, made, ignore_errors=True)

    async def _written(self, record: Record, path: Path) -> None:
        checksum = hashlib.sha256()
        with path.open("wb") as file:
            async for piece in self._counted(record.parts, checksum):
                await asyncio.to_thread(file.write, piece)
        _check(record, checksum)

    async def _whole(self, record: Record) -> bytes:
        """All bytes, of a kind whose size is small enough for the memory."""
        checksum = hashlib.sha256()
        raw = b"".join([piece async for piece in self._counted(record.parts, checksum)])
        _check(record, checksum)
        return raw

    async def _joined(self, parts: Sequence[str]) -> AsyncGenerator[bytes, None]:
        for part in parts:
            async for piece in self._shelf.read(part):
                yield piece

    async def _counted(self, parts: Sequence[str], checksum: "hashlib._Hash") -> AsyncGenerator[bytes, None]:
        async for piece in self._joined(parts):
            checksum.update(piece)
            yield piece


def _check(record: Record, checksum: "hashlib._Hash") -> None:
    if record.sha256 is not None and checksum.hexdigest() != record.sha256:
        raise Refused("The bytes that came are not those of the checksum: upload them anew.")


async def _pieces(path: Path) -> AsyncGenerator[bytes, None]:
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece


async def _bytes(data: bytes) -> AsyncGenerator[bytes, None]:
    yield data
