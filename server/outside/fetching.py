"""Fetches, within the rules. aiohttp does the talking; where it may connect to is decided here, at each connection."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.http import HttpProcessingError
from yarl import URL

from server.outside.rules import Answer, NotPermitted, NotReached, Rules
from server.outside.urls import check_address, check_host, parsed

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""`await lookup(host, port)`: the addresses behind a name. Raises OSError."""

MAX_HEADERS = 64
MAX_HEADER = 8190
"""Characters of one line of a head."""
PIECE = 16 * 1024
NAMES_AT_ONCE = 4
REDIRECTS = frozenset({301, 302, 303, 307, 308})

_TROUBLE = (aiohttp.ClientError, HttpProcessingError, OSError, TimeoutError, ValueError)


class Outside:
    """One way out, with its own connections. It opens nothing before the first fetch."""

    def __init__(self, rules: Rules, *, agent: str, lookup: Lookup | None = None) -> None:
        """`agent` tells the other side who asks; `lookup` is the system's unless it is given."""
        self._rules = rules
        self._agent = agent
        self._system = _SystemLookup()
        self._lookup: Lookup = lookup or self._system
        self._session: aiohttp.ClientSession | None = None

    async def get(self, url: str, *, accept: str = "*/*", body_bytes: int | None = None) -> Answer:
        """What is at an address, after up to `rules.redirects` redirects; a body beyond the bound is cut.

        Raises NotPermitted and NotReached.
        """
        most = self._rules.body_bytes if body_bytes is None else body_bytes
        try:
            async with asyncio.timeout(self._rules.seconds):
                return await self._follow(parsed(url, self._rules), {"Accept": accept}, most)
        except _TROUBLE as error:
            raise NotReached(f"{type(error).__name__}: {error}") from error

    async def post(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> Answer:
        """Hand bytes over; a redirect is the answer and is not followed. Raises NotPermitted and NotReached."""
        try:
            async with asyncio.timeout(self._rules.seconds):
                at = parsed(url, self._rules)
                return await self._once("POST", at, headers, self._rules.body_bytes, data=body)
        except _TROUBLE as error:
            raise NotReached(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
        self._system.close()

    async def _follow(self, url: URL, headers: Mapping[str, str], most: int) -> Answer:
        for _ in range(self._rules.redirects + 1):
            answer = await self._once("GET", url, headers, most)
            target = answer.headers.get("location")
            if answer.status not in REDIRECTS or target is None:
                return answer
            before, url = url, parsed(target, self._rules, beside=url)
            if before.scheme == "https" and url.scheme != "https":
                raise NotPermitted("a redirect leads from https to http")
        raise NotReached("it redirects without end")

    async def _once(self, method: str, url: URL, headers: Mapping[str, str], most: int, **more: Any) -> Answer:
        asking = {"User-Agent": self._agent, "Accept-Encoding": "identity", **headers}
        async with self._open().request(method, url, headers=asking, allow_redirects=False, **more) as response:
            found = {name.lower(): value for name, value in response.headers.items()}
            if found.get("content-encoding", "identity").lower() != "identity":
                raise NotReached("the answer is packed, which was not asked for")
            body = bytearray()
            if response.status not in REDIRECTS:
                async for piece in response.content.iter_chunked(PIECE):
                    body += piece
                    if len(body) > most:
                        break
            response.close()
            return Answer(str(url), response.status, found, bytes(body[:most]), is_whole=len(body) <= most)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=_Resolver(self._lookup, self._rules),
                socket_factory=self._socket,
                use_dns_cache=False,
                force_close=True,
                happy_eyeballs_delay=None,  # a race of connections hides why one of them was refused
                limit=self._rules.at_once,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=self._rules.seconds, sock_connect=self._rules.seconds / 3),
                max_line_size=MAX_HEADER,
                max_field_size=MAX_HEADER,
                max_headers=MAX_HEADERS,
            )
        return self._session

    def _socket(self, info: tuple[Any, ...]) -> socket.socket:
        """A socket for the address that is about to be connected to: whatever was looked up, this is where it goes."""
        family, kind, protocol, _, address = info
        check_address(str(address[0]), self._rules)
        return socket.socket(family, kind, protocol)


class _Resolver(AbstractResolver):
    """Looks names up for aiohttp. A name with any address that is not permitted is not permitted as a whole."""

    def __init__(self, lookup: Lookup, rules: Rules) -> None:
        self._lookup = lookup
        self._rules = rules

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - aiohttp's signature
    ) -> list[ResolveResult]:
        """The addresses behind a name, of whichever family (aiohttp is never told to want one)."""
        check_host(host, self._rules)
        found = []
        for address in await self._lookup(host, port):
            check_address(address, self._rules)
            kind = socket.AF_INET6 if ":" in address else socket.AF_INET
            found.append(ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0))
        if not found:
            raise OSError(f"{host} has no address")
        return found

    async def close(self) -> None:
        """There is nothing to close."""


class _SystemLookup:
    """The system's own way, in threads of its own: a name that takes long keeps nobody else from the common ones."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(NAMES_AT_ONCE, thread_name_prefix="names")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        )
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    def close(self) -> None:
        """Wait for nobody."""
        self._threads.shutdown(wait=False, cancel_futures=True)
