"""What the tests of the protocols share."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from tests.server.hub.protocol.apps import EngineApp, SocketApp, serving

Engines = Callable[..., Awaitable[EngineApp]]
Sockets = Callable[..., Awaitable[SocketApp]]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client of HTTP that keeps no cookies."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
async def engine_app() -> AsyncIterator[Engines]:
    """`await engine_app(ping_interval=…)` serves an EngineApp."""
    async with AsyncExitStack() as stack:

        async def start(**options: Any) -> EngineApp:
            app = EngineApp(**options)
            app.url = await stack.enter_async_context(serving(app.engine))
            return app

        yield start


@pytest.fixture
async def socket_app() -> AsyncIterator[Sockets]:
    """`await socket_app(ping_interval=…)` serves a SocketApp."""
    async with AsyncExitStack() as stack:

        async def start(**options: Any) -> SocketApp:
            app = SocketApp(**options)
            app.url = await stack.enter_async_context(serving(app.sio))
            return app

        yield start
