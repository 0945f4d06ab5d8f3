"""Several processes on the same MongoDB and Redis are one server to the people."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest

from server.hub.frames import Frame
from storage.redis import Redis
from tests.harness.people import Person
from tests.harness.servers import Server, until
from tests.server.conftest import Engine, notes_of
from tests.server.notes import Position

At = Callable[[str, Server], Awaitable[Person]]


@pytest.fixture
async def at() -> AsyncIterator[At]:
    """`await at("ada", server)`: somebody at a server."""
    made: list[Person] = []
    async with aiohttp.ClientSession() as session:

        async def start(name: str, server: Server) -> Person:
            person = Person(server, session, name, {"user": {"id": name}, "tokens": {"accessToken": f"user:{name}"}})
            made.append(person)
            return person

        yield start
        for one in made:
            await one.close()


async def test_an_event_reaches_every_device_of_its_audience_on_every_process_and_nobody_else(
    engine: Engine, at: At
) -> None:
    one, two = await engine(), await engine()
    ada, bob, eve = await at("ada", one), await at("bob", two), await at("eve", two)
    phone, desk, other = await bob.socket("phone"), await bob.socket("desk"), await eve.socket()
    mine = await ada.socket()

    note = await mine.ask("note:write", {"text": "hello", "to": ["bob"]})

    for socket in (phone, desk, mine):
        await until(lambda socket=socket: len(socket.events("note:new")) == 2)
        assert socket.events("note:new")[1] == note
    await other.settle()
    assert len(other.events("note:new")) == 1


async def test_entries_that_two_processes_tell_at_once_arrive_once_and_in_order_everywhere(
    engine: Engine, at: At
) -> None:
    one, two = await engine(), await engine()
    ada, bob = await at("ada", one), await at("bob", two)
    sockets = [await ada.socket(), await bob.socket()]
    await notes_of(one).step(_step(1, "ada", "bob"))
    await asyncio.gather(*(socket.next("note:step") for socket in sockets))

    committed = {
        ("t", seq): Frame.of("note:step", {"thread": "t", "seq": seq}, ["ada", "bob"], "t", seq) for seq in range(1, 62)
    }
    notes_of(one).log = notes_of(two).log = committed
    tellers = (notes_of(one), notes_of(two))
    await asyncio.gather(*(tellers[seq % 2].step(_step(seq, "ada", "bob")) for seq in reversed(range(2, 62))))

    for socket in sockets:
        await until(lambda socket=socket: len(socket.events("note:step")) >= 61)
        assert [step["seq"] for step in socket.events("note:step")] == list(range(1, 62))


async def test_what_redis_loses_is_read_from_the_log(engine: Engine, at: At) -> None:
    one, two = await engine(), await engine()
    bob = await (await at("bob", two)).socket()
    await notes_of(one).step(_step(1, "bob"))
    await bob.next("note:step")

    lost = Frame.of("note:step", {"thread": "t", "seq": 2}, ["bob"], "t", 2)
    notes_of(two).log["t", 2] = lost
    await notes_of(one).step(_step(3, "bob"))

    assert [(await bob.next("note:step"))["seq"] for _ in range(2)] == [2, 3]


async def test_cutting_a_session_ends_its_connections_on_every_process_and_says_why(engine: Engine, at: At) -> None:
    one, two = await engine(), await engine()
    ada, bob = await at("ada", two), await at("bob", two)
    theirs, other = await ada.socket(), await bob.socket()

    await one.app.hub.cut(by="session", who="session-ada", code="session_revoked")

    assert await theirs.next("session:closed") == {"code": "session_revoked"}
    await asyncio.wait_for(theirs.closed.wait(), 2)
    assert (await other.call("note:count", {}))["ok"]
    await until(lambda: notes_of(two).seen.count(("out", "ada")) == 1)


async def test_after_an_interruption_of_the_backplane_every_client_is_told_to_sync(
    engine: Engine, at: At, redis: Redis
) -> None:
    one = await engine()
    ada = await (await at("ada", one)).socket()

    await redis.client_kill_filter(_type="pubsub")

    assert await ada.next("sync:behind") == {"conversationIds": []}
    await until(lambda: one.app.hub.listening)


async def test_a_stopping_server_tells_its_clients_and_ends_their_transports(engine: Engine, at: At) -> None:
    one = await engine(drain_seconds=0.2)
    ada = await at("ada", one)
    socket = await ada.socket()

    await one.app.drain()

    told = await socket.next("server:drain")
    assert 0 <= told["reconnectInMs"] <= 200
    await asyncio.wait_for(socket.closed.wait(), 5)
    status, body = await ada.http("GET", "/readyz")
    assert (status, body["faults"]["server"]) == (503, "is stopping")


def _step(seq: int, *to: str) -> Position:
    return Position(thread="t", seq=seq, to=list(to))
