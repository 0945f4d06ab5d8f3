"""Socket.IO: events, acknowledgements, binary data, and packets that are none."""

import asyncio
import logging
from collections.abc import Sequence

import aiohttp
import pytest

from tests.harness.servers import until
from tests.server.hub.protocol.client import Polling, WebSocket, connected
from tests.server.hub.protocol.conftest import Sockets

BLANK = '{"_placeholder":true,"num":0}'
MORE = '{"_placeholder":true,"num":1}'


async def answers(socket: WebSocket, count: int) -> list[str | bytes]:
    """So many messages, without the greeting."""
    found: list[str | bytes] = []
    while len(found) < count:
        packet = await socket.next()
        if not (isinstance(packet, str) and '["hello"' in packet):
            found.append(packet)
    return found


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (['421["echo"]'], ["431[]"]),
        (['421["echo",1,"2",{"3":[false]}]'], ['431[1,"2",{"3":[false]}]']),
        (['42456["echo",null]'], ["43456[null]"]),
        (['429007199254740991["echo",1]'], ["439007199254740991[1]"]),
        (['420["echo","zero is a number"]'], ['430["zero is a number"]']),
        (['421["nothing"]'], ["431[]"]),
        ([f'451-1["echo",{BLANK}]', b"\x01\x02"], [f"461-1[{BLANK}]", b"\x01\x02"]),
        ([f'452-1["echo",{BLANK},{MORE}]', b"\x01", b"\x02"], [f"462-1[{BLANK},{MORE}]", b"\x01", b"\x02"]),
        ([f'452-1["echo",{MORE},{BLANK}]', b"\x01", b"\x02"], [f"462-1[{BLANK},{MORE}]", b"\x02", b"\x01"]),
        ([f'451-1["echo",{{"a":[{BLANK}]}}]', b"\xff"], [f'461-1[{{"a":[{BLANK}]}}]', b"\xff"]),
        ([f'451-1["echo",{BLANK},{BLANK}]', b"same"], [f"462-1[{BLANK},{MORE}]", b"same", b"same"]),
        (['451-1["echo","unused"]', b"attached"], ['431["unused"]']),
        ([f'421["echo",{BLANK}]'], [f"431[{BLANK}]"]),
        (['421["no such event"]', '422["echo","next"]'], ['432["next"]']),
        (['421["broken"]', '422["echo","next"]'], ['432["next"]']),
    ],
)
async def test_an_event_is_answered_under_its_number(
    http: aiohttp.ClientSession, socket_app: Sockets, said: Sequence[str | bytes], answer: Sequence[str | bytes]
) -> None:
    app = await socket_app()

    async with connected(http, app.url) as socket:
        await socket.send(*said)

        assert await answers(socket, len(answer)) == answer


async def test_an_event_without_a_number_is_not_answered(http: aiohttp.ClientSession, socket_app: Sockets) -> None:
    app = await socket_app()

    async with connected(http, app.url) as socket:
        await socket.send('42["echo","quiet"]', '421["echo","loud"]')
        assert await answers(socket, 1) == ['431["loud"]']

    assert app.order == [("quiet",), ("loud",)]


async def test_binary_data_travels_by_polling(http: aiohttp.ClientSession, socket_app: Sockets) -> None:
    app = await socket_app()
    session = await Polling.open(http, app.url)
    await session.send("40")

    await session.send(f'451-1["echo",{BLANK}]', "bAQID")
    found = [await session.next() for _ in range(4)]

    assert found[2:] == [f"461-1[{BLANK}]", "bAQID"]


