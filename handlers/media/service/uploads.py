"""Uploads: announced, sent part by part, finished. Every part is safe before the offset moves on."""

import hashlib
import secrets
from datetime import timedelta

from crypto.ids import new_id
from handlers.media.events import MediaReady
from handlers.media.models import LEAST_PART, Medium, NewMedia, Part, Record, shown
from handlers.media.service.access import Gate
from handlers.media.service.errors import (
    BadPart,
    Finished,
    Incomplete,
    NoMedia,
    Refused,
    TooBig,
    TooManyOpen,
    UsedUp,
    WrongOffset,
)
from handlers.media.service.finishing import Finisher
from handlers.media.service.removing import Remover
from handlers.media.service.shelf import Shelf
from handlers.media.settings import MediaSettings
from handlers.media.store import AllowanceStore, MediaStore, next_day
from server.actors import Actor
from server.clock import Clock
from server.errors import Invalid, Unavailable
from server.events import Publisher, Users
from storage.blobs.blobs import whole


class Uploads:
    """From the announcement to the finished medium."""

    def __init__(
        self,
        *,
        media: MediaStore,
        allowances: AllowanceStore,
        gate: Gate,
        finisher: Finisher,
        remover: Remover,
        shelf: Shelf,
        clock: Clock,
        publish: Publisher,
        settings: MediaSettings,
    ) -> None:
        self._media = media
        self._allowances = allowances
        self._gate = gate
        self._finisher = finisher
        self._remover = remover
        self._shelf = shelf
        self._clock = clock
        self._publish = publish
        self._settings = settings

    async def create(self, actor: Actor, new: NewMedia) -> Medium:
        """Announce an upload."""
        now = self._clock.now()
        _belongs(new)
        most = self._settings.most(new.kind)
        if new.size > most:
            raise TooBig(f"A medium of the kind {new.kind} may have {most} bytes.")
        if await self._allowances.used(actor.user_id, now) + new.size > self._settings.bytes_per_day:
            raise self._used_up()
        if await self._media.open_uploads(actor.user_id, self._settings.max_open) >= self._settings.max_open:
            raise TooManyOpen(f"{self._settings.max_open} uploads are unfinished: finish or delete some.")
        record = Record(
            id=new_id(),
            owner_id=actor.user_id,
            kind=new.kind,
            status="uploading",
            size=new.size,
            offset=0,
            created_at=now,
            due_at=now + timedelta(hours=self._settings.upload_hours),
            filename=new.filename,
            sha256=new.sha256,
            waveform=new.waveform,
            duration=new.duration,
        )
        await self._media.add(record)
        return shown(record)

    async def append(self, actor: Actor, part: Part, content: bytes) -> Medium:
        """Add the next bytes. They are safe when this returns."""
        record = await self._gate.own(part.media_id, actor.user_id)
        _fits(record, part, content)
        if not await self._allowances.take(
            actor.user_id, len(content), most=self._settings.bytes_per_day, now=self._clock.now()
        ):
            raise self._used_up()
        # A name of its own: two who send the same part at once must not write into each other's.
        name = f"{record.id}/part/{record.offset}-{secrets.token_hex(8)}"
        await self._shelf.put(name, whole(content))
        grown = await self._media.grow(record, name, len(content))
        if grown is None:
            await self._shelf.delete(name)
            now_there = await self._gate.own(part.media_id, actor.user_id)
            raise WrongOffset(f"Another part came first: go on at {now_there.offset}.")
        return shown(grown)

    async def finish(self, actor: Actor, media_id: str) -> Medium:
        """Make an upload a medium. Finishing twice is finishing once."""
        record = await self._gate.own(media_id, actor.user_id)
        if record.status == "ready":
            return shown(record)
        if record.offset < record.size:
            raise Incomplete(f"{record.size - record.offset} bytes are missing: go on at {record.offset}.")
        try:
            folder, found = await self._finisher.finish(record)
        except Refused:
            await self._remover.remove(record.id)
            raise
        except NoMedia:  # its parts went while they were read: somebody else finished or deleted it
            return await self._finished(actor, media_id)
        done = await self._media.finish(record, folder, found, now=self._clock.now())
        if done is None:  # somebody else finished or deleted it meanwhile
            await self._shelf.clear(folder)
            return await self._finished(actor, media_id)
        await self._remover.tidy(done.id)
        answer = shown(done)
        await self._publish(MediaReady(answer, to=Users([actor.user_id])))
        return answer

    async def _finished(self, actor: Actor, media_id: str) -> Medium:
        record = await self._gate.own(media_id, actor.user_id)
        if record.status != "ready":
            raise Unavailable("The upload cannot be read right now: try again.", retry_after_ms=2000)
        return shown(record)

    def _used_up(self) -> UsedUp:
        now = self._clock.now()
        wait = int((next_day(now) - now).total_seconds() * 1000)
        return UsedUp(f"{self._settings.bytes_per_day} bytes are enough for one day.", retry_after_ms=wait)


def _belongs(new: NewMedia) -> None:
    """Raises Invalid for what only other kinds have."""
    if new.waveform is not None and new.kind != "audio":
        raise Invalid(
            "Only a recording has a waveform.", details=[{"field": "waveform", "message": "not of this kind"}]
        )
    if new.duration is not None and new.kind not in {"audio", "video"}:
        raise Invalid(
            "Only recordings and videos have a duration.",
            details=[{"field": "duration", "message": "not of this kind"}],
        )


def _fits(record: Record, part: Part, content: bytes) -> None:
    """Raises what keeps the part from being added."""
    if record.status != "uploading":
        raise Finished("The upload is finished.")
    if part.offset != record.offset:
        raise WrongOffset(f"The upload has {record.offset} bytes: go on there.")
    left = record.size - record.offset
    if not content or len(content) > left:
        raise BadPart(f"The part has {len(content)} bytes; from 1 to {left} are missing.")
    if len(content) < min(LEAST_PART, left):
        raise BadPart(f"A part that is not the last must have {LEAST_PART} bytes.")
    if part.sha256 is not None and hashlib.sha256(content).hexdigest() != part.sha256:
        raise BadPart("The part is not what its checksum says: send it again.")
