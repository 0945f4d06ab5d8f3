"""Uploads: sent part by part, resumed after anything, bounded in every way, finished once."""

import asyncio
import secrets
from collections.abc import AsyncGenerator

import pytest

from handlers.media.models import LEAST_PART, PART_BYTES
from tests.conftest import Cluster, People
from tests.handlers.media.helpers import announce, download, send, send_all, sha256, upload
from tests.harness.clock import TurnableClock
from tests.harness.people import Door, Refusal
from tests.harness.servers import Server

DATA = secrets.token_bytes(2 * PART_BYTES + 12_345)


async def test_r19_media_goes_by_upload_part_by_part_and_comes_back_as_it_was(people: People) -> None:
    (ada,) = await people("ada")

    media = await announce(ada, "file", DATA, filename="notes.bin")
    grown = await send_all(ada, media["id"], DATA)
    done = await ada.ask("POST", f"/api/media/{media['id']}/finish")

    assert (media["status"], media["offset"], media["size"]) == ("uploading", 0, len(DATA))
    assert (grown["status"], grown["offset"]) == ("uploading", len(DATA))
    assert (done["status"], done["type"], done["filename"]) == ("ready", "application/octet-stream", "notes.bin")
    assert (done["size"], done["expiresAt"], done["hasThumbnail"]) == (len(DATA), None, False)
    assert await download(ada, media["id"]) == DATA


async def test_an_upload_goes_on_at_its_offset_on_another_server(people: People, cluster: Cluster) -> None:
    (ada,) = await people("ada")
    media = await announce(ada, "file", DATA, sha256=sha256(DATA))
    await send(ada, media["id"], 0, DATA[:PART_BYTES])
    there = ada.at(await cluster())

    found = await there.ask("GET", f"/api/media/{media['id']}")
    await send(there, media["id"], found["offset"], DATA[found["offset"] : found["offset"] + PART_BYTES])
    await send(ada, media["id"], 2 * PART_BYTES, DATA[2 * PART_BYTES :])
    done = await there.ask("POST", f"/api/media/{media['id']}/finish")

    assert found["offset"] == PART_BYTES
    assert done["status"] == "ready"
    assert await download(ada, media["id"]) == DATA


async def test_r19_a_part_that_begins_elsewhere_or_has_the_wrong_size_changes_nothing(people: People) -> None:
    (ada,) = await people("ada")
    media = await announce(ada, "file", DATA)
    await send(ada, media["id"], 0, DATA[:PART_BYTES])

    refused = {}
    for name, offset, data in (
        ("again", 0, DATA[:PART_BYTES]),
        ("hole", PART_BYTES + 1, DATA[PART_BYTES + 1 : 2 * PART_BYTES]),
        ("empty", PART_BYTES, b""),
        ("small", PART_BYTES, DATA[PART_BYTES : PART_BYTES + LEAST_PART - 1]),
        ("large", PART_BYTES, DATA[: PART_BYTES + 1]),
    ):
        with pytest.raises(Refusal) as refusal:
            await send(ada, media["id"], offset, data)
        refused[name] = (refusal.value.status, refusal.value.code)
    await send(ada, media["id"], PART_BYTES, DATA[PART_BYTES : 2 * PART_BYTES])
    with pytest.raises(Refusal) as beyond:
        await send(ada, media["id"], 2 * PART_BYTES, DATA[2 * PART_BYTES :] + b"x")

    assert refused == {
        "again": (409, "media.wrong_offset"),
        "hole": (409, "media.wrong_offset"),
        "empty": (422, "media.bad_part"),
        "small": (422, "media.bad_part"),
        "large": (413, "too_large"),
    }
    assert beyond.value.code == "media.bad_part"
    assert (await ada.ask("GET", f"/api/media/{media['id']}"))["offset"] == 2 * PART_BYTES


