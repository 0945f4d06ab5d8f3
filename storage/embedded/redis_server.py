"""The private redis-server: memory only, a password for every client, and an error rather than a forgotten key."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from storage.embedded.binaries import REDIS, Binary, Kind
from storage.embedded.folder import HOST, password, secret
from storage.embedded.server import Progress, Server, listening

POLL_SECONDS = 0.03
ANSWER_SECONDS = 2.0


class RedisServer(Server):
    """Redis below `folder`, with at most `memory_mb` megabytes of keys. Nothing of it survives a restart."""

    kind: ClassVar[Kind] = REDIS

    def __init__(self, folder: Path, binaries: Sequence[Binary], progress: Progress, *, memory_mb: int) -> None:
        super().__init__(folder, binaries, progress)
        self._memory_mb = memory_mb
        self._password = secret(folder / "password", password)

    @property
    def url(self) -> str:
        """How a client reaches it."""
        return self.url_of(self._password, self.port)

    @staticmethod
    def url_of(word: str, port: int) -> str:
        """How a client with the password `word` reaches the one that listens on the port."""
        return f"redis://:{word}@{HOST}:{port}/0"

    def configuration(self) -> str:
        """Nothing goes to disk, for MongoDB is the truth; a full Redis refuses writes rather than drop keys."""
        return "\n".join(
            (
                f"bind {HOST}",
                f"port {self.port}",
                f"requirepass {self._password}",
                f"dir {_quoted(self.folder)}",
                f"logfile {_quoted(self.log_file)}",
                "loglevel notice",
                'save ""',
                "appendonly no",
                f"maxmemory {self._memory_mb}mb",
                "maxmemory-policy noeviction",
                "shutdown-on-sigterm nosave now",
                "set-proc-title no",  # the command line has to go on naming this file: orphans are known by it
                "daemonize no",
                "",
            )
        )

    def log_moved(self) -> None:
        """Nothing to do: Redis opens its log anew for every line."""

    async def ready(self) -> None:
        """Return once it answers a client that knows the password."""
        await listening(self.port)
        while True:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._greet()
            except (OSError, EOFError, asyncio.LimitOverrunError) as error:  # TimeoutError is an OSError
                self.trouble = str(error) or "it does not answer"
                await asyncio.sleep(POLL_SECONDS)
            else:
                return

    async def _greet(self) -> None:
        """Log in and be answered. By hand: redis-py may take a cancellation for a failure and try on for ever."""
        reader, writer = await asyncio.open_connection(HOST, self.port)
        try:
            writer.write(f"AUTH {self._password}\r\nPING\r\n".encode("ascii"))
            for expected in (b"+OK\r\n", b"+PONG\r\n"):
                answer = await reader.readuntil(b"\r\n")
                if answer != expected:
                    raise ConnectionError(answer.decode("utf-8", "replace").strip())
        finally:
            writer.close()


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
