"""What is kept of a person goes with the person, can be taken along, and survives interruptions."""

import secrets
from collections.abc import AsyncGenerator, AsyncIterable
from pathlib import Path
from typing import Any

import pytest

from handlers.media.manifest import manifest
from handlers.users.events import UserErased
from handlers.users.models import AboutUser
from server.events import Nobody
from storage.blobs import BlobsAway, DiskBlobs
from tests.conftest import People
from tests.handlers.media.helpers import announce, download, fetch, link, picture, send, upload
from tests.harness.people import Refusal
from tests.harness.servers import Server

DATA = secrets.token_bytes(100_000)


async def rows(server: Server) -> dict[str, int]:
    """How many documents each collection of the slice has."""
    return {one.name: await server.app.mongo.collection(one.name).count({}) for one in manifest.collections}


def bytes_of(server: Server) -> list[str]:
    """The media whose bytes are on the disk."""
    return sorted(one.name for one in (Path(server.app.settings.data_dir) / "media").iterdir())


async def in_the_club(user_id: str, place: str) -> bool:
    return place == "club"


async def test_an_erased_person_leaves_no_medium_no_bytes_and_nothing_shown(people: People, server: Server) -> None:
    ada, bob = await people("ada", "bob")
    service = server.service("media")
    service.admit("clubs", in_the_club)
    hers, his = await upload(ada, "image", picture()), await upload(bob, "file", DATA)
    begun = await announce(ada, "file", DATA)
    await send(ada, begun["id"], 0, DATA)
    for media, who in ((hers, ada), (his, bob), (his, ada)):
        await service.show(media["id"], who.id, scope="clubs", place="club")
    await service.show(his["id"], ada.id, scope="clubs", place="elsewhere")
    url = await link(bob, hers["id"])

    await server.app.relay.publish(UserErased(AboutUser(user_id=ada.id), to=Nobody()))
    await server.app.relay.settle()

    assert (await fetch(bob, url))[0] == 404
    assert bytes_of(server) == [his["id"]]
    assert await rows(server) == {"media": 1, "media_grants": 1, "media_allowances": 1, "media_secrets": 1}
    assert await download(bob, his["id"]) == DATA


async def test_everything_of_a_person_can_be_taken_along_with_its_bytes(people: People, server: Server) -> None:
    ada, bob = await people("ada", "bob")
    file = await upload(ada, "file", DATA, filename="data.bin")
    begun = await announce(ada, "image", picture())
    await upload(bob, "file", b"his own")

    found: dict[str, Any] = {}
    async for media, original in server.service("media").export(ada.id):
        found[media.id] = (media.filename, b"".join([piece async for piece in original]) if original else None)

    assert found == {file["id"]: ("data.bin", DATA), begun["id"]: (None, None)}


async def test_what_the_store_did_not_give_up_goes_when_it_is_back(
    people: People, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ada,) = await people("ada")
    media = await upload(ada, "file", DATA)
    service = server.service("media")

    async def away(self: DiskBlobs, folder: str) -> None:
        raise BlobsAway("gone fishing")

    with monkeypatch.context() as broken:
        broken.setattr(DiskBlobs, "clear", away)
        await ada.ask("DELETE", f"/api/media/{media['id']}")
        with pytest.raises(Refusal) as refusal:
            await ada.ask("GET", f"/api/media/{media['id']}")
        left = bytes_of(server)
    await service.look_after()

    assert refusal.value.code == "media.not_found"
    assert left == [media["id"]]
    assert bytes_of(server) == []
    assert (await rows(server))["media"] == 0


async def test_parts_of_a_finished_upload_go_later_when_they_cannot_go_now(
    people: People, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ada,) = await people("ada")
    service = server.service("media")

    async def away(self: DiskBlobs, folder: str) -> None:
        raise BlobsAway("gone fishing")

    with monkeypatch.context() as broken:
        broken.setattr(DiskBlobs, "clear", away)
        media = await upload(ada, "file", DATA)
    folder = Path(server.app.settings.data_dir) / "media" / media["id"]
    before = len(list(folder.iterdir()))
    looked = [await service.look_after(), await service.look_after()]

    assert (before, len(list(folder.iterdir()))) == (2, 1)
    assert looked == [1, 0]
    assert await download(ada, media["id"]) == DATA


async def test_a_store_that_is_away_is_said_so_and_the_upload_goes_on_afterwards(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ada,) = await people("ada")
    media = await announce(ada, "file", DATA)

    async def away(self: DiskBlobs, name: str, source: AsyncIterable[bytes]) -> int:
        raise BlobsAway("gone fishing")

    async def silent(self: DiskBlobs, name: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        if stop > start:
            raise BlobsAway("gone fishing")
        yield b""

    with monkeypatch.context() as broken:
        broken.setattr(DiskBlobs, "put", away)
        with pytest.raises(Refusal) as put:
            await send(ada, media["id"], 0, DATA)
    await send(ada, media["id"], 0, DATA)
    await ada.ask("POST", f"/api/media/{media['id']}/finish")
    with monkeypatch.context() as broken:
        broken.setattr(DiskBlobs, "read", silent)
        status, _, said = await fetch(ada, await link(ada, media["id"]))

    assert (put.value.status, put.value.code) == (503, "unavailable")
    assert (status, b'"code":"unavailable"' in said) == (503, True)
    assert await download(ada, media["id"]) == DATA
