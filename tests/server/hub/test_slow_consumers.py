"""Clients that do not read: what they are spared, when they are cut off, and that nobody else notices."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from prometheus_client import REGISTRY

from server.hub.bounds import Bounds
from server.hub.framing import event_frame
from server.hub.server import HubServer
from server.hub.session import Flow, HubSocket
from tests.harness.servers import until
from tests.server.conftest import Engine
from tests.server.hub.protocol.apps import QUIET, serving
from tests.server.hub.protocol.client import Polling
from tests.server.hub.rawsocket import RawSocket

KIB = 1024
SMALL = 4 * KIB
BODY = "x" * 8 * KIB


class Server(HubServer):
    """Tells a client that has missed something to sync, as the socket door does."""

    url = ""

    def caught_up(self, socket: HubSocket) -> None:
        socket.missed = False
        socket.tell(event_frame("sync:behind", {}))

    async def joined(self, *, receive_buffer: int = SMALL) -> tuple[RawSocket, HubSocket]:
        """A client that is connected and has read all so far, and its session."""
        client = await RawSocket.websocket(self.url, receive_buffer=receive_buffer)
        await client.say("40")
        assert (await client.text()).startswith("40{")
        return client, self.eio.sockets[client.hello["sid"]]


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as one:
        yield one


async def started(stack: AsyncExitStack, bounds: Bounds) -> Server:
    """A server with these bounds and small send buffers."""
    server = Server(bounds=bounds, **QUIET)
    server.on("connect", lambda sid, environ, auth: None)
    server.url = await stack.enter_async_context(serving(server, send_buffer=SMALL))
    return server


def event(number: int, body: str = BODY) -> bytes:
    return event_frame("one", {"n": number, "body": body})


async def tell_until(session: HubSocket, flow: Flow) -> int:
    """Tell durable events until the session's flow is this; how many were taken."""
    for number in range(10_000):
        if session.flow is flow:
            return number
        assert session.tell(event(number))
        await asyncio.sleep(0)  # the turn ends, and with it what was told is written
        await asyncio.sleep(0)
    raise AssertionError(f"it never was {flow.name}")


async def numbers(client: RawSocket, last: str) -> list[int | str]:
    """Everything up to the event of this name: numbers of `one`, names of others."""
    found: list[int | str] = []
    while True:
        packet = await client.text()
        if packet.startswith('42["one"'):
            found.append(int(packet.split(":")[1].split(",")[0]))
        else:
            found.append(packet.split('"')[1])
        if found[-1] == last:
            return found


def cut() -> float:
    return REGISTRY.get_sample_value("mixee_slow_consumer_total", {"action": "cut"}) or 0.0


PATIENT = Bounds(lag_seconds=60, stuck_seconds=60)


async def test_who_lags_gets_what_is_durable_and_is_spared_what_is_passing(stack: AsyncExitStack) -> None:
    server = await started(stack, PATIENT)
    client, session = await server.joined()
    told = await tell_until(session, Flow.LAGGING)

    assert not session.tell(event_frame("typing", {}), passing=True)
    assert session.tell(event(told))
    assert not session.tell(event_frame("typing", {}), passing=True)
    reading = asyncio.create_task(numbers(client, "sync:behind"))

    assert await reading == [*range(told + 1), "sync:behind"]
    assert session.flow is Flow.OPEN
    assert session.tell(event_frame("typing", {}), passing=True)
    assert await numbers(client, "typing") == ["typing"]
    client.close()


async def test_who_only_lagged_and_missed_nothing_is_not_told_to_sync(stack: AsyncExitStack) -> None:
    server = await started(stack, PATIENT)
    client, session = await server.joined()
    told = await tell_until(session, Flow.LAGGING)

    reading = asyncio.create_task(numbers(client, "end"))
    await until(lambda: session.flow is Flow.OPEN)
    session.tell(event_frame("end", {}))

    assert await reading == [*range(told), "end"]
    client.close()


