"""A client that says and hears exactly the bytes of the protocols, so that a test can break every rule."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any

import aiohttp

PATIENCE = 5.0
SEPARATOR = "\x1e"


class Polling:
    """A session over long polling."""

    def __init__(self, http: aiohttp.ClientSession, url: str, hello: dict[str, Any]) -> None:
        self._http = http
        self.url = url
        self.hello = hello
        self.sid: str = hello["sid"]
        self._packets: list[str] = []

    @classmethod
    async def open(cls, http: aiohttp.ClientSession, url: str) -> "Polling":
        """Shake hands."""
        async with http.get(url, params={"EIO": "4", "transport": "polling"}) as answer:
            text = await answer.text()
            assert answer.status == 200, text
        first, *more = text.split(SEPARATOR)
        assert first[0] == "0", text
        one = cls(http, url, json.loads(first[1:]))
        one._packets = more
        return one

    @property
    def query(self) -> dict[str, str]:
        """The parameters of each further request."""
        return {"EIO": "4", "transport": "polling", "sid": self.sid}

    async def get(self) -> tuple[int, str]:
        """Poll once: the status and the body."""
        async with asyncio.timeout(PATIENCE), self._http.get(self.url, params=self.query) as answer:
            return answer.status, await answer.text()

    async def post(self, body: str | bytes) -> tuple[int, str]:
        """Send a payload: the status and the body of the answer."""
        async with asyncio.timeout(PATIENCE), self._http.post(self.url, params=self.query, data=body) as answer:
            return answer.status, await answer.text()

    async def send(self, *packets: str) -> None:
        """Send packets, which must be welcome."""
        assert await self.post(SEPARATOR.join(packets)) == (200, "ok")

    async def next(self) -> str:
        """The next packet, polling as often as it takes; a ping is answered."""
        while True:
            while not self._packets:
                status, body = await self.get()
                assert status == 200, body
                self._packets = body.split(SEPARATOR)
            packet = self._packets.pop(0)
            if packet == "2":
                await self.send("3")
            elif packet != "6":
                return packet


class WebSocket:
    """A WebSocket whose messages are packets."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.raw = socket
        self.hello: dict[str, Any] = {}

    @classmethod
    async def open(cls, http: aiohttp.ClientSession, url: str, sid: str | None = None) -> "WebSocket":
        """Open one: for a new session, or for one that exists (then nothing is said yet)."""
        params = {"EIO": "4", "transport": "websocket"} | ({"sid": sid} if sid else {})
        one = cls(await http.ws_connect(url, params=params, autoping=True, max_msg_size=1 << 24))
        if sid is None:
            first = await one.hear()
            assert isinstance(first, str)
            assert first[0] == "0"
            one.hello = json.loads(first[1:])
        return one

    async def send(self, *packets: str | bytes) -> None:
        """Send packets."""
        for packet in packets:
            if isinstance(packet, str):
                await self.raw.send_str(packet)
            else:
                await self.raw.send_bytes(packet)

    async def hear(self) -> str | bytes:
        """The next message, whatever it is. Raises EOFError at the end."""
        message = await self.raw.receive(PATIENCE)
        if message.type not in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
            raise EOFError(message)
        found: str | bytes = message.data
        return found

    async def next(self) -> str | bytes:
        """The next packet; a ping is answered."""
        while (packet := await self.hear()) == "2":
            await self.send("3")
        return packet

    async def text(self) -> str:
        """The next packet, which must be text."""
        packet = await self.next()
        assert isinstance(packet, str)
        return packet

    async def ends(self) -> int | None:
        """Wait for the end: the code of the close frame."""
        while True:
            try:
                await self.next()
            except EOFError:
                return self.raw.close_code

    async def close(self) -> None:
        """Hang up."""
        await self.raw.close()

    async def __aenter__(self) -> "WebSocket":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


@asynccontextmanager
async def connected(http: aiohttp.ClientSession, url: str, *namespaces: str) -> AsyncIterator[WebSocket]:
    """A WebSocket that is connected to these Socket.IO namespaces (`/`); what was said until then is read."""
    async with await WebSocket.open(http, url) as socket:
        for namespace in namespaces or ("/",):
            await socket.send("40" if namespace == "/" else f"40{namespace},")
            while not (await socket.text()).startswith("40"):
                pass
        yield socket


async def upgraded(http: aiohttp.ClientSession, session: Polling) -> WebSocket:
    """Change a session that polls over to a WebSocket."""
    socket = await WebSocket.open(http, session.url, session.sid)
    await socket.send("2probe")
    assert await socket.hear() == "3probe"
    await socket.send("5")
    return socket
