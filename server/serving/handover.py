"""Brings a request to the worker that knows its session: with the connection itself, not with a copy of its bytes.

Workers share a port, and the system gives each new connection to any of them, while a client that polls has its session
on one. That one's name begins the session's id. A worker that gets a request for another's session sends it the file
descriptor of the connection (SCM_RIGHTS) and the request as far as it was read, and has nothing more to do with it: the
rest of the connection, an upgrade to a WebSocket too, costs nothing extra, and the client's address stays true.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from aiohttp import web
from prometheus_client import Counter

from server.app import SOCKET_PATH
from storage.tasks import end

log = logging.getLogger("mixee.handover")

HANDED_ON = Counter(
    "mixee_handed_on_total", "Connections that were handed on to the worker of their session", ["result"]
)

SECONDS = 5.0
"""How long handing on, and taking over, may last."""
BODY_SECONDS = 10.0
AT_ONCE = 256
"""Connections that are taken over at once; others wait in the queue of the system."""
BACKLOG = 1024
_LENGTH = 8
_OF_THE_HOP = {b"content-length", b"transfer-encoding", b"content-encoding", b"expect"}
"""What says how the body came; it is sent on as plain bytes."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Gone(web.StreamResponse):
    """The answer to a request that somebody else answers: nothing is written."""

    async def prepare(self, request: web.BaseRequest) -> None:
        """Write nothing."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Write nothing."""


class Handover:
    """One worker's way to its neighbours, and theirs to it. `folder` is open to this user alone."""

    def __init__(self, folder: Path, name: str) -> None:
        """`name`: what begins the ids of this worker's sessions."""
        self._folder = folder
        self._name = name
        self._room = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def attach(self, app: web.Application) -> None:
        """Look at every request of Socket.IO before the server does."""

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            place = self._place_of(request)
            if place is not None and await self._hand_on(request, place):
                return _Gone()
            return await handler(request)

        app.middlewares.append(middleware)

    @asynccontextmanager
    async def taking(self, server: web.Server) -> AsyncIterator[None]:
        """Serve with `server` what the neighbours hand on."""
        place = self._folder / f"{self._name}.sock"
        self._folder.mkdir(mode=0o700, exist_ok=True)
        place.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(place))
            listener.listen(BACKLOG)
            listener.setblocking(False)
            accepting = asyncio.create_task(self._accept(listener, server), name="handover")
            try:
                yield
            finally:
                await end(accepting)
                place.unlink(missing_ok=True)
                with suppress(OSError):  # the last of us clears up: our parent may have been killed
                    self._folder.rmdir()
                for task in list(self._tasks):
                    await end(task)

    def _place_of(self, request: web.Request) -> Path | None:
        """Where the neighbour listens to whom this request belongs."""
        if not request.path.startswith(f"/{SOCKET_PATH}/"):
            return None
        name = request.query.get("sid", "")[: len(self._name)]
        if name == self._name or len(name) < len(self._name):
            return None
        if name[:-2] != self._name[:-2] or not (name[-2:].isascii() and name[-2:].isdigit()):
            return None
        return self._folder / f"{name}.sock"

    async def _hand_on(self, request: web.Request, place: Path) -> bool:
        """Whether the neighbour has it now. If he is gone, so is the session: then the request is answered here."""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                told = _head(request, await request.read())
        except TimeoutError as error:
            raise web.HTTPRequestTimeout from error
        transport = request.transport
        if transport is None or transport.is_closing():
            return False
        connection = transport.get_extra_info("socket")
        transport.pause_reading()
        sent = False
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.setblocking(False)
            try:
                async with asyncio.timeout(SECONDS):
                    loop = asyncio.get_running_loop()
                    await loop.sock_connect(line, str(place))
                    socket.send_fds(line, [len(told).to_bytes(_LENGTH)], [connection.fileno()])
                    sent = True  # from here on it is his, whatever happens: two must never write to it
                    await loop.sock_sendall(line, told)
            except (OSError, TimeoutError) as error:
                log.info("a connection could not be handed on to %s: %r", place.stem, error)
        HANDED_ON.labels("ok" if sent else "failed").inc()
        if sent:
            transport.abort()
        else:
            transport.resume_reading()
        return sent

    async def _accept(self, listener: socket.socket, server: web.Server) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._room.acquire()
            line, _ = await loop.sock_accept(listener)
            task = loop.create_task(self._take(line, server))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._room.release()

    async def _take(self, line: socket.socket, server: web.Server) -> None:
        """Take one connection over: it goes on as if it had come here."""
        loop = asyncio.get_running_loop()
        handed: list[int] = []
        with line:
            try:
                async with asyncio.timeout(SECONDS):
                    await _readable(line)
                    length, handed, _, _ = socket.recv_fds(line, _LENGTH, 1)
                    told = await _exactly(line, int.from_bytes(length))
            except (OSError, TimeoutError) as error:
                log.warning("a connection that was handed on is lost: %r", error)
                for one in handed:
                    socket.close(one)
                return
        if not handed:
            log.warning("a connection was handed on without itself: are there file descriptors left?")
            return
        connection = socket.socket(fileno=handed[0])
        try:
            _, protocol = await loop.connect_accepted_socket(server, connection)
        except OSError:
            connection.close()  # the client has gone meanwhile
            return
        protocol.data_received(told)


def _head(request: web.Request, body: bytes) -> bytes:
    """The request as it came, its body in one piece."""
    lines = [f"{request.method} {request.raw_path} HTTP/{request.version.major}.{request.version.minor}".encode()]
    lines += [name + b": " + value for name, value in request.raw_headers if name.lower() not in _OF_THE_HOP]
    if body or request.method == "POST":
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def _readable(line: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(line, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(line)


async def _exactly(line: socket.socket, length: int) -> bytes:
    loop = asyncio.get_running_loop()
    parts: list[bytes] = []
    while length > 0:
        part = await loop.sock_recv(line, min(length, 65_536))
        if not part:
            raise ConnectionResetError("the neighbour has gone")
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