async def test_who_is_behind_by_bytes_gets_nothing_more_and_is_told_to_sync_when_he_reads(
    stack: AsyncExitStack,
) -> None:
    server = await started(stack, Bounds(behind_bytes=256 * KIB, lag_seconds=60, stuck_seconds=60))
    client, session = await server.joined()
    told = await tell_until(session, Flow.BEHIND)
    waiting = session.waiting

    assert [session.tell(event(number)) for number in range(told, told + 1000)] == [False] * 1000
    assert session.waiting == waiting < 256 * KIB + 2 * len(event(0))
    assert session.missed

    assert await numbers(client, "sync:behind") == [*range(told), "sync:behind"]
    await until(lambda: not session.missed)
    assert session.tell(event(7))
    session.tell(event_frame("end", {}))
    assert await numbers(client, "end") == [7, "end"]
    client.close()


async def test_who_lags_too_long_is_behind_however_little_waits(stack: AsyncExitStack) -> None:
    server = await started(stack, Bounds(lag_seconds=0.1, stuck_seconds=60, weigh_seconds=0.05))
    client, session = await server.joined()
    told = await tell_until(session, Flow.LAGGING)

    await until(lambda: session.flow is Flow.BEHIND)

    assert not session.tell(event(told))
    assert await numbers(client, "sync:behind") == [*range(told), "sync:behind"]
    client.close()


async def test_answers_and_pings_still_reach_who_is_behind(stack: AsyncExitStack) -> None:
    server = await started(stack, Bounds(behind_bytes=128 * KIB, lag_seconds=60, stuck_seconds=60))
    server.on("echo", lambda sid, data: data)
    client, session = await server.joined()
    told = await tell_until(session, Flow.BEHIND)

    await client.say('421["echo",1]')
    await until(lambda: not server._lines)

    found = [packet async for packet in _packets(client, told + 1)]
    assert found[-1] == "431[1]"
    client.close()


async def test_who_takes_nothing_while_too_much_waits_is_cut_off(
    stack: AsyncExitStack,
) -> None:
    server = await started(stack, Bounds(behind_bytes=64 * KIB, dead_bytes=256 * KIB, lag_seconds=60))
    client, session = await server.joined()
    before = cut()
    await tell_until(session, Flow.BEHIND)

    for number in range(100):  # answers must not be dropped
        session.write(event(number))
        await asyncio.sleep(0)

    assert session.closed
    assert cut() == before + 1
    assert server.eio.sockets == {}
    await asyncio.wait_for(client.rest(), 5)
    client.close()


async def test_who_makes_no_progress_is_cut_off_and_who_reads_slowly_is_not(stack: AsyncExitStack) -> None:
    server = await started(stack, Bounds(behind_bytes=256 * KIB, stuck_seconds=0.4, weigh_seconds=0.05))
    stuck, session = await server.joined()
    slow, other = await server.joined()
    await tell_until(session, Flow.BEHIND)
    told = await tell_until(other, Flow.BEHIND)

    found = []
    async for packet in _packets(slow, told):
        found.append(packet)
        await asyncio.sleep(0.02)  # the pace of a slow client: all of it takes longer than a stuck one has
    await until(lambda: session.closed)

    assert len(found) == told
    assert not other.closed
    stuck.close()
    slow.close()


async def test_when_too_much_waits_for_all_together_those_furthest_behind_go_first(stack: AsyncExitStack) -> None:
    budget = 512 * KIB
    server = await started(
        stack, Bounds(behind_bytes=10_000 * KIB, lag_seconds=60, stuck_seconds=60, lag_budget=budget, weigh_seconds=0.2)
    )
    clients, sessions = zip(*[await server.joined() for _ in range(3)], strict=True)

    for session, size in zip(sessions, (100, 200, 400), strict=True):
        while session.waiting < size * KIB:
            session.tell(event(0))
            await asyncio.sleep(0)
    await until(lambda: any(session.closed for session in sessions))

    assert [session.closed for session in sessions] == [False, False, True]
    for client in clients:
        client.close()


async def test_neighbours_of_those_who_do_not_read_get_everything_in_order(stack: AsyncExitStack) -> None:
    server = await started(stack, Bounds(behind_bytes=256 * KIB, stuck_seconds=60))
    stalled = [await server.joined() for _ in range(5)]
    healthy = [await server.joined(receive_buffer=256 * KIB) for _ in range(5)]
    reading = [asyncio.create_task(numbers(client, "end")) for client, _ in healthy]

    for number in range(200):
        frame = event(number)
        for _, session in [*stalled, *healthy]:
            session.tell(frame)
        await asyncio.sleep(0)
        await until(lambda: all(session.waiting < 64 * KIB for _, session in healthy))
    for _, session in healthy:
        session.tell(event_frame("end", {}))

    assert await asyncio.gather(*reading) == [[*range(200), "end"]] * 5
    assert {session.flow for _, session in stalled} == {Flow.BEHIND}
    for client, _ in [*stalled, *healthy]:
        client.close()