@pytest.mark.parametrize(
    "said",
    [
        [""],
        ["abc"],
        ["47"],
        ["4"],
        ["42"],
        ["42{}"],
        ["42[]"],
        ["42[1]"],
        ["42[null,1]"],
        ['42"echo"'],
        ['42["echo"'],
        ['42["echo",NaN]'],
        ['42["echo"]]'],
        ['42["echo",1]trailing'],
        ['42["echo","\\ud800"]'],
        ["42/custom"],
        ['42/custom["echo"]'],
        ['42-1["echo"]'],
        ['421.5["echo"]'],
        ['42 1["echo"]'],
        ['42²["echo"]'],
        [f'42{"1" * 17}["echo"]'],
        [f'42/{"x" * 120},["echo"]'],
        ['42["connect"]'],
        ['42["connect_error"]'],
        ['42["disconnect"]'],
        ['42["disconnecting"]'],
        ['42["newListener"]'],
        ['42["removeListener"]'],
        ["40[]"],
        ["40text"],
        ["41{}"],
        ['41["x"]'],
        ["431{}"],
        ["431"],
        ["43[]"],
        ['44{"message":"clients do not refuse"}'],
        ["45"],
        ['45["echo"]'],
        ['450-["echo"]'],
        ['4511-["echo"]'],
        ['459999999999-["echo"]'],
        ['45-1-["echo"]'],
        ['451x-["echo"]'],
        [f'451-["echo",{BLANK}]', '42["echo","text instead"]'],
        [f'451-["echo",{MORE}]', b"one"],
        ['451-["echo",{"_placeholder":true,"num":-1}]', b"one"],
        ['451-["echo",{"_placeholder":true,"num":"0"}]', b"one"],
        ['451-["echo",{"_placeholder":true,"num":0.5}]', b"one"],
        ['451-["echo",{"_placeholder":true}]', b"one"],
        [f'451-["echo",{BLANK}]', b"one", b"one too many"],
        [f"451-[{BLANK}]", b"the name"],
        ['451-["connect"]', b"one"],
        [b"from nowhere"],
        ["42" + "[" * 2000],
        ['42["echo",' + "[" * 1000 + "]" * 1000 + "]", "4"],
        [f'451-["echo",{"[" * 1000}{BLANK}{"]" * 1000}]', b"deep"],
    ],
)
async def test_who_sends_what_is_no_packet_is_closed_quietly(
    http: aiohttp.ClientSession, socket_app: Sockets, caplog: pytest.LogCaptureFixture, said: Sequence[str | bytes]
) -> None:
    app = await socket_app()

    with caplog.at_level(logging.INFO):
        async with connected(http, app.url) as socket:
            await socket.send(*said)
            assert await socket.ends() == 1002
        assert (await app.ended())[1] == "transport error"

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert app.sio._lines == {}


async def test_who_polls_and_sends_no_packet_has_no_session(http: aiohttp.ClientSession, socket_app: Sockets) -> None:
    app = await socket_app()
    session = await Polling.open(http, app.url)
    await session.send("40")
    assert (await session.next()).startswith("40{")

    await session.post('42{"not":"an event"}')

    assert (await app.ended())[1] == "transport error"
    assert (await session.get())[0] == 400


async def test_an_acknowledgement_nobody_asked_for_changes_nothing(
    http: aiohttp.ClientSession, socket_app: Sockets
) -> None:
    app = await socket_app()

    async with connected(http, app.url) as socket:
        await socket.send("431[]", f"461-2[{BLANK}]", b"one", '421["echo","alive"]')

        assert await answers(socket, 1) == ['431["alive"]']


async def test_events_of_one_client_are_handled_in_their_order_while_a_handler_waits(
    http: aiohttp.ClientSession, socket_app: Sockets
) -> None:
    app = await socket_app()

    async with connected(http, app.url) as socket, connected(http, app.url) as other:
        await socket.send('421["slow",1]', '422["echo",2]', f'451-3["echo",{BLANK}]', b"3", '424["echo",4]')
        await other.send('421["echo","another client does not wait"]')
        assert await answers(other, 1) == ['431["another client does not wait"]']
        assert app.order == [("another client does not wait",)]
        app.gate.set()

        assert await answers(socket, 5) == ["431[1]", "432[2]", f"461-3[{BLANK}]", b"3", "434[4]"]
    assert app.order[1:] == [1, (2,), (b"3",), (4,)]


async def test_a_client_whose_events_wait_is_not_read_until_there_is_room(
    http: aiohttp.ClientSession, socket_app: Sockets
) -> None:
    app = await socket_app(max_in_flight=4)

    async with connected(http, app.url) as socket:
        session = next(iter(app.sio.eio.sockets.values()))
        await socket.send(*(f'42{number}["slow",{number}]' for number in range(4)))
        await until(lambda: session in app.sio._lines and app.sio._lines[session].paused)
        await socket.send(*(f'42{number}["slow",{number}]' for number in range(4, 20)))
        assert app.sio._lines[session].load <= 5
        app.gate.set()

        assert await answers(socket, 20) == [f"43{number}[{number}]" for number in range(20)]
        await until(lambda: not app.sio._lines)


async def test_a_post_whose_events_wait_is_answered_when_there_is_room(
    http: aiohttp.ClientSession, socket_app: Sockets
) -> None:
    app = await socket_app(max_in_flight=2)
    session = await Polling.open(http, app.url)
    await session.send("40")
    assert (await session.next()).startswith("40{")

    posting = asyncio.create_task(session.post("\x1e".join(f'42{number}["slow",{number}]' for number in range(6))))
    await until(lambda: any(line.rooms for line in app.sio._lines.values()))
    assert not posting.done()
    app.gate.set()

    assert await posting == (200, "ok")
    assert [await session.next() for _ in range(7)][1:] == [f"43{number}[{number}]" for number in range(6)]


async def test_many_events_of_a_handler_arrive_in_order_before_its_answer(
    http: aiohttp.ClientSession, socket_app: Sockets
) -> None:
    app = await socket_app()

    async with connected(http, app.url) as socket:
        await socket.send('421["many",100]')

        assert await answers(socket, 101) == [*(f'42["one",{number}]' for number in range(100)), "431[]"]
