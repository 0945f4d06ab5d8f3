"""What a hostile client may send: it is cut off, quietly, and costs no more than anybody else."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.hub import packets
from server.hub.packets import BadPacket
from tests.harness.servers import until
from tests.server.hub.protocol.apps import EngineApp, SocketApp, serving
from tests.server.hub.rawsocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawSocket, masked

GOOD = [
    b"0",
    b'0/custom,{"token":"123"}',
    b"1/custom,",
    b'2["echo",1]',
    b'2/custom,12["echo",{"a":[1,2,{"b":null}]}]',
    b"31[]",
    b'51-["echo",{"_placeholder":true,"num":0}]',
    b'62-/custom,7[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
]
EAGER = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A packet of the protocol with some bytes changed, left out, put in or repeated."""
    text = bytearray(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        text[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3) | st.sampled_from(GOOD))
    return bytes(text)


@EAGER
@given(text=st.binary(max_size=200) | mutated(), attachments=st.lists(st.binary(max_size=4), max_size=3))
def test_whatever_comes_is_a_packet_or_a_bad_one(text: bytes, attachments: Sequence[bytes]) -> None:
    try:
        packet = packets.decode(text)
        for one in attachments:
            packet.attach(one)
    except (BadPacket, RecursionError):
        return
    assert 0 <= packet.waits <= packets.MAX_ATTACHMENTS
    assert packet.namespace.startswith("/")


@pytest.mark.parametrize("count", ["9999999999", "99999999999999999999", "11", "0", "00", "-1", "1e1", " 1", ""])
def test_a_number_of_attachments_beyond_reason_is_refused(count: str) -> None:
    with pytest.raises(BadPacket):
        packets.decode(f'5{count}-["echo"]'.encode())


@pytest.fixture(scope="module")
async def app() -> AsyncIterator[SocketApp]:
    """One server for all of this."""
    one = SocketApp()
    async with serving(one.sio) as one.url:
        yield one


async def attack(app: SocketApp, *chunks: bytes) -> bytes:
    """Send these bytes on a connected WebSocket, then nothing more: what the server said to the end."""
    async with await RawSocket.websocket(app.url) as client:
        await client.say("40")
        await client.text()
        try:
            for chunk in chunks:
                await client.send(chunk)
            client.sock.shutdown(1)
        except OSError:  # it has closed already
            pass
        return await client.rest()


def frames(draw: random.Random) -> bytes:
    """Some frames of which each may be broken in any way."""
    found = b""
    for _ in range(draw.randint(1, 5)):
        kind = draw.choice([TEXT, TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG, draw.randrange(16)])
        payload = draw.choice([b"4" + draw.choice(GOOD), draw.randbytes(draw.randrange(140)), b"", b"3"])
        reserved = draw.choice([0, 0, 0, 0x40, 0x20, 0x10])
        size = draw.choice([None, None, None, 0, 5, 125, 70_000, 1 << 40, (1 << 64) - 1])
        frame = bytearray(masked(kind, payload, fin=draw.random() < 0.8, reserved=reserved, size=size))
        for _ in range(draw.choice([0, 0, 1, 3])):
            frame[draw.randrange(len(frame))] = draw.randrange(256)
        found += frame
    return found


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_bytes_come_the_server_stays_calm(
    app: SocketApp, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    draw = random.Random(seed)

    with caplog.at_level(logging.INFO):
        for _ in range(25):
            data = frames(draw) if draw.random() < 0.7 else draw.randbytes(draw.randrange(1, 400))
            at = draw.randrange(len(data) + 1)
            await attack(app, data[:at], data[at:])
        await until(lambda: not app.sio.eio.sockets)
        await app.sio.finish(1)

    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert (app.sio._lines, app.sio.environ, app.sio.manager._sockets) == ({}, {}, {})


def code(said: bytes) -> int | None:
    """The code of the close frame at the end of what the server said."""
    return int.from_bytes(said[-2:], "big") if said[-4:-2] == b"\x88\x02" else None


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"\x81\x05" + b'42["e', 1002),  # not masked
        (masked(TEXT, b"42[]"[:2]) + b"\x81\x02xx", 1002),  # the second is not masked
        (masked(TEXT, b"3", reserved=0x40), 1002),  # compressed
        (masked(TEXT, b"3", reserved=0x20), 1002),
        (masked(TEXT, b"3", reserved=0x10), 1002),
        (masked(3, b""), 1002),  # no such kind
        (masked(0xB, b""), 1002),
        (masked(PING, b"x" * 126), 1002),
        (masked(PING, b"x", fin=False), 1002),
        (masked(CLOSE, b"x"), 1002),
        (masked(CLOSE, (1005).to_bytes(2, "big")), 1002),
        (masked(CONTINUATION, b"3"), 1002),  # of nothing
        (masked(TEXT, b"4", fin=False) + masked(TEXT, b"3"), 1002),  # one begins inside another
        (masked(TEXT, b"", size=1_000_001), 1009),
        (masked(TEXT, b"", size=1 << 62), 1009),
        (masked(TEXT, b"", size=(1 << 64) - 1), 1009),
        (b"".join(masked(TEXT if not n else CONTINUATION, b"x" * 60_000, fin=False) for n in range(17)), 1009),
        (masked(CLOSE, (1000).to_bytes(2, "big")), 1000),
        (masked(CLOSE, b""), 1000),
        (masked(TEXT, b"\xff\xfe"), 1002),
        (masked(TEXT, b'42["\xff"]'), 1002),
        (masked(TEXT, b'459999999999-["echo"]'), 1002),
    ],
)
async def test_a_websocket_that_breaks_the_rules_is_told_which_and_closed(
    app: SocketApp, sent: bytes, expected: int
) -> None:
    assert code(await attack(app, sent)) == expected


