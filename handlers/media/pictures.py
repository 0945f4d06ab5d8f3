"""Develops pictures anew: their pixels and nothing else. The one door to Pillow and blurhash; runs in threads."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import blurhash
from PIL import Image, ImageCms, ImageOps, ImageSequence

THUMBNAIL = 320
"""Pixels of the longer side of a thumbnail."""
MAX_FRAMES = 500
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")

Image.MAX_IMAGE_PIXELS = None  # `develop` counts before it decodes; Pillow itself would only warn

_BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, OverflowError, struct.error)
"""What Pillow raises at files that are not what they seem."""
_WEBP: dict[str, Any] = {"format": "WEBP", "exif": b"", "xmp": b"", "icc_profile": b""}
_SAVE: dict[str, dict[str, Any]] = {
    "image/jpeg": {"format": "JPEG", "quality": 88, "progressive": True, "comment": b""},
    "image/png": {"format": "PNG"},
    "image/webp": {**_WEBP, "quality": 85, "method": 2},
}


class Unfit(ValueError):
    """The picture cannot be read, or has more pixels than are allowed; the message says what."""


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What is shown of a picture before it is there."""

    width: int
    height: int
    thumbnail: bytes
    blurhash: str


@dataclass(frozen=True, slots=True)
class Picture(Glimpse):
    """A developed picture."""

    data: bytes
    type: str


def develop(raw: bytes, *, max_pixels: int) -> Picture:
    """The picture anew, upright, without any metadata. What moves becomes a WebP. Raises Unfit."""
    with _opened(raw, max_pixels) as image:
        return _moving(image) if _frames(image) > 1 else _still(image)


def glimpse(raw: bytes, *, max_pixels: int) -> Glimpse:
    """The picture small. Raises Unfit."""
    with _opened(raw, max_pixels) as image:
        return _glimpse(_clean(image))


@contextmanager
def _opened(raw: bytes, max_pixels: int) -> Iterator[Image.Image]:
    try:
        with Image.open(BytesIO(raw), formats=FORMATS) as image:
            frames = _frames(image)
            pixels = image.width * image.height * frames
            if pixels > max_pixels or frames > MAX_FRAMES:
                raise Unfit(f"It has {pixels} pixels in {frames} frames; {max_pixels} in {MAX_FRAMES} are allowed.")
            yield image
    except Unfit:
        raise
    except _BROKEN as error:
        raise Unfit("It cannot be read: it is damaged, or not what it seems.") from error


def _frames(image: Image.Image) -> int:
    return int(getattr(image, "n_frames", 1)) if image.format != "MPO" else 1


def _still(image: Image.Image) -> Picture:
    kind = {"PNG": "image/png", "GIF": "image/png", "WEBP": "image/webp"}.get(image.format or "", "image/jpeg")
    clean = _clean(image)
    out = BytesIO()
    clean.save(out, **_SAVE[kind])
    return _picture(out.getvalue(), kind, clean)


def _moving(image: Image.Image) -> Picture:
    spans = [frame.info.get("duration", 100) for frame in ImageSequence.Iterator(image)]
    image.seek(0)
    first = _clean(image)
    out = BytesIO()
    image.seek(0)
    image.info = {key: image.info[key] for key in ("loop", "background", "transparency") if key in image.info}
    image.save(out, **_WEBP, save_all=True, duration=spans, loop=image.info.get("loop", 1), quality=75, method=2)
    return _picture(out.getvalue(), "image/webp", first)


def _clean(image: Image.Image) -> Image.Image:
    """The pixels alone, turned as the camera says, in sRGB."""
    upright = ImageOps.exif_transpose(image)
    profile = upright.info.get("icc_profile")
    mode = "RGBA" if upright.has_transparency_data else "RGB"
    if profile and upright.mode in {"RGB", "CMYK", "L"}:
        upright = _in_srgb(upright, profile)
    clean = upright.convert(mode)
    clean.info = {}
    return clean


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        found = ImageCms.profileToProfile(
            image, ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError):
        return image  # a profile that does not fit the picture: its colours are taken as they are
    return found or image


def _picture(data: bytes, kind: str, clean: Image.Image) -> Picture:
    seen = _glimpse(clean)
    return Picture(seen.width, seen.height, seen.thumbnail, seen.blurhash, data=data, type=kind)


def _glimpse(clean: Image.Image) -> Glimpse:
    small = clean.copy()
    small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    out = BytesIO()
    small.save(out, **_WEBP, quality=75)
    return Glimpse(clean.width, clean.height, out.getvalue(), _blurhash(small))


def _blurhash(image: Image.Image) -> str:
    tiny = image.convert("RGB").resize((32, 32), Image.Resampling.BOX)
    flat = tiny.tobytes()
    rows = [[list(flat[3 * (32 * y + x) :][:3]) for x in range(32)] for y in range(32)]
    return str(blurhash.encode(rows, components_x=4, components_y=3))
