"""Videos are written anew: their pictures and sound, and nothing of where and by whom they were taken."""

from functools import cache
from io import BytesIO

import pytest
from PIL import Image

from tests.conftest import People
from tests.handlers.media.helpers import download, film, picture, upload
from tests.harness.people import Refusal
from tests.harness.servers import Server

PLACE = "-33.9049+018.4220/"
MAKER = "Cape Town Harbour"
TELLTALE = (
    *("-metadata", f"location={PLACE}", "-metadata", f"location-eng={PLACE}", "-metadata", f"comment={MAKER}"),
    *("-metadata", f"title={MAKER}", "-metadata:s:v:0", f"handler_name={MAKER}", "-movflags", "use_metadata_tags"),
)


@cache
def plain() -> bytes:
    """A video of the usual kind."""
    return film()


async def test_a_video_loses_its_place_and_everything_but_its_pictures_and_sound(people: People) -> None:
    (ada,) = await people("ada")
    raw = film("mp4", *TELLTALE)
    assert PLACE.encode() in raw
    assert MAKER.encode() in raw

    media = await upload(ada, "video", raw, duration=99.0)

    kept = await download(ada, media["id"])
    assert PLACE.encode() not in kept
    assert b"33.90" not in kept
    assert MAKER.encode() not in kept
    assert b"avc1" in kept
    assert b"mp4a" in kept
    assert media["size"] == len(kept)
    assert (media["type"], media["width"], media["height"]) == ("video/mp4", 64, 48)
    assert media["duration"] == pytest.approx(1.5, abs=0.1)


async def test_a_video_has_a_picture_that_stands_for_it(people: People) -> None:
    (ada,) = await people("ada")

    media = await upload(ada, "video", plain())

    small = Image.open(BytesIO(await download(ada, media["id"], "thumbnail")))
    assert media["hasThumbnail"] is True
    assert len(media["blurhash"]) == 28
    assert (small.format, small.size) == ("WEBP", (64, 48))


@pytest.mark.parametrize(
    ("suffix", "options", "kind"),
    [
        ("webm", ("-c:v", "libvpx", "-c:a", "libopus"), "video/webm"),
        ("mkv", ("-c:v", "libx264", "-c:a", "libopus"), "video/x-matroska"),
        ("mov", ("-c:v", "libx264", "-c:a", "aac"), "video/quicktime"),
        ("mp4", ("-c:v", "libx264", "-an"), "video/mp4"),
    ],
)
async def test_every_kind_of_video_stays_what_it_is(
    people: People, suffix: str, options: tuple[str, ...], kind: str
) -> None:
    (ada,) = await people("ada")

    media = await upload(ada, "video", film(suffix, *options, "-metadata", f"comment={MAKER}"))

    kept = await download(ada, media["id"])
    assert (media["type"], media["width"], media["height"], media["hasThumbnail"]) == (kind, 64, 48, True)
    assert MAKER.encode() not in kept
    again = await upload(ada, "video", kept)
    assert (again["type"], again["duration"]) == (kind, media["duration"])


async def test_a_recording_in_the_container_of_a_video_is_measured_and_cleaned(people: People) -> None:
    (ada,) = await people("ada")
    raw = film("m4a", "-vn", "-c:a", "aac", "-metadata", f"comment={MAKER}")

    media = await upload(ada, "audio", raw, waveform=[0, 50, 100], duration=99.0)

    assert (media["type"], media["waveform"], media["hasThumbnail"]) == ("audio/mp4", [0, 50, 100], False)
    assert media["duration"] == pytest.approx(1.5, abs=0.1)
    assert MAKER.encode() not in await download(ada, media["id"])


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(lambda: plain()[: len(plain()) // 2], id="cut off"),
        pytest.param(lambda: b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + b"\0" * 100, id="empty"),
        pytest.param(lambda: film("m4a", "-vn", "-c:a", "aac").replace(b"ftypM4A ", b"ftypisom"), id="sound alone"),
        pytest.param(picture, id="a picture"),
    ],
)
async def test_a_video_that_cannot_be_played_is_refused_and_thrown_away(
    people: People, server: Server, raw: object
) -> None:
    (ada,) = await people("ada")
    assert callable(raw)

    with pytest.raises(Refusal) as refusal:
        await upload(ada, "video", raw())

    assert (refusal.value.status, refusal.value.code) == (422, "media.refused")
    folder = server.app.settings.data_dir
    assert [list((folder / name).iterdir()) for name in ("media", "scratch") if (folder / name).exists()] in (
        [[]],
        [[], []],
    )