async def test_a_message_may_come_in_fragments_with_a_ping_between(app: SocketApp) -> None:
    async with await RawSocket.websocket(app.url) as client:
        await client.say("40")
        await client.text()
        await client.text()
        for at, byte in enumerate(b'421["echo","in pieces"]'):
            await client.send(masked(CONTINUATION if at else TEXT, bytes((byte,)), fin=False))
        await client.send(masked(PING, b"are you there?"))
        await client.send(masked(CONTINUATION, b""))

        assert await client.frame() == (0x8A, b"are you there?")
        assert await client.text() == '431["in pieces"]'


async def test_frames_may_arrive_byte_by_byte(app: SocketApp) -> None:
    async with await RawSocket.websocket(app.url) as client:
        await client.say("40")
        await client.text()
        await client.text()
        body = "x" * 300
        for byte in masked(TEXT, f'421["echo","{body}"]'.encode()) + masked(TEXT, b'422["echo",2]'):
            await client.send(bytes((byte,)))
            await asyncio.sleep(0)

        assert [await client.text(), await client.text()] == [f'431["{body}"]', "432[2]"]


async def test_pings_of_who_does_not_read_the_answers_cost_nothing() -> None:
    one = EngineApp()
    async with (
        serving(one.engine, send_buffer=4096) as url,
        await RawSocket.websocket(url, receive_buffer=4096) as client,
    ):
        session = one.engine.sockets[client.hello["sid"]]
        flood = b"".join(masked(PING, b"x" * 125) for _ in range(200))
        for _ in range(100):  # 2.5 MB
            await client.send(flood)
        await client.say("4heard")
        await until(lambda: one.heard == ["heard"])

        assert session.waiting < 2 * 65_536

        reading = asyncio.create_task(client.rest())
        await until(lambda: session.waiting == 0)
        await client.send(masked(PING, b"the last"))
        client.sock.shutdown(1)
        assert b"\x8a\x08the last" in await reading


@pytest.mark.parametrize(
    "offer",
    [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits; server_max_window_bits=10",
        "permessage-deflate; server_no_context_takeover, x-webkit-deflate-frame",
        "unheard-of",
    ],
)
async def test_no_extension_is_ever_agreed_to(app: SocketApp, offer: str) -> None:
    async with await RawSocket.websocket(app.url, Sec_WebSocket_Extensions=offer) as client:
        assert b"sec-websocket-extensions" not in client.head.lower()
