"""Servers in this process, on free ports of the loopback address, and the storage that they share."""

import asyncio
import os
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from aiohttp import web

from config.settings import Settings
from server.app import App
from server.clock import Clock
from server.serving.requests import PunctualRunner
from server.slices import Slice

MONGODB = "MIXEE_TEST_MONGODB_URL"
REDIS = "MIXEE_TEST_REDIS_URL"


class Server:
    """One running server process's worth of Mixee."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.url = ""
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        """Start it on a free port."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.app.stop)
            await self.app.start()
            timeout = self.app.settings.header_timeout
            runner = PunctualRunner(self.app.web, header_timeout=timeout, access_log=None, shutdown_timeout=1.0)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            listener = socket.create_server(("127.0.0.1", 0), backlog=512)
            await web.SockSite(runner, listener).start()
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            self._stack = stack.pop_all()

    async def stop(self) -> None:
        """Stop it, as an operator would."""
        await self.app.drain()
        await self._stack.aclose()

    def service(self, name: str) -> Any:
        """A slice's service."""
        return self.app.services[name]


async def start(
    slices: Sequence[Slice[Any]], *, database: str, data_dir: Path, clock: Clock, **settings: Any
) -> Server:
    """A server of these slices on the tests' MongoDB and Redis."""
    chosen = Settings(
        _env_file=None,
        mongodb_database=database,
        data_dir=data_dir,
        limits=settings.pop("limits", "off"),
        drain_seconds=settings.pop("drain_seconds", 0.0),
        **settings,
    )
    app = App(chosen, slices, mongodb_url=os.environ[MONGODB], redis_url=os.environ[REDIS], clock=clock)
    server = Server(app)
    await server.start()
    return server


async def until(condition: Any, *, seconds: float = 5.0) -> None:
    """Wait until `condition()` holds; a test fails with TimeoutError when it does not in time."""
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(0.01)
