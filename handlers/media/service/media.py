"""The media service as others see it: uploads, downloads, and who may see what."""

import secrets
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from handlers.media.events import MediaDeleted
from handlers.media.models import GetLink, Grant, Kind, Link, Medium, Opening, shown
from handlers.media.service.access import Gate, Reaches, Sees
from handlers.media.service.finishing import Finisher
from handlers.media.service.links import Links
from handlers.media.service.removing import Remover
from handlers.media.service.shelf import Shelf
from handlers.media.service.uploads import Uploads
from handlers.media.service.workshop import Workshop
from handlers.media.settings import MediaSettings
from handlers.media.store import AllowanceStore, GrantStore, MediaStore, SecretStore
from server.actors import Actor
from server.clock import Clock
from server.content import Content
from server.events import Publisher, Users
from storage.blobs import Blobs


class Media:
    """Attachments."""

    def __init__(
        self,
        *,
        media: MediaStore,
        grants: GrantStore,
        allowances: AllowanceStore,
        keys: SecretStore,
        blobs: Blobs,
        scratch: Path,
        clock: Clock,
        publish: Publisher,
        settings: MediaSettings,
    ) -> None:
        self._media = media
        self._keys = keys
        self._blobs = blobs
        self._clock = clock
        self._publish = publish
        self._settings = settings
        self._workshop = Workshop(settings.workers)
        self._gate = Gate(media, grants)
        shelf = Shelf(blobs)
        self._links = Links(gate=self._gate, shelf=shelf, clock=clock, settings=settings)
        self._remover = Remover(media=media, grants=grants, allowances=allowances, blobs=blobs, clock=clock)
        self.uploads = Uploads(
            media=media,
            allowances=allowances,
            gate=self._gate,
            finisher=Finisher(shelf=shelf, workshop=self._workshop, scratch=scratch, settings=settings),
            remover=self._remover,
            shelf=shelf,
            clock=clock,
            publish=publish,
            settings=settings,
        )

    async def start(self) -> None:
        """Make ready to serve."""
        await self._blobs.start()
        own = self._settings.link_secret
        key = own.get_secret_value().encode() if own else await self._keys.link_key(secrets.token_bytes(32))
        self._links.use(key)

    async def stop(self) -> None:
        """Let what is running end."""
        self._workshop.close()
        await self._blobs.close()

    async def get(self, actor: Actor, media_id: str) -> Medium:
        """What there is to know of a medium, for those who may see it."""
        return shown(await self._gate.access(media_id, actor.user_id))

    async def delete(self, actor: Actor, media_id: str) -> None:
        """Take one's own medium away, or give up its upload."""
        record = await self._gate.own(media_id, actor.user_id)
        await self._remover.remove(record.id)
        await self._publish(MediaDeleted(shown(record), to=Users([actor.user_id])))

    async def link(self, actor: Actor, wanted: GetLink) -> Link:
        """An address for a download."""
        return await self._links.make(actor.user_id, wanted)

    async def last_link(self, user_id: str, media_id: str) -> Link:
        """For other slices: the one address for somebody who sees a medium once, of which they make sure.

        Raises NoMedia, NotReady.
        """
        return await self._links.last(user_id, media_id)

    async def open(self, at: Opening) -> Content:
        """The bytes behind an address."""
        return await self._links.open(at)

    def admit(self, scope: str, sees: Sees) -> None:
        """For other slices, once, at the build: `sees(user_id, place)` says who sees what is shown in a place.

        It is asked at every access, so somebody who leaves a place loses what is shown there at once.
        """
        self._gate.admit(scope, sees)

    def carry(self, reaches: Reaches) -> None:
        """For other slices, once, at the build: `reaches(user_id, media_id)` says who may see a thing of theirs that
        carries the medium. It is asked at every access, so what is taken back takes the medium with it.
        """
        self._gate.carry(reaches)

    async def attach(self, wanted: Mapping[str, Kind], *, owner: str | None) -> dict[str, Medium]:
        """For other slices: finished media by id, each of its kind, all of this owner (None: they may be anybody's).

        Raises NoMedia, NotReady, WrongKind.
        """
        return {media_id: shown(record) for media_id, record in (await self._gate.attach(wanted, owner)).items()}

    async def show(self, media_id: str, by: str, *, scope: str, place: str) -> Medium:
        """For other slices: somebody who may see a finished medium shows it in a place of an admitted scope."""
        return shown(await self._gate.show(media_id, by, Grant(scope, place), now=self._clock.now()))

    async def hide(self, media_id: str, *, scope: str, place: str) -> None:
        """For other slices: it is not shown in that place any more."""
        await self._gate.hide(media_id, Grant(scope, place))

    async def look_after(self) -> int:
        """Take away abandoned uploads, and what was left behind; how many were looked after."""
        return await self._remover.look_after()

    async def forget(self, user_id: str) -> None:
        """An account was erased: its media go, and what it showed to others is shown no more."""
        await self._remover.forget(user_id)

    async def export(self, user_id: str) -> AsyncIterator[tuple[Medium, AsyncIterator[bytes] | None]]:
        """Everything that a person uploaded: each medium, with the bytes of its original once it is finished."""
        async for record in self._media.of(user_id):
            original = self._blobs.read(f"{record.folder}/original") if record.folder else None
            yield shown(record), original
