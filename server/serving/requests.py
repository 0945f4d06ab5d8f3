"""HTTP connections with an end: aiohttp waits as long as a client likes for the rest of a request's head, we do not."""

import asyncio
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage

from server.edge.answers import answer
from server.errors import Problem
from server.hub.timers import Timers

HEADER_SECONDS = 10.0
"""How long the head of a request may take: from the connection, or from its first byte."""


LINGER_SECONDS = 2.0
"""How long the rest of a body is awaited that was answered before its end."""


class PunctualHandler(web.RequestHandler):
    """aiohttp's connection, which is cut off when the head of a request does not come in time."""

    __slots__ = ("_late",)

    def __init__(self, manager: web.Server, late: "Timers[PunctualHandler]", **options: Any) -> None:
        super().__init__(manager, **options)
        self._late = late

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The first request must come soon."""
        super().connection_made(transport)
        self._late.set(self)

    def data_received(self, data: bytes) -> None:
        """Whatever has begun must be complete soon."""
        super().data_received(data)
        if self._messages or self._current_request is not None or self.transport is None:
            self._late.drop(self)
        elif self not in self._late:
            self._late.set(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection is over, or belongs to a WebSocket."""
        self._late.drop(self)
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is no request is answered like every other error, and not worth a stack in the log."""
        if not isinstance(exc, BadHttpMessage) or request.writer.output_size > 0:
            return super().handle_error(request, status, exc, message)
        response = answer(Problem(status, "bad_request", "That is no HTTP request, or its head is too large."))
        response.force_close()
        return response


class PunctualServer(web.Server):
    """aiohttp's server of such connections."""

    def __init__(self, server: web.Server, late: "Timers[PunctualHandler]") -> None:
        super().__init__(
            server.request_handler,
            request_factory=server.request_factory,
            handler_cancellation=server.handler_cancellation,
            loop=server._loop,  # noqa: SLF001 - aiohttp gives the loop to nobody else
            **server._kwargs,  # noqa: SLF001 - what the runner was given
        )
        self._late = late

    def __call__(self) -> web.RequestHandler:
        """The handler of a new connection."""
        return PunctualHandler(self, self._late, loop=self._loop, **self._kwargs)


class PunctualRunner(web.AppRunner):
    """aiohttp's runner of an application whose clients must send the heads of their requests in time."""

    def __init__(self, app: web.Application, *, header_timeout: float = HEADER_SECONDS, **options: Any) -> None:
        """`header_timeout`: in seconds."""
        super().__init__(app, lingering_time=LINGER_SECONDS, **options)
        self._late: Timers[PunctualHandler] = Timers(header_timeout, _cut)

    async def _make_server(self) -> web.Server:
        return PunctualServer(await super()._make_server(), self._late)

    async def cleanup(self) -> None:
        """Stop everything."""
        await super().cleanup()
        self._late.close()


def _cut(handler: PunctualHandler, _: float) -> None:
    if handler.transport is not None:
        handler.transport.abort()
