"""What the bytes are decides, never what the client says; pictures are developed, recordings measured."""

import asyncio
import struct
import threading
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import blurhash
import pytest
from PIL import Image, PngImagePlugin

from handlers.media import pictures
from handlers.media.pictures import Unfit, develop
from handlers.media.service.workshop import WAITING, Workshop
from handlers.media.sniffing import sniffed
from handlers.media.sounds import Unheard, measure
from server.errors import Overloaded
from tests.conftest import People
from tests.handlers.media.helpers import download, picture, tone, upload
from tests.harness.people import Refusal
from tests.harness.servers import Server

MP4 = b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + b"\0" * 100
WEBM = bytes.fromhex("1a45dfa39f4286810142f7810142f2810442f381084282847765626d") + b"\0" * 100
PAGE = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
DRAWING = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'
SECRET = b"Cape Town Harbour"


def with_secrets(form: str) -> bytes:
    """A picture that says where it was taken, in every way that its format knows; lying on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(0x8825)[29] = SECRET.decode()
    exif.get_ifd(0x8825)[2] = (33.0, 55.0, 12.0)
    more: dict[str, Any] = {"exif": exif}
    if form == "PNG":
        more["pnginfo"] = info = PngImagePlugin.PngInfo()
        info.add_text("Comment", SECRET.decode())
        info.add_itxt("XML:com.adobe.xmp", f"<x>{SECRET.decode()}</x>")
    else:
        more["xmp"] = b"<x>" + SECRET + b"</x>"
    if form == "JPEG":
        more["comment"] = SECRET
    return picture(640, 480, form, **more)


def moving(frames: int = 3, width: int = 64) -> bytes:
    """A GIF whose frames are grey, each lighter, comment included."""
    made = [Image.new("L", (width, 48), 40 * (number + 1)).convert("P") for number in range(frames)]
    out = BytesIO()
    made[0].save(out, "GIF", save_all=True, append_images=made[1:], duration=[100, 200, 300], loop=0, comment=SECRET)
    return out.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A small PNG that says to have so many pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 100_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
async def test_a_picture_loses_its_place_and_everything_else_but_its_pixels(people: People, form: str) -> None:
    (ada,) = await people("ada")
    raw = with_secrets(form)
    assert SECRET in raw

    media = await upload(ada, "image", raw, filename="beach.jpg")
    clean = await download(ada, media["id"])

    assert SECRET not in clean
    with Image.open(BytesIO(clean)) as image:
        assert image.format == form
        assert image.size == (480, 640), "it stands upright now"
        assert dict(image.getexif()) == {}
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression",
                                   "loop", "background", "timestamp", "duration"}  # fmt: skip
        red, _, blue = image.convert("RGB").crop((240, 100, 241, 101)).tobytes()
        assert (red > 180, blue < 60) == (True, True), "what was left is above after the turn"
    assert (media["type"], media["size"]) == (f"image/{form.lower()}", len(clean))
    assert (media["width"], media["height"]) == (480, 640)


async def test_a_picture_has_a_thumbnail_and_a_blurhash(people: People) -> None:
    (ada,) = await people("ada")

    media = await upload(ada, "image", picture(1600, 1200))
    small = await download(ada, media["id"], "thumbnail")

    with Image.open(BytesIO(small)) as image:
        assert (image.format, image.size) == ("WEBP", (320, 240))
    assert len(small) < 5_000
    assert media["hasThumbnail"] is True
    rows = blurhash.decode(media["blurhash"], 8, 8)
    left, right = rows[4][1], rows[4][6]
    assert left[0] > left[2]
    assert right[2] > right[0]


async def test_what_moves_still_moves_and_loses_its_comment(people: People) -> None:
    (ada,) = await people("ada")

    media = await upload(ada, "image", moving())
    data = await download(ada, media["id"])

    assert media["type"] == "image/webp"
    assert SECRET not in data
    with Image.open(BytesIO(data)) as image:
        assert (image.n_frames, image.size) == (3, (64, 48))  # type: ignore[attr-defined]  # of pictures that move
        spans = []
        for number in range(3):
            image.seek(number)
            image.load()
            spans.append(image.info["duration"])
        assert spans == [100, 200, 300]


@pytest.mark.parametrize(
    "raw",
    [bomb(60_000, 60_000), bomb(7_000, 7_000), moving(frames=3)[:400]],
    ids=["bomb", "too many pixels", "broken GIF"],
)
async def test_a_picture_with_too_many_pixels_or_too_few_bytes_is_thrown_away(
    people: People, server: Server, raw: bytes
) -> None:
    (ada,) = await people("ada")

    with pytest.raises(Refusal) as refusal:
        await upload(ada, "image", raw)

    assert refusal.value.code == "media.refused"
    assert await server.app.mongo.collection("media").count({}) == 0
    assert list((server.app.settings.data_dir / "media").iterdir()) == []


def test_the_pixels_of_all_frames_count_together() -> None:
    assert develop(moving(frames=3), max_pixels=3 * 64 * 48).type == "image/webp"
    with pytest.raises(Unfit, match="9216 pixels in 3 frames"):
        develop(moving(frames=3), max_pixels=3 * 64 * 48 - 1)


@pytest.mark.parametrize("cut", [20, 300, 1_500])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_damaged_picture_is_refused(form: str, cut: int) -> None:
    raw = picture(300, 200, form)
    with pytest.raises(Unfit):
        develop(raw[: min(cut, len(raw) - 30)], max_pixels=10**6)


def test_only_four_formats_are_decoded_at_all() -> None:
    assert pictures.FORMATS == ("JPEG", "PNG", "WEBP", "GIF")
    for form in ("BMP", "TIFF", "PPM"):
        with pytest.raises(Unfit):
            develop(picture(20, 20, form), max_pixels=10**6)


@pytest.mark.parametrize(
    ("form", "subtype", "kind"),
    [
        ("WAV", None, "audio/wav"),
        ("FLAC", None, "audio/flac"),
        ("OGG", "OPUS", "audio/ogg"),
        ("OGG", "VORBIS", "audio/ogg"),
        ("MP3", None, "audio/mpeg"),
    ],
)
async def test_a_recording_is_measured(people: People, form: str, subtype: str | None, kind: str) -> None:
    (ada,) = await people("ada")
    raw = tone(2.0, form, subtype)

    media = await upload(ada, "audio", raw, waveform=[1, 2, 3], duration=99.0)

    wave = media["waveform"]
    assert (media["type"], len(wave)) == (kind, 64)
    assert media["duration"] == pytest.approx(2.0, abs=0.1)
    assert max(wave[:29]) <= 5
    assert all(70 <= one <= 95 for one in wave[36:60]), wave
    assert await download(ada, media["id"]) == raw


def test_a_recording_that_is_too_long_or_none_is_refused() -> None:
    with pytest.raises(Unheard, match="lasts 2 seconds; 1 are allowed"):
        measure(tone(2.0), max_seconds=1)
    with pytest.raises(Unheard):
        measure(b"RIFF\x24\0\0\0WAVEfmt broken", max_seconds=10)
    with pytest.raises(Unheard):
        measure(tone(2.0, "OGG", "OPUS")[:40], max_seconds=10)


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("image", PAGE),
        ("image", DRAWING),
        ("image", MP4),
        ("image", b"\x89PNG\r\n\x1a\n" + PAGE),
        ("image", picture(20, 20, "BMP")),
        ("video", picture()),
        ("video", PAGE),
        ("audio", picture()),
        ("audio", b"ID3 is not enough"),
        ("audio", b"hello"),
    ],
)
async def test_what_says_to_be_something_else_is_refused_and_thrown_away(
    people: People, server: Server, kind: str, raw: bytes
) -> None:
    (ada,) = await people("ada")

    with pytest.raises(Refusal) as refusal:
        await upload(ada, kind, raw, filename="innocent.jpg")

    assert (refusal.value.status, refusal.value.code) == (422, "media.refused")
    assert await server.app.mongo.collection("media").count({}) == 0
    assert list((server.app.settings.data_dir / "media").iterdir()) == []


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (picture(), "image/jpeg"),
        (picture(form="PNG"), "image/png"),
        (picture(form="WEBP"), "image/webp"),
        (moving(), "image/gif"),
        (tone(0.1), "audio/wav"),
        (tone(0.1, "OGG", "OPUS"), "audio/ogg"),
        (MP4, "video/mp4"),
        (b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom" + b"\0" * 100, "audio/mp4"),
        (WEBM, "video/webm"),
        (PAGE, "text/html"),
        (b"%PDF-1.7\n%abc", "application/pdf"),
        (b"hello there", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_types_are_read_from_the_bytes(raw: bytes, kind: str) -> None:
    assert sniffed(raw) == kind


async def test_work_is_bounded_and_done_off_the_loop() -> None:
    shop = Workshop(1)
    go = threading.Event()
    running: list[str] = []

    def work() -> str:
        running.append(threading.current_thread().name)
        go.wait(5)
        return "done"

    async def visit(inside: Callable[[], str]) -> str:
        async with shop.place():
            return await shop.run(inside)

    visits = [asyncio.create_task(visit(work)) for _ in range(1 + WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await visit(work)
    go.set()

    assert await asyncio.gather(*visits) == ["done"] * (1 + WAITING)
    assert {name.partition("_")[0] for name in running} == {"media"}
    shop.close()
