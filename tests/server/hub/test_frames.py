"""What travels between processes, and what is refused there."""

import pytest

from server.hub.frames import Claim, Cut, Frame, Handover, Message, pack, pack_for_each, sent_by, unpack
from server.hub.framing import text_frame


@pytest.mark.parametrize(
    "message",
    [
        Frame.of("message:new", {"text": "hé"}, ["ada", "bob"], "c", 7),
        Frame(b"\x82\x03\x00\r\n", ["ada"], "c", 2**63, spread=True),
        Frame.of("presence:updated", {"status": "away"}, ["ada"]),
        Frame(b"\x81\x00", [], "c", 8, passing=True),
        Cut("session", "s1", "session_revoked"),
        Claim("node-1.secret", "node-2", ("ada", "session", "phone")),
        Handover("node-1.secret", "node-2", [("c:7", text_frame(b'42["message:new",{"text":"h\xc3\xa9"},"c:7"]'))]),
    ],
)
def test_a_message_arrives_as_it_was_sent(message: Message) -> None:
    assert unpack(pack("node-1", message)) == ("node-1", message)


def test_what_only_the_sender_knows_does_not_travel() -> None:
    frame = Frame(b"\x81\x00", ["ada"], "c", 8, at=5.0, members=["ada", "bob"])

    assert unpack(pack("n", frame)) == ("n", Frame(b"\x81\x00", ["ada"], "c", 8))


def test_a_frame_for_each_names_nobody_else() -> None:
    frame = Frame(b"\x81\x02hi", ["ada", "bob"], passing=True)

    packed = [(user, unpack(data)) for user, data in pack_for_each("n", frame)]

    assert packed == [(one, ("n", Frame(b"\x81\x02hi", [one], passing=True))) for one in ("ada", "bob")]


def test_a_frame_for_single_devices_arrives_as_one_whatever_they_are_called() -> None:
    devices = ["a phone, of Ada", "00000000-0000-7000-8000-000000000000", "läptop"]
    frame = Frame(b"\x81\x02hi", ["ada"], devices=devices)

    ((user, data),) = pack_for_each("n", frame)

    assert (user, unpack(data)) == ("ada", ("n", frame))
    assert data[0] == 3  # processes of older releases refuse it, and do not take it for something else
    with pytest.raises(ValueError, match="version 2"):
        unpack(b"\x02" + data[1:])


def test_the_sender_is_told_without_unpacking() -> None:
    data = pack("node-1", Frame(b"\x81\x00", ["ada"]))

    told = [sent_by(data, b"node-1"), sent_by(data, b"node-2"), sent_by(data, b"node"), sent_by(b"", b"node-1")]
    assert told == [True, False, False, False]


GOOD = pack("n", Frame(b"\x81\x00", ["ada"], "c", 8))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        GOOD[:10],
        GOOD[:-1],
        b"\x01" + GOOD[1:],
        GOOD.replace(b"ada", b"\xff\xfea"),
        pack("n", Cut("user", "u", "c"))[:-1],
        pack("n", Cut("user", "u", "c")).replace(b'"c"', b"   "),
    ],
)
def test_what_the_hub_did_not_write_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a message of the hub"):
        unpack(data)
