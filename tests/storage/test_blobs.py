"""Bytes are kept whole or not at all, on the disk and at a real S3 service alike."""

import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest

from storage.blobs import Blobs, BlobsAway, DiskBlobs, NoBlob, S3Blobs
from storage.blobs.blobs import whole
from storage.blobs.s3 import PART
from tests.harness.swifts import ACCESS_KEY, BUCKET, SECRET_KEY, Swift


def at(service: Swift, **other: str) -> S3Blobs:
    options = {"bucket": BUCKET, "access_key": ACCESS_KEY, "secret_key": SECRET_KEY, "endpoint": service.url}
    return S3Blobs(**{**options, **other})


@pytest.fixture(params=["disk", "s3"])
async def blobs(request: pytest.FixtureRequest, swift: Swift, tmp_path: Path) -> AsyncIterator[Blobs]:
    """An empty store of either kind."""
    made: Blobs = DiskBlobs(tmp_path / "blobs")
    if request.param == "s3":
        made = at(swift, prefix=f"{secrets.token_hex(8)}/")
    await made.start()
    yield made
    await made.close()


async def got(blobs: Blobs, name: str, start: int = 0, stop: int | None = None) -> bytes:
    return b"".join([piece async for piece in blobs.read(name, start, stop)])


async def pieces(data: bytes, size: int, *, fails: bool = False) -> AsyncGenerator[bytes, None]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
    if fails:
        raise ZeroDivisionError("the source broke off")


@pytest.mark.parametrize("size", [0, 1, 300_000, PART, PART + 1, 2 * PART + 12_345])
async def test_what_was_put_is_read_as_it_was(blobs: Blobs, size: int) -> None:
    data = secrets.token_bytes(size)

    kept = await blobs.put("one/two", pieces(data, 1 << 20))

    assert kept == size
    assert await got(blobs, "one/two") == data


async def test_any_part_is_read_alone(blobs: Blobs) -> None:
    data = secrets.token_bytes(700_000)
    await blobs.put("one", pieces(data, 1 << 20))

    assert await got(blobs, "one", 0, 1) == data[:1]
    assert await got(blobs, "one", 5, 600_000) == data[5:600_000]
    assert await got(blobs, "one", 699_999) == data[-1:]
    assert await got(blobs, "one", 7, 7) == b""


async def test_what_is_put_again_replaces_what_was_there(blobs: Blobs) -> None:
    await blobs.put("one", whole(b"first"))
    await blobs.put("one", whole(b"2nd"))

    assert await got(blobs, "one") == b"2nd"


@pytest.mark.parametrize("size", [100, 2 * PART])
async def test_of_a_source_that_breaks_off_nothing_is_kept(blobs: Blobs, size: int) -> None:
    with pytest.raises(ZeroDivisionError):
        await blobs.put("one/two", pieces(b"x" * size, 1 << 20, fails=True))

    with pytest.raises(NoBlob):
        await got(blobs, "one/two")


async def test_a_folder_is_cleared_and_its_neighbours_stay(blobs: Blobs) -> None:
    for name in ("one/part/1", "one/part/2", "one/original", "one-more/original"):
        await blobs.put(name, whole(name.encode()))

    await blobs.clear("one/part")
    await blobs.clear("nothing")

    assert await got(blobs, "one/original") == b"one/original"
    assert await got(blobs, "one-more/original") == b"one-more/original"
    for name in ("one/part/1", "one/part/2"):
        with pytest.raises(NoBlob):
            await got(blobs, name)
    await blobs.clear("one")
    with pytest.raises(NoBlob):
        await got(blobs, "one/original")


async def test_one_name_is_removed_alone_and_removing_nothing_is_fine(blobs: Blobs) -> None:
    for name in ("one/1", "one/10"):
        await blobs.put(name, whole(b"x"))

    await blobs.delete("one/1")
    await blobs.delete("one/1")

    assert await got(blobs, "one/10") == b"x"
    with pytest.raises(NoBlob):
        await got(blobs, "one/1")


@pytest.mark.parametrize("name", ["", "..", "../up", "one/../../up", "/etc/passwd", "One", "one//two", "a" * 81])
async def test_a_name_that_could_lead_elsewhere_is_refused(blobs: Blobs, name: str) -> None:
    with pytest.raises(ValueError, match="no name of a blob"):
        await blobs.put(name, whole(b""))
    with pytest.raises(ValueError, match="no name of a blob"):
        await got(blobs, name)
    with pytest.raises(ValueError, match="no name of a blob"):
        await blobs.delete(name)
    with pytest.raises(ValueError, match="no name of a blob"):
        await blobs.clear(name)


async def test_more_than_a_page_of_objects_is_cleared(swift: Swift, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.blobs.s3._PER_LIST", 2)
    blobs = at(swift, prefix=f"{secrets.token_hex(8)}/")
    await blobs.start()
    for number in range(5):
        await blobs.put(f"one/{number}", whole(b"x"))

    await blobs.clear("one")

    for number in range(5):
        with pytest.raises(NoBlob):
            await got(blobs, f"one/{number}")
    await blobs.close()


@pytest.mark.parametrize("wrong", [{"secret_key": "guessed"}, {"endpoint": "http://127.0.0.1:1"}])
async def test_a_service_that_refuses_or_is_not_there_stops_the_start(swift: Swift, wrong: dict[str, str]) -> None:
    blobs = at(swift, **wrong)

    with pytest.raises(BlobsAway):
        await blobs.start()

    await blobs.close()


async def test_a_folder_that_takes_nothing_says_so(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file where a folder should be")
    blobs = DiskBlobs(tmp_path / "blobs")

    with pytest.raises(BlobsAway):
        await blobs.put("one", whole(b"x"))