async def test_a_part_that_is_not_its_checksum_can_be_sent_again(people: People) -> None:
    (ada,) = await people("ada")
    data = DATA[:LEAST_PART]
    media = await announce(ada, "file", data)

    with pytest.raises(Refusal) as refusal:
        await send(ada, media["id"], 0, b"x" + data[1:], sha256=sha256(data))
    grown = await send(ada, media["id"], 0, data, sha256=sha256(data))

    assert refusal.value.code == "media.bad_part"
    assert grown["offset"] == len(data)


async def test_of_two_who_send_the_same_part_at_once_one_wins(people: People) -> None:
    (ada,) = await people("ada")
    data = DATA[: 2 * LEAST_PART]
    media = await announce(ada, "file", data)

    answers = await asyncio.gather(
        *(send(ada, media["id"], 0, data[:LEAST_PART]) for _ in range(6)), return_exceptions=True
    )
    await send(ada, media["id"], LEAST_PART, data[LEAST_PART:])
    await ada.ask("POST", f"/api/media/{media['id']}/finish")

    won = [one["offset"] for one in answers if isinstance(one, dict)]
    lost = {one.code for one in answers if isinstance(one, Refusal)}
    assert (won, lost) == ([LEAST_PART], {"media.wrong_offset"})
    assert await download(ada, media["id"]) == data


async def test_an_upload_is_finished_once_and_only_when_it_is_complete(people: People, door: Door) -> None:
    (ada,) = await people("ada")
    heard = await ada.socket()
    data = DATA[: LEAST_PART + 1]
    media = await announce(ada, "file", data)
    await send(ada, media["id"], 0, data[:LEAST_PART])

    with pytest.raises(Refusal) as refusal:
        await door(ada, "media.finish", {"mediaId": media["id"]})
    await send(ada, media["id"], LEAST_PART, data[LEAST_PART:])
    answers = await asyncio.gather(*(door(ada, "media.finish", {"mediaId": media["id"]}) for _ in range(4)))
    again = await door(ada, "media.finish", {"mediaId": media["id"]})
    with pytest.raises(Refusal) as late:
        await send(ada, media["id"], len(data), b"x")

    assert refusal.value.code == "media.incomplete"
    assert answers == [again] * 4
    assert late.value.code == "media.finished"
    await heard.settle()
    assert heard.events("media:ready") == [again]


async def test_bytes_that_are_not_those_of_the_checksum_are_thrown_away(people: People) -> None:
    (ada,) = await people("ada")

    with pytest.raises(Refusal) as refusal:
        await upload(ada, "file", DATA[:1000], sha256=sha256(b"other"))

    assert refusal.value.code == "media.refused"
    assert await ada.server.app.mongo.collection("media").count({}) == 0


@pytest.mark.parametrize(
    ("kind", "most"), [("image", 20 << 20), ("video", 200 << 20), ("audio", 20 << 20), ("file", 100 << 20)]
)
async def test_each_kind_has_its_largest_size(people: People, door: Door, kind: str, most: int) -> None:
    (ada,) = await people("ada")

    media = await door(ada, "media.create", {"kind": kind, "size": most})
    with pytest.raises(Refusal) as refusal:
        await door(ada, "media.create", {"kind": kind, "size": most + 1})

    assert media["size"] == most
    assert refusal.value.code == "media.too_big"


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"size": 0}, "size"),
        ({"kind": "program"}, "kind"),
        ({"filename": "../../etc/passwd"}, "filename"),
        ({"filename": "harmless\u202egpj.exe"}, "filename"),
        ({"filename": "two\nlines"}, "filename"),
        ({"sha256": "ABC"}, "sha256"),
        ({"kind": "audio", "waveform": [101]}, "waveform.0"),
        ({"kind": "audio", "waveform": [1] * 101}, "waveform"),
        ({"kind": "image", "waveform": [1]}, "waveform"),
        ({"kind": "file", "duration": 3.0}, "duration"),
        ({"type": "image/png"}, "type"),
    ],
)
async def test_an_announcement_that_does_not_fit_is_refused(
    people: People, door: Door, wanted: dict[str, object], field: str
) -> None:
    (ada,) = await people("ada")

    with pytest.raises(Refusal) as refusal:
        await door(ada, "media.create", {"kind": "file", "size": 10, **wanted})

    assert refusal.value.code == "bad_request"
    assert refusal.value.fields == {field}


