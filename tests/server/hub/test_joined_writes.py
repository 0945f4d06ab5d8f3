"""When frames are written: those of one turn at once, and more of them together on a server that has much to write."""

import asyncio

import pytest

from server.hub import engine as engine_module
from server.hub.engine import MANY, HubEngine
from server.hub.session import Flow, HubSocket


class Wire:
    """Keeps each write."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.waiting = 0

    def write(self, data: bytes) -> None:
        self.writes.append(data)


def session(engine: HubEngine) -> tuple[HubSocket, Wire]:
    """A session with an open WebSocket."""
    socket, wire = HubSocket(engine, "sid"), Wire()
    socket._wire, socket.flow = wire, Flow.OPEN  # type: ignore[assignment]
    return socket, wire


async def turn() -> None:
    """Let the event loop do what is to be done now."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_the_frames_of_one_turn_are_one_write() -> None:
    socket, wire = session(HubEngine(async_mode="aiohttp"))

    socket.write(b"a")
    socket.tell(b"b")
    await turn()
    socket.write(b"c")
    await turn()

    assert wire.writes == [b"ab", b"c"]


async def test_after_writing_to_many_frames_wait_for_each_other_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "REST_SECONDS", 0.2)
    engine = HubEngine(async_mode="aiohttp")
    crowd = [session(engine) for _ in range(MANY)]

    for socket, _ in crowd:
        socket.tell(b"a")
    await turn()
    for letter in (b"b", b"c"):
        for socket, _ in crowd:
            socket.tell(letter)
        await turn()
    assert {tuple(wire.writes) for _, wire in crowd} == {(b"a",)}
    while len(crowd[0][1].writes) == 1:
        await turn()

    assert {tuple(wire.writes) for _, wire in crowd} == {(b"a", b"bc")}


async def test_after_writing_to_few_nothing_waits() -> None:
    engine = HubEngine(async_mode="aiohttp")
    few = [session(engine) for _ in range(MANY - 1)]

    for letter in (b"a", b"b"):
        for socket, _ in few:
            socket.tell(letter)
        await turn()

    assert {tuple(wire.writes) for _, wire in few} == {(b"a", b"b")}
