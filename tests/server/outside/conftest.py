"""Listeners on the loopback address that count who comes, and a hook that sees every attempt to connect anywhere."""

import asyncio
import ipaddress
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from server.outside import Outside, Rules

Answering = Callable[[str], bytes]


class Attempts:
    """Every attempt of this process to connect by IP while it watches. What would leave this machine is stopped."""

    def __init__(self) -> None:
        self.watching = False
        self.to: list[tuple[Any, ...]] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.watching or event != "socket.connect":
            return
        address = arguments[1]
        if isinstance(address, tuple):
            self.to.append(address)
            if not ipaddress.ip_address(address[0]).is_loopback:
                raise OSError("a test reaches for the world")


_attempts = Attempts()
sys.addaudithook(_attempts)  # it cannot be taken away again, only told to look elsewhere


@pytest.fixture
def attempts() -> Iterator[Attempts]:
    """What was connected to since the test began."""
    _attempts.to.clear()
    _attempts.watching = True
    yield _attempts
    _attempts.watching = False


class Listener:
    """A server of HTTP on two loopback addresses of IPv4 and one of IPv6, on one port. It keeps what it was asked."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.asked: list[str] = []
        self.answer: Answering = lambda _: reply(b"secret")
        self.stays = asyncio.Event()
        """Connections are left open until then, if `holds`."""
        self.holds = False
        self._servers: list[asyncio.Server] = []

    async def start(self) -> None:
        for _ in range(20):
            four = socket.create_server(("127.0.0.1", 0))
            self.port = four.getsockname()[1]
            try:
                six = socket.create_server(("::1", self.port), family=socket.AF_INET6)
                seven = socket.create_server(("127.0.0.7", self.port))
            except OSError:
                four.close()
                continue
            self._servers = [await asyncio.start_server(self._serve, sock=one) for one in (four, six, seven)]
            return
        raise RuntimeError("no port is free by both families")

    async def stop(self) -> None:
        self.stays.set()
        for server in self._servers:
            server.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.asked.append(head)
            writer.write(self.answer(head))
            await writer.drain()
            if self.holds:
                await self.stays.wait()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def reply(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """An answer of HTTP/1.1."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def redirect(to: str, status: str = "302 Found") -> bytes:
    """An answer that leads elsewhere."""
    return reply(b"", f"Location: {to}", status=status)


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    """A server on the loopback address that waits for those who should not come."""
    one = Listener()
    await one.start()
    yield one
    await one.stop()


Ways = Callable[..., Outside]


@pytest.fixture
async def way(listener: Listener) -> AsyncIterator[Ways]:
    """`way(**rules)`: a way out by which the listener's port may be fetched, beside the usual ones."""
    made: list[Outside] = []

    def make(lookup: Callable[[str, int], Awaitable[list[str]]] | None = None, **rules: Any) -> Outside:
        given = {"ports": frozenset({80, 443, listener.port}), "seconds": 5.0, **rules}
        one = Outside(Rules(**given), agent="Tests", lookup=lookup)
        made.append(one)
        return one

    yield make
    for one in made:
        await one.close()