async def test_an_abandoned_upload_is_thrown_away_after_a_day_with_its_bytes(
    people: People, server: Server, clock: TurnableClock
) -> None:
    (ada,) = await people("ada")
    kept = await upload(ada, "file", b"finished in time")
    media = await announce(ada, "file", DATA)
    await send(ada, media["id"], 0, DATA[:PART_BYTES])
    folder = server.app.settings.data_dir / "media"

    clock.advance(hours=23)
    early = await server.service("media").look_after()
    still = (folder / media["id"]).exists()
    clock.advance(hours=1, minutes=1)
    late = await server.service("media").look_after()

    assert (early, still, late) == (0, True, 1)
    assert not (folder / media["id"]).exists()
    assert await server.app.mongo.collection("media").count({}) == 1
    assert sorted(one.name for one in folder.iterdir()) == [kept["id"]]
    assert await server.app.mongo.collection("media_allowances").count({}) == 0


async def test_nobody_but_its_owner_gets_at_an_upload(people: People, door: Door) -> None:
    ada, bob = await people("ada", "bob")
    data = DATA[: 2 * LEAST_PART]
    media = await announce(ada, "file", data)
    await send(ada, media["id"], 0, data[:LEAST_PART])

    refused = []
    for name in ("media.get", "media.finish", "media.delete", "media.link"):
        with pytest.raises(Refusal) as refusal:
            await door(bob, name, {"mediaId": media["id"]})
        refused.append(refusal.value.code)
    with pytest.raises(Refusal) as added:
        await send(bob, media["id"], LEAST_PART, data[LEAST_PART:])

    assert [*refused, added.value.code] == ["media.not_found"] * 5
    assert (await ada.ask("GET", f"/api/media/{media['id']}"))["offset"] == LEAST_PART


async def test_bytes_come_from_who_is_signed_in_and_as_bytes(people: People) -> None:
    (ada,) = await people("ada")
    media = await announce(ada, "file", DATA)
    url = f"{ada.server.url}/api/media/{media['id']}?offset=0"
    allowed = {"Authorization": f"Bearer {ada.token}"}

    async with ada._session.patch(url, data=DATA[:LEAST_PART]) as response:
        nobody = response.status
    async with ada._session.patch(url, json={"offset": 0}, headers=allowed) as response:
        words = response.status
    raw = allowed | {"Content-Type": "application/octet-stream"}
    async with ada._session.patch(f"{url}&more=1", data=DATA[:LEAST_PART], headers=raw) as response:
        unknown = response.status

    assert (nobody, words, unknown) == (401, 415, 422)
    assert (await ada.ask("GET", f"/api/media/{media['id']}"))["offset"] == 0


async def test_r19_a_part_that_does_not_say_how_long_it_is_is_bounded_too(people: People) -> None:
    (ada,) = await people("ada")
    media = await announce(ada, "file", DATA)
    url = f"{ada.server.url}/api/media/{media['id']}?offset=0"
    headers = {"Authorization": f"Bearer {ada.token}", "Content-Type": "application/octet-stream"}

    async def stream(size: int) -> AsyncGenerator[bytes, None]:
        for start in range(0, size, LEAST_PART):
            yield DATA[start : min(start + LEAST_PART, size)]

    statuses = []
    for size in (PART_BYTES + 1, PART_BYTES):
        async with ada._session.patch(url, data=stream(size), headers=headers) as response:
            statuses.append(response.status)

    assert statuses == [413, 200]
    assert (await ada.ask("GET", f"/api/media/{media['id']}"))["offset"] == PART_BYTES
