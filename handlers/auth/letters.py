"""Letters: how a secret reaches somebody's mailbox or telephone. By default as files that the operator can read."""

import asyncio
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

import orjson

from server.models import wire_time


@dataclass(frozen=True, slots=True)
class Letter:
    """One e-mail or one text message."""

    id: str
    channel: Literal["email", "sms"]
    to: str
    subject: str
    text: str
    at: datetime


class Letters(Protocol):
    """Takes letters to where they belong."""

    async def send(self, letter: Letter) -> None:
        """Send one. Raises OSError when it cannot be sent."""
        ...


class FileLetters:
    """Puts each letter into a folder as one JSON file that only the server's own user can read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, letter: Letter) -> None:
        """Write the letter; its file appears whole or not at all."""
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
