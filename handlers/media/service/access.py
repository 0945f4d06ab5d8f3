"""The only way to a medium: its owner has it, and so have those who may see something that carries it, and those of the
places where it was shown.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from handlers.media.models import Grant, Kind, Record
from handlers.media.service.errors import NoMedia, NotReady, TooManyPlaces, WrongKind
from handlers.media.store import MAX_GRANTS, GrantStore, MediaStore

Sees = Callable[[str, str], Awaitable[bool]]
"""`await sees(user_id, place)`: whether the person is, now, one of those who see what is shown there."""

Reaches = Callable[[str, str], Awaitable[bool]]
"""`await reaches(user_id, media_id)`: whether the person may see, now, something that carries the medium."""


class Gate:
    """Lets in who may see a medium, and nobody else."""

    def __init__(self, media: MediaStore, grants: GrantStore) -> None:
        self._media = media
        self._grants = grants
        self._scopes: dict[str, Sees] = {}
        self._carriers: list[Reaches] = []

    def admit(self, scope: str, sees: Sees) -> None:
        """Another slice knows who sees what is shown in the places of its `scope`. Once for each scope."""
        if scope in self._scopes:
            raise ValueError(f"{scope} is taken")
        self._scopes[scope] = sees

    def carry(self, reaches: Reaches) -> None:
        """Another slice has things that carry media, and knows who may see those things."""
        self._carriers.append(reaches)

    async def access(self, media_id: str, user_id: str) -> Record:
        """The medium, for its owner and, once it is finished, for its viewers. NoMedia for everybody else."""
        record = await self._media.get(media_id)
        if record is None or not (record.owner_id == user_id or await self._sees(record, user_id)):
            raise NoMedia("There is no such medium.")
        return record

    async def any(self, media_id: str) -> Record:
        """The medium whoever may see it: for what its carrier has decided. NoMedia when it is gone."""
        record = await self._media.get(media_id)
        if record is None:
            raise NoMedia("There is no such medium.")
        return record

    async def own(self, media_id: str, user_id: str) -> Record:
        """The medium, for its owner alone. NoMedia for everybody else."""
        record = await self._media.get(media_id)
        if record is None or record.owner_id != user_id:
            raise NoMedia("There is no such medium of yours.")
        return record

    async def attach(self, wanted: Mapping[str, Kind], owner: str | None) -> dict[str, Record]:
        """The finished media of these ids, each of its kind and of this owner (None: anybody's), by id.

        Raises NoMedia, NotReady, WrongKind.
        """
        found = await self._media.get_many(list(wanted))
        for media_id, kind in wanted.items():
            record = found.get(media_id)
            if record is None or owner not in {None, record.owner_id}:
                raise NoMedia("There is no such medium of yours.")
            if record.status != "ready":
                raise NotReady("Finish the upload first.")
            if record.kind != kind:
                raise WrongKind(f"This medium is of the kind {record.kind}: it cannot be sent as {kind}.")
        return found

    async def show(self, media_id: str, by: str, at: Grant, *, now: datetime) -> Record:
        """Somebody who may see a finished medium shows it in a place: those of the place may see it from now on."""
        if at.scope not in self._scopes:
            raise ValueError(f"nobody knows the places of {at.scope}")
        record = await self.access(media_id, by)
        if record.status != "ready":
            raise NotReady("Finish the upload first.")
        known = await self._grants.of(media_id)
        if at not in known and len(known) >= MAX_GRANTS:
            raise TooManyPlaces(f"It is shown in {MAX_GRANTS} places already: upload it anew.")
        await self._grants.add(media_id, at, by, now=now)
        return record

    async def hide(self, media_id: str, at: Grant) -> None:
        """It is not shown in a place any more."""
        await self._grants.remove(media_id, at)

    async def _sees(self, record: Record, user_id: str) -> bool:
        if record.status != "ready":
            return False
        for reaches in self._carriers:
            if await reaches(user_id, record.id):
                return True
        for grant in await self._grants.of(record.id):
            sees = self._scopes.get(grant.scope)
            if sees is not None and await sees(user_id, grant.place):
                return True
        return False
