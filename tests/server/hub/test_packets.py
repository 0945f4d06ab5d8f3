"""Socket.IO packets, written by us and read by python-socketio, and the other way round."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from socketio.packet import Packet as Theirs

from server.hub import packets
from server.hub.framing import payload_of
from server.hub.packets import ACK, CONNECT, DISCONNECT, EVENT, BadPacket

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8) | st.binary(max_size=8),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=4), one, max_size=3),
    max_leaves=8,
)
NAMESPACES = st.sampled_from(["/", "/custom", "/a/b"])
IDS = st.none() | st.integers(0, 10**15)


def binaries(data: Any) -> int:
    """How many pieces of binary data there are."""
    if isinstance(data, bytes):
        return 1
    inside = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return sum(binaries(one) for one in inside)


def read_by_them(frames: list[bytes]) -> Theirs:
    """The packet as python-socketio reads our frames."""
    first, *attachments = [payload_of(frame) for frame in frames]
    packet = Theirs(encoded_packet=first[1:].decode())
    for one in attachments:
        packet.add_attachment(one)
    return packet


@settings(deadline=None, max_examples=60)
@given(name=st.text(min_size=1, max_size=8), data=st.lists(VALUES, max_size=3), namespace=NAMESPACES, number=IDS)
def test_what_we_write_is_read_by_python_socketio(
    name: str, data: list[Any], namespace: str, number: int | None
) -> None:
    packet = read_by_them(packets.frames(EVENT, namespace, [name, *data], number))

    assert packet.packet_type in {EVENT, EVENT + 3}
    assert (packet.data, packet.namespace or "/", packet.id) == ([name, *data], namespace, number)


@settings(deadline=None, max_examples=60)
@given(data=st.lists(VALUES, max_size=3), namespace=NAMESPACES, number=st.integers(0, 10**15))
def test_our_answers_are_read_by_python_socketio(data: list[Any], namespace: str, number: int) -> None:
    packet = read_by_them(packets.frames(ACK, namespace, data, number))

    assert (packet.data, packet.namespace or "/", packet.id) == (data, namespace, number)


@settings(deadline=None, max_examples=60)
@given(
    kind=st.sampled_from([EVENT, ACK]),
    data=st.lists(VALUES, max_size=3).filter(lambda data: binaries(data) <= packets.MAX_ATTACHMENTS),
    namespace=NAMESPACES,
    number=st.integers(0, 10**15),
)
def test_what_python_socketio_writes_is_read_by_us(kind: int, data: list[Any], namespace: str, number: int) -> None:
    arguments = ["name", *data]
    written = Theirs(packet_type=kind, data=arguments, namespace=namespace, id=number).encode()
    text, attachments = (written[0], written[1:]) if isinstance(written, list) else (written, [])

    packet = packets.decode(text.encode())
    complete = [packet.attach(one) for one in attachments]

    assert complete == [False] * (len(attachments) - 1) + [True] if attachments else complete == []
    assert (packet.kind % 3, packet.data, packet.namespace, packet.id) == (kind % 3, arguments, namespace, number)


@pytest.mark.parametrize(
    ("text", "kind", "namespace", "data", "number"),
    [
        (b"0", CONNECT, "/", None, None),
        (b'0/admin,{"token":"123"}', CONNECT, "/admin", {"token": "123"}, None),
        (b"0/admin", CONNECT, "/admin", None, None),
        (b"0/admin?token=1,", CONNECT, "/admin", None, None),
        (b"1", DISCONNECT, "/", None, None),
        (b"1/admin,", DISCONNECT, "/admin", None, None),
        (b'2["foo"]', EVENT, "/", ["foo"], None),
        (b'2/admin,["bar"]', EVENT, "/admin", ["bar"], None),
        (b'212["foo"]', EVENT, "/", ["foo"], 12),
        (b'3/admin,13["bar"]', ACK, "/admin", ["bar"], 13),
        (b"30[]", ACK, "/", [], 0),
    ],
)
def test_the_examples_of_the_protocol(text: bytes, kind: int, namespace: str, data: Any, number: int | None) -> None:
    packet = packets.decode(text)

    assert (packet.kind, packet.namespace, packet.data, packet.id) == (kind, namespace, data, number)
    assert packet.waits == 0


@pytest.mark.parametrize("count", [1, 2, 10])
def test_as_many_attachments_as_were_announced_complete_a_packet(count: int) -> None:
    blanks = ",".join(f'{{"_placeholder":true,"num":{number}}}' for number in range(count))
    packet = packets.decode(f'5{count}-["baz",{blanks}]'.encode())

    complete = [packet.attach(bytes((number,))) for number in range(count)]

    assert complete == [False] * (count - 1) + [True]
    assert packet.data == ["baz", *(bytes((number,)) for number in range(count))]
    with pytest.raises(BadPacket):
        packet.attach(b"one too many")


def test_a_shared_answer_is_what_the_general_way_writes() -> None:
    assert [packets.ack_frame(12, {"ok": True})] == packets.frames(ACK, "/", [{"ok": True}], 12)
