"""A TCP proxy in one link of a cluster, which does to it what networks do: cut, swallow, delay, starve, split."""

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

HOST = "127.0.0.1"
CHUNK = 65_536
WAITING = 64
"""Chunks of one direction that wait in the proxy; beyond it the sender is not read, as with any full pipe."""
STEP_SECONDS = 0.05
"""How often a starved connection gets its share."""
TURN = 32
"""Single bytes that are sent before others have their turn."""
RST = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: closing sends a reset."""


@dataclass(slots=True)
class Weather:
    """How a link behaves; the values it begins with change nothing."""

    delay: tuple[float, float] = (0.0, 0.0)
    """Seconds that every chunk is late, at least and at most."""
    rate: int = 0
    """Bytes a second in each direction of each connection; 0 for as fast as it goes."""
    split: bool = False
    """Whether every byte travels alone."""
    dark: bool = False
    """Whether new connections are accepted and then pass nothing, for ever."""


class Proxy:
    """Listens on a port of its own and carries each connection to the target."""

    def __init__(
        self, port: int, *, host: str = HOST, chance: Callable[[float, float], float] = random.uniform
    ) -> None:
        self._target = (host, port)
        self._chance = chance
        self._server: asyncio.Server | None = None
        self._pairs: set[_Pair] = set()
        self.weather = Weather()

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def connections(self) -> int:
        """Connections that it carries, swallowed ones included."""
        return len(self._pairs)

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, HOST, 0, limit=CHUNK, backlog=1024)

    async def stop(self) -> None:
        """Reset everything and listen no more."""
        if self._server is not None:
            self._server.close()
        self.reset()
        await asyncio.gather(*(pair.gone.wait() for pair in self._pairs))
        if self._server is not None:
            await self._server.wait_closed()

    def clear(self) -> None:
        """Fair weather again; what was swallowed stays so."""
        self.weather = Weather()

    def reset(self) -> int:
        """Reset every connection in both directions; how many."""
        pairs = list(self._pairs)
        for pair in pairs:
            pair.reset()
        return len(pairs)

    def swallow(self) -> int:
        """Pass nothing more on the connections there are and let neither side know; how many.

        They stay half open until an end closes its side, and the other end is not told even then.
        """
        for pair in self._pairs:
            pair.swallowed = True
        return len(self._pairs)

    def late(self) -> float:
        """By how many seconds the next chunk is late."""
        low, high = self.weather.delay
        return self._chance(low, high) if high else 0.0

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pair = _Pair(self, reader, writer)
        pair.swallowed = self.weather.dark
        self._pairs.add(pair)
        try:
            await pair.carry(*self._target)
        except asyncio.CancelledError:
            pass  # by `reset`, which is the one that may
        finally:
            self._pairs.discard(pair)
            pair.gone.set()


class _Pair:
    """One connection: the side that came to us, and ours to the target."""

    def __init__(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._reader = reader
        self._writers = [writer]
        self._task = asyncio.current_task()
        self.gone = asyncio.Event()
        self.swallowed = False

    def reset(self) -> None:
        """End both sides with a reset."""
        for writer in self._writers:
            _reset(writer)
        if self._task is not None:
            self._task.cancel()

    async def carry(self, host: str, port: int) -> None:
        """Carry both directions until both have ended."""
        try:
            far, writer = await asyncio.open_connection(host, port, limit=CHUNK)
        except OSError:
            self.reset()
            return
        near = self._writers[0]
        self._writers.append(writer)
        directions = [_Direction(self, self._reader, writer), _Direction(self, far, near)]
        await asyncio.gather(*(one.carry(self._proxy) for one in directions))
        for one in self._writers:
            one.close()


class _Direction:
    """One direction of a connection: a reader and a writer with a bounded queue between them."""

    def __init__(self, pair: _Pair, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._pair = pair
        self._reader = reader
        self._writer = writer
        self._chunks: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(WAITING)

    async def carry(self, proxy: Proxy) -> None:
        """Carry until the sender has ended, then tell the receiver, unless this is swallowed."""
        writing = asyncio.create_task(self._write(proxy))
        try:
            await self._read(proxy)
            await writing
        except OSError:
            if self._pair.swallowed:
                await asyncio.Event().wait()  # the other side must not learn of it: until `reset`
            self._pair.reset()
        finally:
            writing.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await writing

    async def _read(self, proxy: Proxy) -> None:
        clock = asyncio.get_running_loop().time
        while chunk := await self._reader.read(CHUNK):
            if not self._pair.swallowed:
                await self._chunks.put((clock() + proxy.late(), chunk))
        await self._chunks.put((clock(), b""))

    async def _write(self, proxy: Proxy) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due, chunk = await self._chunks.get()
            if due > clock():
                await asyncio.sleep(due - clock())
            if self._pair.swallowed:
                continue
            if not chunk:
                break
            await self._pass(chunk, proxy)
        if self._writer.can_write_eof():
            self._writer.write_eof()

    async def _pass(self, chunk: bytes, proxy: Proxy) -> None:
        """Hand a chunk on as the weather has it, which may change on the way."""
        place = 0
        while place < len(chunk) and not self._pair.swallowed:
            weather = proxy.weather
            if weather.split:
                size, pause = 1, place % TURN == 0
            elif weather.rate:
                size, pause = max(1, round(weather.rate * STEP_SECONDS)), True
            else:
                size, pause = len(chunk), False
            self._writer.write(chunk[place : place + size])
            place += size
            await self._writer.drain()
            if pause:
                await asyncio.sleep(0 if weather.split else STEP_SECONDS)


def _reset(writer: asyncio.StreamWriter) -> None:
    one: socket.socket | None = writer.get_extra_info("socket")
    if one is not None and one.fileno() >= 0:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
    writer.transport.abort()
