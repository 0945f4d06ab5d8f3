"""What travels between processes, and what is refused there."""

import orjson
import pytest

from server.hub.frames import Cut, Frame, Message, pack, unpack


@pytest.mark.parametrize(
    "message",
    [
        Frame("message:new", {"text": "hé"}, ["ada", "bob"], "c", 7),
        Frame("presence:updated", {"status": "away"}, ["ada"], passing=True),
        Cut("session", "s1", "session_revoked"),
    ],
)
def test_a_message_arrives_as_it_was_sent(message: Message) -> None:
    assert unpack(pack("node-1", message)) == ("node-1", message)


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"not json", b"[1,2]", orjson.dumps([2, "n", "cut", "user", "u", "c"]), b"\xff\xfe"],
)
def test_what_the_hub_did_not_write_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="frame"):
        unpack(data)
