"""Letters as files: one each, which only the server's own user can read."""

import asyncio
import os
from datetime import datetime
from pathlib import Path

import orjson

from handlers.mail.models import Letter
from server.models import wire_time

FOLDER = "outbox"
"""Below the data folder."""


class FileLetters:
    """Puts each letter into a folder as one JSON file that only the server's own user can read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, letter: Letter) -> None:
        """Write the letter; its file appears whole or not at all. Raises OSError."""
        await asyncio.to_thread(self._write, letter)

    def _write(self, letter: Letter) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = {
            "id": letter.id,
            "channel": letter.channel,
            "to": letter.to,
            "subject": letter.subject,
            "text": letter.text,
            "at": wire_time(letter.at),
        }
        unfinished = self._folder / f".{letter.id}"
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2))
        unfinished.rename(self._folder / f"{letter.id}.json")


def newest(data_dir: Path, limit: int) -> list[Letter]:
    """The letters below a data folder, the newest first. Raises OSError for a folder of another user."""
    folder = data_dir.expanduser() / FOLDER
    if not folder.exists():
        return []
    found = [letter for file in folder.glob("*.json") if (letter := _read(file))]
    return sorted(found, key=lambda one: one.at, reverse=True)[:limit]


def _read(file: Path) -> Letter | None:
    """The letter in a file; None for a file that is something else."""
    try:
        content = orjson.loads(file.read_bytes())
        return Letter(**{**content, "at": datetime.fromisoformat(content["at"])})
    except (ValueError, TypeError, KeyError):
        return None
