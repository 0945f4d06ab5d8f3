"""The fault proxy does what it is told, and nothing else: every test has an echo server behind it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.chaos.proxy import Proxy, Weather
from tests.harness.servers import until

SOON = 10.0


class Echo:
    """Sends back what it gets, and remembers how each connection ended."""

    def __init__(self) -> None:
        self.ends: list[str] = []
        self.pieces: list[int] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        end = "closed"
        try:
            while chunk := await reader.read(65_536):
                self.pieces.append(len(chunk))
                writer.write(chunk)
                await writer.drain()
        except ConnectionResetError:
            end = "reset"
        self.ends.append(end)
        writer.close()


@asynccontextmanager
async def _link() -> AsyncIterator[tuple[Proxy, Echo]]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    proxy = Proxy(server.sockets[0].getsockname()[1])
    await proxy.start()
    try:
        yield proxy, echo
    finally:
        await proxy.stop()
        server.close()
        await server.wait_closed()


async def _call(proxy: Proxy, words: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(words)
    return reader, writer, await asyncio.wait_for(reader.readexactly(len(words)), SOON)


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    clock = asyncio.get_running_loop().time
    began = clock()
    await asyncio.wait_for(work(), SOON)
    return clock() - began


async def test_in_fair_weather_everything_passes_and_the_end_is_passed_on_too() -> None:
    async with _link() as (proxy, echo):
        words = bytes(range(256)) * 2_000

        reader, writer, heard = await _call(proxy, words)
        writer.write_eof()
        rest = await asyncio.wait_for(reader.read(), SOON)
        await until(lambda: proxy.connections == 0)
        writer.close()

        assert heard == words
        assert rest == b""
        assert echo.ends == ["closed"]


async def test_a_reset_reaches_both_ends_and_the_next_connection_works() -> None:
    async with _link() as (proxy, echo):
        reader, writer, _ = await _call(proxy, b"hello")

        count = proxy.reset()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), SOON)
        await until(lambda: echo.ends == ["reset"])
        writer.close()
        _, second, heard = await _call(proxy, b"again")
        second.close()

        assert count == 1
        assert heard == b"again"


async def test_a_black_hole_passes_nothing_and_neither_end_is_told() -> None:
    async with _link() as (proxy, echo):
        reader, writer, _ = await _call(proxy, b"hello")

        proxy.swallow()
        writer.write(b"lost")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.2)
        writer.close()
        _, second, heard = await _call(proxy, b"again")
        second.close()

        assert heard == b"again"
        assert echo.pieces == [5, 5]
        assert echo.ends == []


async def test_in_the_dark_new_connections_are_accepted_and_stay_dead() -> None:
    async with _link() as (proxy, echo):
        proxy.weather = Weather(dark=True)
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        await until(lambda: proxy.connections == 1)
        proxy.clear()

        writer.write(b"lost")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.2)
        writer.close()

        assert echo.pieces == []


async def test_a_delay_makes_everything_late_and_keeps_the_order() -> None:
    async with _link() as (proxy, _):
        proxy.weather = Weather(delay=(0.1, 0.2))
        heard = b""

        async def talk() -> None:
            nonlocal heard
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            for number in range(10):
                writer.write(b"%d" % number)
                await asyncio.sleep(0.005)
            heard = await reader.readexactly(10)
            writer.close()

        seconds = await _timed(talk)

        assert heard == b"0123456789"
        assert seconds >= 0.2


async def test_a_starved_link_passes_so_many_bytes_a_second() -> None:
    async with _link() as (proxy, _):
        proxy.weather = Weather(rate=8_192)

        async def talk() -> None:
            _, writer, heard = await _call(proxy, b"x" * 4_096)
            assert heard == b"x" * 4_096
            writer.close()

        assert await _timed(talk) >= 0.4


async def test_a_split_link_passes_single_bytes_in_order() -> None:
    async with _link() as (proxy, echo):
        proxy.weather = Weather(split=True)
        words = bytes(range(256)) * 8

        _, writer, heard = await _call(proxy, words)
        writer.close()

        assert heard == words
        assert len(echo.pieces) > 1


async def test_without_a_target_a_connection_is_reset() -> None:
    server = await asyncio.start_server(lambda _, __: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    proxy = Proxy(port)
    await proxy.start()

    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(), SOON)
    writer.close()
    await proxy.stop()

    assert proxy.connections == 0
