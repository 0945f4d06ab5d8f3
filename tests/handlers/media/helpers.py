"""Uploads and downloads as a client does them, and the bytes for them."""

import hashlib
import subprocess
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import soundfile
from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image

from handlers.media.models import PART_BYTES
from tests.conftest import PASSWORD
from tests.harness.people import Person, Refusal

STREAM = {"Content-Type": "application/octet-stream"}


def picture(width: int = 640, height: int = 480, form: str = "JPEG", **options: Any) -> bytes:
    """A picture: its left half red, its right half blue."""
    image = Image.new("RGB", (width, height), (220, 20, 20))
    image.paste((20, 20, 220), (width // 2, 0, width, height))
    out = BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def tone(seconds: float = 2.0, form: str = "WAV", subtype: str | None = None) -> bytes:
    """A recording: the first half silent, the second half loud."""
    rate = 48_000
    at = np.arange(int(rate * seconds)) / rate
    sound = np.where(at < seconds / 2, 0.0, 0.8 * np.sin(2 * np.pi * 440 * at)).astype("float32")
    out = BytesIO()
    soundfile.write(out, sound, rate, format=form, subtype=subtype)
    return out.getvalue()


def film(suffix: str = "mp4", *more: str, sound: bool = True) -> bytes:
    """A video of 1.5 seconds and 64 x 48 pixels with a tone; `more` are options for what is written."""
    inputs = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=1.5"]
    if sound:
        inputs += ["-f", "lavfi", "-i", "sine=frequency=440:duration=1.5"]
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"film.{suffix}"
        subprocess.run([get_ffmpeg_exe(), "-v", "error", "-nostdin", *inputs, *more, str(path)], check=True)
        return path.read_bytes()


async def send(person: Person, media_id: str, offset: int, data: bytes, **query: str) -> Any:
    """Send one part; the upload as it is then, or a Refusal."""
    headers = {"Authorization": f"Bearer {person.token}", **STREAM}
    url = f"{person.server.url}/api/media/{media_id}"
    params = {"offset": str(offset), **query}
    async with person._session.patch(url, params=params, data=BytesIO(data), headers=headers) as response:
        answer = await response.json(content_type=None)
        if response.status >= 400:
            raise Refusal(answer, response.status)
        return answer


async def send_all(person: Person, media_id: str, data: bytes, *, part: int = PART_BYTES) -> Any:
    """Send everything, part by part; the upload as it is then."""
    answer = None
    for start in range(0, len(data), part):
        answer = await send(person, media_id, start, data[start : start + part])
    return answer


async def announce(person: Person, kind: str, data: bytes, **more: Any) -> Any:
    """Announce an upload of these bytes."""
    return await person.ask("POST", "/api/media", {"kind": kind, "size": len(data), **more})


async def upload(person: Person, kind: str, data: bytes, **more: Any) -> Any:
    """Upload something from beginning to end; the medium."""
    media = await announce(person, kind, data, **more)
    await send_all(person, media["id"], data)
    return await person.ask("POST", f"/api/media/{media['id']}/finish")


async def link(person: Person, media_id: str, variant: str = "original") -> str:
    """The address of a download."""
    found = await person.ask("GET", f"/api/media/{media_id}/link", params={"variant": variant})
    return str(found["url"])


async def fetch(person: Person, url: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    """Download from an address, without any token: status, headers, bytes."""
    async with person._session.get(person.server.url + url, headers=headers) as response:
        return response.status, response.headers, await response.read()


async def download(person: Person, media_id: str, variant: str = "original") -> bytes:
    """All bytes of a medium."""
    status, _, data = await fetch(person, await link(person, media_id, variant))
    assert status == 200, data
    return data


async def sign_in_again(person: Person) -> None:
    """Get new tokens: the old ones may have run out."""
    body = {"username": person.name, "password": PASSWORD}
    async with person._session.post(f"{person.server.url}/api/auth/login", json=body) as response:
        assert response.status == 200
        person.tokens = (await response.json())["tokens"]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
