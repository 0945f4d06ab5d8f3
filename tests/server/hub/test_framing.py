"""Frames of RFC 6455 as bytes, read back by aiohttp's parser, which is not ours."""

import asyncio
from typing import Any

import orjson
import pytest
from aiohttp import WSMsgType
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
from hypothesis import given, settings
from hypothesis import strategies as st

from server.hub import framing


def parsed(data: bytes) -> list[tuple[Any, Any]]:
    """What a client makes of these bytes: kinds and payloads."""
    loop = asyncio.new_event_loop()
    found: list[tuple[Any, Any]] = []

    class Inbox(WebSocketDataQueue):
        def feed_data(self, data: Any, size: int) -> None:
            found.append((data.type, data.data))

    try:
        reader = WebSocketReader(Inbox(None, 0, loop=loop), 0, compress=False, decode_text=False)  # type: ignore[arg-type]  # nothing is paused
        reader.feed_data(data)
    finally:
        loop.close()
    return found


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_a_frame_of_any_length_is_what_a_client_reads(size: int) -> None:
    payload = b"x" * size

    found = parsed(framing.text_frame(payload) + framing.binary_frame(payload) + framing.text_frame(b"end"))

    assert found == [(WSMsgType.TEXT, payload), (WSMsgType.BINARY, payload), (WSMsgType.TEXT, b"end")]


@settings(deadline=None)
@given(payload=st.binary(max_size=300) | st.integers(65_500, 65_600).map(bytes))
def test_the_payload_of_a_frame_comes_back(payload: bytes) -> None:
    assert framing.payload_of(framing.text_frame(payload)) == payload
    assert framing.payload_of(framing.binary_frame(payload)) == payload


def test_the_finished_frames_say_what_they_are_named_for() -> None:
    assert parsed(framing.PING + framing.CLOSE_PACKET) == [(WSMsgType.TEXT, b"2"), (WSMsgType.TEXT, b"1")]


@pytest.mark.parametrize("payload", [b"", b"x", b"x" * 125])
def test_a_pong_answers_with_the_payload_of_the_ping(payload: bytes) -> None:
    assert parsed(framing.pong_frame(payload)) == [(WSMsgType.PONG, payload)]


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1008, 1009])
def test_a_close_frame_carries_its_code(code: int) -> None:
    assert parsed(framing.close_frame(code)) == [(WSMsgType.CLOSE, code)]


@settings(deadline=None)
@given(
    payload=st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
        lambda one: st.lists(one, max_size=3),
        max_leaves=5,
    )
)
def test_an_event_is_a_packet_of_engine_io_and_socket_io(payload: Any) -> None:
    text = framing.payload_of(framing.event_frame("name", payload))

    assert text[:2] == b"42"
    assert orjson.loads(text[2:]) == ["name", payload]


def test_an_offset_is_one_more_argument() -> None:
    frame = framing.with_offset(framing.event_frame("name", {"a": 1}), 'o"1')

    assert parsed(frame) == [(WSMsgType.TEXT, b'42["name",{"a":1},"o\\"1"]')]
