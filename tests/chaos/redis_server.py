"""A Redis of a run's own, to be killed, stopped, emptied and closed to its subscribers: never the one of the tests."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from storage.embedded.binaries import REDIS, find
from storage.embedded.redis_server import RedisServer
from storage.redis import Redis, connect
from tests.harness.servers import until

LIMIT = "client-output-buffer-limit"
TINY = "pubsub 65536 32768 1"
"""Bytes at which a subscriber is cut off at once, and after a second."""
USUAL = "pubsub 33554432 8388608 60"
JUNK = 1 << 20
"""Bytes of one message that overflows a subscriber."""
GONE_SECONDS = 10.0


class OwnRedis:
    """A real redis-server and what may befall it."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._admin: Redis = connect(server.url)

    @property
    def url(self) -> str:
        """How clients reach it, through all its lives."""
        return self._server.url

    async def kill(self) -> None:
        """End it in the middle of whatever it does; all that it knew is gone."""
        pid = self._server.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(lambda: self._server.pid is None, seconds=GONE_SECONDS)

    async def start(self) -> None:
        """Start it again, empty, at the same place."""
        port = self._server.port
        await self._server.start()
        assert self._server.port == port, "another program has taken the port of Redis"

    def freeze(self) -> None:
        """Let it stand still, with its connections open."""
        assert self._server.pid is not None
        os.kill(self._server.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._server.pid is not None
        os.kill(self._server.pid, signal.SIGCONT)

    async def empty(self) -> None:
        """Forget every key."""
        await self._admin.flushall()

    async def cut_subscribers(self) -> int:
        """End the connection of every subscriber, sharded ones included; how many there were."""
        before = await self._subscribers()
        await self._admin.execute_command("CLIENT", "KILL", "TYPE", "pubsub")  # type: ignore[no-untyped-call]  # redis-py has no types for it
        for number in before & await self._subscribers():
            await self._admin.execute_command("CLIENT", "KILL", "ID", number)  # type: ignore[no-untyped-call]  # as above

        async def gone() -> bool:
            return not before & await self._subscribers()

        await until(gone, seconds=GONE_SECONDS)
        return len(before)

    async def overflow(self) -> int:
        """Send every subscriber more than it may be behind, so that Redis cuts it off; how many there were."""
        before = await self._subscribers()
        await self._admin.config_set(LIMIT, TINY)
        try:
            ends = asyncio.get_running_loop().time() + GONE_SECONDS
            while before & await self._subscribers():
                if asyncio.get_running_loop().time() > ends:
                    raise TimeoutError("Redis did not cut its subscribers off")
                await self._shout()
        finally:
            await self._admin.config_set(LIMIT, USUAL)
        return len(before)

    async def stop(self) -> None:
        """End it in order."""
        await self._admin.aclose()
        await self._server.stop()

    async def _shout(self) -> None:
        junk = b"x" * JUNK
        for channel in await self._admin.pubsub_channels():
            await self._admin.publish(channel, junk)
        for channel in await self._admin.pubsub_shardchannels():
            await self._admin.spublish(channel, junk)

    async def _subscribers(self) -> set[str]:
        """The ids of connections that subscribe to anything."""
        found = await self._admin.client_list()
        return {one["id"] for one in found if any(one.get(kind, "0") != "0" for kind in ("sub", "psub", "ssub"))}


@asynccontextmanager
async def own_redis(folder: Path) -> AsyncIterator[OwnRedis]:
    """A fresh Redis with its files below `folder`, until the block ends."""
    room = folder / "own-redis"
    room.mkdir(parents=True, exist_ok=True)
    server = RedisServer(room, await find(REDIS, folder), lambda _: None, memory_mb=256)
    await server.start()
    one = OwnRedis(server)
    try:
        yield one
    finally:
        await one.stop()
