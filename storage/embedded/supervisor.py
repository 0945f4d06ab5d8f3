"""Both servers of one data folder: started together, watched together, stopped together."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from storage.embedded.binaries import MONGODB, REDIS, find
from storage.embedded.errors import EmbeddedError
from storage.embedded.folder import DataFolder, unwritable
from storage.embedded.mongod import Mongod
from storage.embedded.redis_server import RedisServer
from storage.embedded.server import Server

log = logging.getLogger("mixee.embedded")

LOG_CHECK_SECONDS = 60.0


class Embedded:
    """The private servers below one data folder."""

    mongodb_url: str | None
    """How to reach MongoDB, password included; None when it was not wanted."""
    redis_url: str | None
    """How to reach Redis, password included; None when it was not wanted."""

    def __init__(self, folder: DataFolder | None) -> None:
        self.mongodb_url = None
        self.redis_url = None
        self._folder = folder
        self._servers: dict[str, Server] = {}
        self._stopping = asyncio.Lock()

    @classmethod
    async def start(
        cls,
        data_dir: Path,
        *,
        mongodb: bool = True,
        redis: bool = True,
        progress: Callable[[str], None] = log.info,
        mongod_cache_mb: int = 256,
        redis_memory_mb: int = 256,
    ) -> "Embedded":
        """Start the wanted servers below `data_dir` and return when clients can work with both.

        `progress` hears a short line at every step. When no server is wanted, the folder is not touched. Raises
        EmbeddedError, and then nothing is left running. Call it in the main thread: the servers are told to end when
        the thread that started them does.
        """
        folder = DataFolder.claim(data_dir) if mongodb or redis else None
        embedded = cls(folder)
        try:
            if folder is not None and mongodb:
                binaries = await find(MONGODB, folder.path)
                room = folder.room("mongodb")
                embedded._servers["mongodb"] = Mongod(room, binaries, progress, cache_mb=mongod_cache_mb)
            if folder is not None and redis:
                binaries = await find(REDIS, folder.path)
                room = folder.room("redis")
                embedded._servers["redis"] = RedisServer(room, binaries, progress, memory_mb=redis_memory_mb)
            await embedded._start()
        except BaseExceptionGroup as group:
            await embedded.stop()
            raise _first(group) from None
        except OSError as error:
            await embedded.stop()
            raise EmbeddedError(unwritable(data_dir, error)) from error
        except BaseException:
            await embedded.stop()
            raise
        return embedded

    async def stop(self) -> None:
        """End both servers in order and free the folder. Doing it twice is harmless."""
        async with self._stopping:
            await asyncio.gather(*(server.stop() for server in self._servers.values()))
            if self._folder is not None:
                self._folder.release()

    async def watch(self) -> None:
        """Start a server again when it dies, and keep the logs small. Runs until it is cancelled or all is stopped."""
        async with asyncio.TaskGroup() as group:
            trimming = group.create_task(self._trim_logs())
            keepers = [group.create_task(server.keep()) for server in self._servers.values()]
            if keepers:
                await asyncio.wait(keepers)
            trimming.cancel()

    def pids(self) -> dict[str, int]:
        """The process ids of what runs, by the names `mongodb` and `redis`."""
        return {name: server.pid for name, server in self._servers.items() if server.pid is not None}

    async def _start(self) -> None:
        async with asyncio.TaskGroup() as group:
            for server in self._servers.values():
                group.create_task(server.start())
        urls = {name: server.url for name, server in self._servers.items()}
        self.mongodb_url = urls.get("mongodb")
        self.redis_url = urls.get("redis")

    async def _trim_logs(self) -> None:
        while True:
            await asyncio.sleep(LOG_CHECK_SECONDS)
            for server in self._servers.values():
                server.trim_log()


def _first(group: BaseExceptionGroup) -> BaseException:
    """One error of the group, for the caller asked for one thing."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
