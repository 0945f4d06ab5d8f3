"""Who uses the sessions of an engine: the Socket.IO server, or the handlers of python-engineio's `on`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from aiohttp import web
from engineio.async_drivers.aiohttp import translate_request

from server.hub.session import HubSocket


class Listener(Protocol):
    """Who uses the sessions."""

    async def opened(self, socket: HubSocket, request: web.Request) -> bool:
        """A session begins; False refuses it."""
        ...

    def heard(self, socket: HubSocket, data: bytes, *, text: bool) -> None:
        """A message came."""
        ...

    async def room(self, socket: HubSocket) -> None:
        """Wait until more messages of this session may come (for one that polls)."""
        ...

    def ended(self, socket: HubSocket, reason: str) -> None:
        """A session has ended."""
        ...

    def caught_up(self, socket: HubSocket) -> None:
        """A client for whom events were dropped reads again."""
        ...


class Handlers:
    """A listener that calls the handlers that were registered with python-engineio's `on`."""

    def __init__(self, trigger: Callable[..., Awaitable[Any]]) -> None:
        self._trigger = trigger
        self._tasks: set[asyncio.Task[Any]] = set()

    async def opened(self, socket: HubSocket, request: web.Request) -> bool:
        """Call `connect`."""
        answer = await self._trigger("connect", socket.sid, translate_request(request), run_async=False)
        return answer is None or answer is True

    def heard(self, socket: HubSocket, data: bytes, *, text: bool) -> None:
        """Call `message`."""
        self._call("message", socket.sid, data.decode() if text else data)

    async def room(self, socket: HubSocket) -> None:
        """Nothing is bounded here."""

    def ended(self, socket: HubSocket, reason: str) -> None:
        """Call `disconnect`."""
        self._call("disconnect", socket.sid, reason)

    def caught_up(self, socket: HubSocket) -> None:
        """Go on."""
        socket.missed = False

    def _call(self, event: str, *arguments: Any) -> None:
        task = asyncio.ensure_future(self._trigger(event, *arguments, run_async=False))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
