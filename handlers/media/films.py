"""Videos, and recordings that only a film library reads: their pictures and sound anew, and nothing else.

The one door to ffmpeg. It runs as a process of its own, reads one file and nothing else, and has a bound on its time,
memory and output. What is in the file is copied, not encoded again; place, maker, comments, subtitles, chapters and the
tracks of sensors are left out.
"""

import asyncio
import contextlib
import resource
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

MAX_SECONDS = 120.0
"""How long one run may take."""
MAX_MEMORY = 3 << 30
MAX_OUTPUT = 64 << 20
"""Bytes that a run may write to its output stream: one picture."""
MAX_TROUBLE = 4096
AT = 1.0
"""Seconds from the beginning at which the picture is taken that stands for a video."""

_MUXERS = {
    "video/mp4": ("mov", "mp4"),
    "video/quicktime": ("mov", "mov"),
    "video/3gpp": ("mov", "3gp"),
    "audio/mp4": ("mov", "ipod"),
    "video/webm": ("matroska", "webm"),
    "video/x-matroska": ("matroska", "matroska"),
    "audio/webm": ("matroska", "webm"),
}
"""How each type is read and written. The reader is never left to choose: some of its formats fetch other files."""
CONTAINERS = frozenset(_MUXERS)
"""Types that are taken here."""


class Unplayable(ValueError):
    """The file cannot be read, or holds nothing of what it should; the message says what."""


@dataclass(frozen=True, slots=True)
class Film:
    """A file written anew."""

    duration: float
    """Seconds."""


class Cutter:
    """Runs ffmpeg."""

    def __init__(self, program: Path | None, *, max_bytes: int) -> None:
        """`program` is another ffmpeg than that of the package; `max_bytes` bounds the file that it writes."""
        self._program = program
        self._max_bytes = max_bytes

    async def copy(self, source: Path, target: Path, kind: str) -> Film:
        """Write pictures and sound of a file of this type into another one. Raises Unplayable."""
        reader, writer = _MUXERS[kind]
        tracks = ("-map", "0:V:0", "-map", "0:a?") if kind.startswith("video/") else ("-map", "0:a:0")
        told = await self._run(
            *("-f", reader, "-i", source, *tracks, "-c", "copy", "-sn", "-dn"),
            *("-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-movflags", "+faststart"),
            *("-progress", "pipe:1", "-f", writer, target),
        )
        duration = _duration(told.decode(errors="replace"))
        if duration <= 0:
            raise Unplayable("There is nothing to see or hear in it.")
        return Film(duration)

    async def picture(self, film: Path, kind: str, duration: float) -> bytes | None:
        """A picture of a video as PNG, upright; None when there is none that can be shown."""
        reader, _ = _MUXERS[kind]
        with contextlib.suppress(Unplayable):
            return (
                await self._run(
                    *("-ss", f"{min(AT, duration / 2):.3f}", "-f", reader, "-i", film, "-frames:v", "1", "-an"),
                    *("-pix_fmt", "rgb24", "-c:v", "png", "-f", "image2pipe", "pipe:1"),
                )
                or None
            )
        return None

    async def _run(self, *words: str | Path) -> bytes:
        """What a run writes to its output. Raises Unplayable when it fails or does not end."""
        process = await asyncio.create_subprocess_exec(
            str(self._program or imageio_ffmpeg.get_ffmpeg_exe()),
            *("-nostdin", "-hide_banner", "-v", "error", "-threads", "1", "-y", "-protocol_whitelist", "file,pipe"),
            *map(str, words),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
        )
        try:
            self._bound(process)
            async with asyncio.timeout(MAX_SECONDS):
                out, trouble = await asyncio.gather(
                    _read(process.stdout, MAX_OUTPUT), _read(process.stderr, MAX_TROUBLE)
                )
                await process.wait()
        except TimeoutError as error:
            raise Unplayable("It takes too long to read.") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            said = trouble.decode(errors="replace").strip().splitlines()
            raise Unplayable(f"It cannot be read: {said[-1][:200] if said else 'it is damaged'}.")
        return out

    def _bound(self, process: Process) -> None:
        bounds = {
            resource.RLIMIT_CPU: int(MAX_SECONDS),
            resource.RLIMIT_AS: MAX_MEMORY,
            resource.RLIMIT_FSIZE: self._max_bytes,
        }
        with contextlib.suppress(ProcessLookupError):
            for what, most in bounds.items():
                resource.prlimit(process.pid, what, (most, most))


async def _read(stream: asyncio.StreamReader | None, most: int) -> bytes:
    """The first bytes of a stream, which is read to its end."""
    if stream is None:
        return b""
    kept = bytearray()
    while piece := await stream.read(1 << 16):
        kept += piece[: most - len(kept)]
    return bytes(kept)


def _duration(progress: str) -> float:
    """Seconds written, by what ffmpeg says of its progress."""
    found = 0.0
    for line in progress.splitlines():
        name, _, value = line.partition("=")
        if name == "out_time_us" and value.lstrip("-").isdigit():
            found = max(found, int(value) / 1_000_000)
    return round(found, 3)
