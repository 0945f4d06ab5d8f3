"""A lean Socket.IO 5 client over WebSocket: the line of a courier, cheap enough that one process runs hundreds.

The stock Python client spends several tasks and timers on each connection; this one needs two tasks and speaks what is
needed and no more: text packets of the main namespace, pings, acknowledgements.
"""

import asyncio
import contextlib
import random
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiohttp
import orjson

from tests.chaos.courier import Answered, Courier

HANDSHAKE_SECONDS = 10.0
ANSWER_SECONDS = 15.0
"""A client that waits longer for an answer takes its connection for dead."""
LEAST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
"""Bounds of the random pause between two attempts to connect, in seconds."""
MAX_OUTGOING = 5_000
"""Packets that wait to be written to one connection; the load is bounded far below."""


class Refused(Exception):
    """The server does not let the client in, and says why."""

    def __init__(self, data: Any) -> None:
        details = data.get("data") if isinstance(data, dict) else None
        self.code = str(details.get("code")) if isinstance(details, dict) else "(no code)"
        self.retry_after_ms = details.get("retryAfterMs") if isinstance(details, dict) else None
        super().__init__(self.code)


class Line:
    """One connection, from its handshake to its end."""

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        hear: Callable[[str, Any], None],
        odd: Callable[[str], None],
    ) -> None:
        self._socket = socket
        self._hear = hear
        self._odd = odd
        self._outgoing: asyncio.Queue[str] = asyncio.Queue(MAX_OUTGOING)
        self._answers: dict[int, tuple[float, Answered]] = {}
        self._last_id = 0
        self.pings = 0

    def emit(self, event: str, payload: dict[str, Any], answered: Answered) -> None:
        """Send an event."""
        self._last_id += 1
        self._answers[self._last_id] = (time.monotonic(), answered)
        self._outgoing.put_nowait(f"42{self._last_id}{orjson.dumps([event, payload]).decode()}")

    def overdue(self, now: float) -> bool:
        """Whether the oldest answer that is awaited should have been here long ago."""
        for sent, _ in self._answers.values():
            return now - sent > ANSWER_SECONDS
        return False

    def cut(self) -> None:
        """End it at once, without a word, as a network does."""
        transport = self._socket.get_extra_info("socket")
        if transport is not None:
            try:
                transport.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it has ended already, which is all that was wanted

    async def open(self, auth: dict[str, Any]) -> None:
        """Shake hands. Raises Refused, ConnectionError or TimeoutError."""
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            await self._expect("0")
            await self._socket.send_str(f"40{orjson.dumps(auth).decode()}")
            while True:
                packet = await self._text()
                if packet.startswith("44"):
                    raise Refused(orjson.loads(packet[2:] or "null"))
                if packet.startswith("40"):
                    return
                await self._pong(packet)

    async def run(self) -> None:
        """Read and write until the connection ends."""
        writer = asyncio.create_task(self._write())
        try:
            while True:
                packet = await self._text()
                if not await self._pong(packet):
                    self._take(packet)
        except ConnectionError:
            return
        finally:
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
            await self._socket.close()

    async def _write(self) -> None:
        try:
            while True:
                await self._socket.send_str(await self._outgoing.get())
        except ConnectionError:
            return  # the reader sees the same end and reports it

    async def _expect(self, start: str) -> None:
        packet = await self._text()
        if not packet.startswith(start):
            raise ConnectionError(f"expected a packet {start}, got {packet[:100]!r}")

    async def _text(self) -> str:
        message = await self._socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionResetError(f"the connection ended ({message.type.name})")
        text: str = message.data
        if text == "1" or text.startswith("41"):
            raise ConnectionResetError("the server closed the connection")
        return text

    async def _pong(self, packet: str) -> bool:
        if packet != "2":
            return False
        self.pings += 1
        await self._socket.send_str("3")
        return True

    def _take(self, packet: str) -> None:
        if packet.startswith("42"):
            event, *payload = orjson.loads(packet[packet.index("[") :])
            self._hear(event, payload[0] if payload else None)
        elif packet.startswith("43"):
            start = packet.index("[")
            asked = self._answers.pop(int(packet[2:start]), None)
            if asked is None:
                self._odd(f"an answer to packet {packet[2:start]}, which was answered before or never sent")
            else:
                asked[1](*orjson.loads(packet[start:]))


class Client:
    """A courier with connections: to any of the nodes, again and again until it is stopped."""

    def __init__(
        self,
        courier: Courier,
        *,
        token: Callable[[], Awaitable[str]],
        nodes: Sequence[str],
        http: aiohttp.ClientSession,
        chance: random.Random,
    ) -> None:
        self.courier = courier
        self._token = token
        self._nodes = nodes
        self._http = http
        self._chance = chance
        self._line: Line | None = None
        self._ready = False
        self.sessions = 0
        self._stopping = False
        self.refusals: dict[str, int] = {}

    async def run(self) -> None:
        """Stay connected until `stop`."""
        pause = LEAST_PAUSE
        while not self._stopping:
            try:
                await self._session()
                pause = LEAST_PAUSE
            except Refused as refusal:
                self.refusals[refusal.code] = self.refusals.get(refusal.code, 0) + 1
                pause = (refusal.retry_after_ms or 1000) / 1000
            except (aiohttp.ClientError, OSError, TimeoutError):
                pause = min(pause * 2, LONGEST_PAUSE)
            if not self._stopping:
                await asyncio.sleep(self._chance.uniform(0, pause))

    def stop(self) -> None:
        """Hang up for good."""
        self._stopping = True
        self.cut()

    def cut(self) -> None:
        """Lose the connection."""
        if self._line is not None:
            self._line.cut()

    @property
    def pings(self) -> int:
        """How many pings it has answered in this session."""
        return self._line.pings if self._line is not None else 0

    def check(self) -> None:
        """Give up a connection that does not answer."""
        if self._line is not None and self._line.overdue(time.monotonic()):
            self._line.cut()

    async def _session(self) -> None:
        node = self._chance.choice(self._nodes)
        auth = {"token": await self._token(), "deviceId": self.courier.name}
        url = f"{node}/socket.io/?EIO=4&transport=websocket"
        async with self._http.ws_connect(url, max_msg_size=0, timeout=aiohttp.ClientWSTimeout(ws_close=0.5)) as socket:
            line = Line(socket, lambda event, payload: self._heard(node, line, event, payload), self.courier.odd)
            self._line = line
            self._ready = False
            try:
                await line.open(auth)
                await line.run()
            finally:
                self._line = None
                self.courier.down("the connection ended")

    def _heard(self, node: str, line: Line, event: str, payload: Any) -> None:
        if self._ready:
            self.courier.hear(event, payload)
        elif event != "session:ready":
            self.courier.odd(f"{event} came before session:ready")
        elif payload.get("userId") != self.courier.user:
            self.courier.odd(f"session:ready names {payload.get('userId')}")
        else:
            self._ready = True
            self.sessions += 1
            self.courier.up(line, node)
