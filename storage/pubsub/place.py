"""Where a Redis is and how to open a connection to it, read from a URL as redis-py reads it."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from redis.asyncio.connection import SSLConnection, parse_url

P = TypeVar("P", bound=asyncio.Protocol)

Address = tuple[str, int]
"""Host and port; a path and 0 for a Unix socket."""

DEFAULT_PORT = 6379


@dataclass(frozen=True, slots=True)
class Place:
    """What all servers of one Redis have in common (login, TLS), and the address that the URL names."""

    address: Address
    login: tuple[bytes, ...] = ()
    """The arguments of AUTH; none when there is no password."""
    context: ssl.SSLContext | None = None

    @classmethod
    def of(cls, url: str) -> "Place":
        """Read a `redis://`, `rediss://` or `unix://` URL. Raises ValueError. A database number means nothing here."""
        given: dict[str, Any] = dict(parse_url(url))
        password, username = given.get("password"), given.get("username")
        login = tuple(word.encode() for word in (username, password) if word) if password else ()
        if "path" in given:
            return cls((given["path"], 0), login)
        address = (given.get("host", "localhost"), given.get("port", DEFAULT_PORT))
        if given.get("connection_class") is not SSLConnection:
            return cls(address, login)
        options = {name: value for name, value in given.items() if name.startswith("ssl_")}
        return cls(address, login, SSLConnection(**options).ssl_context.get())

    async def open(self, address: Address, protocol: Callable[[], P]) -> P:
        """Connect to one of the servers. Raises OSError."""
        loop = asyncio.get_running_loop()
        host, port = address
        if port == 0:
            _, made = await loop.create_unix_connection(protocol, host)
            return made
        _, made = await loop.create_connection(protocol, host, port, ssl=self.context)
        return made
