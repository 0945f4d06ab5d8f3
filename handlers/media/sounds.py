"""Measures recordings: how long, and how loud from moment to moment. The one door to libsndfile; runs in threads."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import soundfile

from handlers.media.models import WAVEFORM

_BLOCK = 1 << 20
"""Frames that are decoded at once. Behind each block libsndfile loses a moment of an MP3: of blocks so long, less than
one of the waveform's spans."""
MAX_CHANNELS = 8


class Unheard(ValueError):
    """The recording cannot be read, or lasts longer than is allowed; the message says what."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A measured recording."""

    duration: float
    """Seconds."""
    waveform: list[int]
    """The loudest of each of WAVEFORM equal spans, from 0 to 100."""


def measure(raw: bytes, *, max_seconds: float) -> Sound:
    """Decode a WAV, FLAC, MP3, Ogg Vorbis or Ogg Opus recording. Raises Unheard."""
    try:
        with soundfile.SoundFile(BytesIO(raw)) as file:
            if file.frames < 1 or file.channels > MAX_CHANNELS:
                raise Unheard("There is nothing to hear in it.")
            duration = file.frames / file.samplerate
            if duration > max_seconds:
                raise Unheard(f"It lasts {duration:.0f} seconds; {max_seconds:.0f} are allowed.")
            return Sound(round(duration, 3), _waveform(file))
    except soundfile.LibsndfileError as error:
        raise Unheard("It cannot be read: it is damaged, or not what it seems.") from error


def _waveform(file: soundfile.SoundFile) -> list[int]:
    loudest = np.zeros(WAVEFORM)
    frames, at = file.frames, 0
    for block in file.blocks(blocksize=_BLOCK, dtype="float32", always_2d=True):
        loud = np.nan_to_num(np.abs(block).max(axis=1))
        spans = np.minimum((at + np.arange(len(loud))) * WAVEFORM // frames, WAVEFORM - 1)
        np.maximum.at(loudest, spans, loud)
        at += len(loud)
        if at > frames:  # more than its head says: what was measured is enough
            break
    return [int(value) for value in np.clip(np.rint(loudest * 100), 0, 100)]
