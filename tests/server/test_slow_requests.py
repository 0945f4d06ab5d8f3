"""Clients that begin a request and do not end it."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from server.hub.server import HubServer
from server.serving.requests import PunctualRunner
from tests.harness.servers import until
from tests.server.conftest import Engine
from tests.server.hub.protocol.apps import QUIET, SocketApp, serving
from tests.server.hub.rawsocket import RawSocket

MANY = 500
REQUESTS = "RequestHandler.start"
"""The coroutine of aiohttp that serves one connection."""


class Hasty(PunctualRunner):
    """A runner with little patience."""

    def __init__(self, app: web.Application, **options: object) -> None:
        super().__init__(app, header_timeout=0.3, **options)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """The address of a Socket.IO server behind a hasty runner."""
    async with serving(SocketApp(**QUIET).sio, runner=Hasty) as address:
        yield address


@pytest.mark.parametrize("said", [b"", b"G", b"GET / HTTP/1.1\r\nHost: x\r\n", b"GET / HTTP/1.1\r\nX-Endless: "])
async def test_five_hundred_who_never_end_the_head_of_a_request_are_gone_in_time(url: str, said: bytes) -> None:
    clients = [await RawSocket.open(url) for _ in range(MANY)]
    began = asyncio.get_running_loop().time()
    for client in clients:
        if said:
            await client.send(said)

    said_to_them = await asyncio.gather(*(client.rest() for client in clients))

    assert set(said_to_them) == {b""}
    assert asyncio.get_running_loop().time() - began < 4
    for client in clients:
        client.close()


async def test_a_head_that_trickles_is_cut_off_however_much_comes(url: str) -> None:
    async with await RawSocket.open(url) as client:
        ending = asyncio.create_task(client.rest())
        await client.send(b"GET / HTTP/1.1\r\n")
        count = 0
        while not ending.done() and count < 400:
            count += 1
            try:
                await client.send(b"X-Header: more\r\n")
            except OSError:
                break
            await asyncio.wait({ending}, timeout=0.02)

        assert await ending == b""
        assert count < 100


async def test_the_next_request_of_a_connection_must_be_complete_in_time_too(url: str) -> None:
    async with await RawSocket.open(url) as client:
        await client.send(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.until(b"\r\n")).startswith(b"HTTP/1.1 404")
        await client.until(b"404: Not Found")

        await client.send(b"GET /nowh")

        assert await client.rest() == b""


async def test_who_polls_or_has_a_websocket_is_not_cut_off(url: str) -> None:
    async with await RawSocket.websocket(url) as socket, await RawSocket.open(url) as silent:
        await socket.say("40")
        assert await silent.rest() == b""

        await socket.say('421["echo","still here"]')
        while (packet := await socket.text()) != '431["still here"]':
            assert packet[:2] in {"40", "42"}


async def test_a_request_with_a_head_that_is_too_large_is_answered_as_every_other_error(url: str) -> None:
    async with await RawSocket.open(url) as client:
        await client.send(b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 10_000 + b"\r\n\r\n")

        head = await client.until(b"\r\n\r\n")
        body = json.loads(await client.rest())

    assert head.startswith(b"HTTP/1.0 400 ")
    assert b"Content-Type: application/problem+json" in head
    assert (body["status"], body["code"]) == (400, "bad_request")


async def test_a_body_that_does_not_come_is_answered_with_408(engine: Engine) -> None:
    server = await engine(header_timeout=0.2)
    async with await RawSocket.open(server.url) as client:
        await client.send(
            b"POST /api/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer user:ada\r\n"
            b'Content-Length: 100\r\n\r\n{"text":'
        )

        head = await client.until(b"\r\n\r\n")
        body = json.loads((await client.until(b"}")).decode())
        assert await client.rest() == b""

    assert head.startswith(b"HTTP/1.1 408 ")
    assert (body["status"], body["code"]) == (408, "too_slow")


async def test_a_body_whose_client_leaves_is_nobodys_fault(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    server = await engine()
    client = await RawSocket.open(server.url)
    await client.send(
        b"POST /api/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer user:ada\r\n"
        b'Content-Length: 100\r\n\r\n{"text":'
    )
    await until(lambda: REQUESTS in _tasks())

    client.reset()

    await until(lambda: REQUESTS not in _tasks())
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def _tasks() -> set[str]:
    """Names of the coroutines that run."""
    return {getattr(one.get_coro(), "__qualname__", "") for one in asyncio.all_tasks()}


def test_the_socket_server_takes_no_longer_for_a_body() -> None:
    assert HubServer(**QUIET).eio.bounds.body_seconds == 10.0