async def test_what_those_who_do_not_read_cost_is_bounded(stack: AsyncExitStack) -> None:
    bounds = Bounds(behind_bytes=64 * KIB, stuck_seconds=60)
    server = await started(stack, bounds)
    stalled = [await server.joined() for _ in range(10)]
    tracemalloc.start()

    for number in range(2000):  # 16 MiB for each
        frame = event(number)
        for _, session in stalled:
            session.tell(frame)
        await asyncio.sleep(0)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert all(session.waiting < bounds.behind_bytes + 64 * KIB + 2 * len(event(0)) for _, session in stalled)
    assert kept < 10 * 4 * bounds.behind_bytes
    for client, _ in stalled:
        client.close()


async def test_who_polls_too_seldom_is_spared_the_passing_first_and_told_to_sync(stack: AsyncExitStack) -> None:
    server = await started(stack, Bounds(waiting=16))
    http = await stack.enter_async_context(aiohttp.ClientSession())
    polling = await Polling.open(http, server.url)
    await polling.send("40")
    assert (await polling.next()).startswith("40{")
    session = server.eio.sockets[polling.sid]

    passing = [session.tell(event_frame("typing", {}), passing=True) for _ in range(6)]
    durable = [session.tell(event(number, "")) for number in range(16)]

    assert passing == [True] * 4 + [False] * 2
    assert durable == [True] * 12 + [False] * 4
    heard = [await polling.next() for _ in range(17)]
    assert heard[:4] == ['42["typing",{}]'] * 4
    assert heard[4:16] == [f'42["one",{{"n":{number},"body":""}}]' for number in range(12)]
    assert heard[16] == '42["sync:behind",{}]'
    assert session.tell(event(99, ""))
    assert await polling.next() == '42["one",{"n":99,"body":""}]'


async def test_nothing_follows_a_gap_before_who_polls_is_told_of_it(stack: AsyncExitStack) -> None:
    server = await started(stack, Bounds(waiting=20))
    http = await stack.enter_async_context(aiohttp.ClientSession())
    polling = await Polling.open(http, server.url)
    session = server.eio.sockets[polling.sid]
    taken = [session.tell(event(number, "")) for number in range(21)]

    await polling.get()

    assert taken == [True] * 20 + [False]
    assert not session.tell(event(21, ""))
    await polling.get()
    assert session.tell(event(22, ""))


async def test_who_polls_too_seldom_for_what_must_not_be_dropped_is_cut_off(stack: AsyncExitStack) -> None:
    server = await started(stack, Bounds(waiting=16))
    http = await stack.enter_async_context(aiohttp.ClientSession())
    polling = await Polling.open(http, server.url)
    session = server.eio.sockets[polling.sid]
    before = cut()

    for number in range(40):
        session.write(event(number, ""))

    assert session.closed
    assert (cut(), server.eio.sockets) == (before + 1, {})
    assert (await polling.get())[0] == 400


async def test_the_real_door_tells_who_missed_something_to_sync(engine: Engine) -> None:
    server = await engine()
    client = await RawSocket.websocket(f"{server.url}/socket.io/", receive_buffer=SMALL)
    await client.say('40{"token":"user:ada"}')
    assert (await client.text()).startswith("40{")
    assert (await client.text()).startswith('42["session:ready"')
    assert (await client.text()).startswith('42["note:new"')  # what the slice tells everybody who comes
    (outlet,) = server.app.hub.connections.by_user["ada"].values()
    assert isinstance(outlet, HubSocket)
    told = 0
    while outlet.flow is not Flow.BEHIND:
        told += outlet.tell(event(told))
        await asyncio.sleep(0)

    assert not outlet.tell(event(told))

    assert await numbers(client, "sync:behind") == [*range(told), "sync:behind"]
    client.close()


async def _packets(client: RawSocket, count: int) -> AsyncIterator[Any]:
    for _ in range(count):
        yield await client.text()
