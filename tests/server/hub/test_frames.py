"""What travels between processes, and what is refused there."""

import pytest

from server.hub.frames import Cut, Frame, Message, pack, unpack


@pytest.mark.parametrize(
    "message",
    [
        Frame.of("message:new", {"text": "hé"}, ["ada", "bob"], "c", 7),
        Frame(b"\x81\x02hi", ["ada"], passing=True),
        Frame(b"\x81\x02hi", [], "c", 8, spread=True),
        Cut("session", "s1", "session_revoked"),
    ],
)
def test_a_message_arrives_as_it_was_sent(message: Message) -> None:
    assert unpack(pack("node-1", message)) == ("node-1", message)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"not of the hub, and long enough to have a head",
        b"\x01" + pack("node-1", Cut("user", "u", "c"))[1:],
        pack("node-1", Cut("user", "u", "c"))[:-1],
        pack("node-1", Frame(b"\x81\x02hi", ["ada"]))[:20],
    ],
)
def test_what_the_hub_did_not_write_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a message of the hub"):
        unpack(data)
