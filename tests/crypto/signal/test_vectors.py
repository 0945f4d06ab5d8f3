"""A recorded conversation with libsignal 0.103, replayed byte by byte: no network, no other program."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from crypto.signal import wire
from crypto.signal.client import fingerprint
from crypto.signal.client.groups import SenderChain, SenderKeys
from crypto.signal.client.handshake import Identity, KeyPair, PreKeys
from crypto.signal.client.primitives import kyber_public, public_of
from crypto.signal.client.session import Record
from crypto.signal.errors import DuplicateMessage, InvalidMessage, InvalidSignature, ProtocolError
from crypto.signal.keys import verify
from crypto.signal.wire import Address

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors.json").read_text())
NOW = datetime(2026, 11, 28, tzinfo=UTC)


def raw(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def pair(private: bytes) -> KeyPair:
    return KeyPair(private, public_of(private))


SETUP = [raw(value) for _, value in VECTORS["py"]["setup_draws"]]
ME = Identity(
    Address(UUID(VECTORS["py"]["uuid"]), 1), VECTORS["py"]["registrationId"], pair(raw(VECTORS["py"]["identity_priv"]))
)
OTHER = Address(UUID(VECTORS["libsignal"]["uuid"]), 1)
OTHER_KEY = raw(VECTORS["libsignal"]["identity_pub"])


class Recorded:
    """Gives the recorded random values of one event, and notices one that is drawn out of turn."""

    def __init__(self, draws: list[list[str]]) -> None:
        self.left = [(kind, raw(value)) for kind, value in draws]

    def __call__(self, kind: str, size: int) -> bytes:
        expected, value = self.left.pop(0)
        assert (expected, len(value)) == (kind, size)
        return value


def none(kind: str, size: int) -> bytes:
    raise AssertionError(f"nothing is drawn here, least of all {size} bytes for {kind}")


def received(record: Record, event: dict[str, Any], draw: Recorded) -> tuple[Record, bytes]:
    """Read what libsignal has sent, as a client does."""
    content = raw(event["content"])
    if event["type"] == wire.WHISPER:
        return record.decrypt(ME, OTHER, wire.read_signal(content), draw)
    first = wire.read_prekey(content)
    assert first.to_bytes() == content
    if not record.knows(first):
        keys = PreKeys(pair(SETUP[1]), SETUP[2], pair(SETUP[0]) if first.prekey_id is not None else None)
        record = record.accept(ME, first, keys)
    return record.decrypt(ME, OTHER, first.message, draw)


def test_every_recorded_message_is_read_and_every_one_that_was_sent_is_written_in_the_same_bytes() -> None:
    record, counts = Record(), {"recv": 0, "send": 0}
    for event in VECTORS["events"]:
        draw = Recorded(event["draws"])
        if event["dir"] == "recv":
            record, plaintext = received(record, event, draw)
            assert plaintext.decode() == event["plaintext"]
        else:
            record, sent = record.encrypt(ME, OTHER, event["plaintext"].encode(), draw, NOW)
            assert (sent.kind, sent.content) == (event["type"], raw(event["content"]))
        assert draw.left == []
        counts[event["dir"]] += 1
        record = Record.from_bytes(record.to_bytes())

    assert counts["recv"] + counts["send"] == 182
    assert record.sessions[0].pq.braid.epoch == VECTORS["final_braid_epoch"]


def test_what_was_read_once_is_refused_and_what_was_changed_changes_nothing() -> None:
    record, _ = received(Record(), VECTORS["events"][0], Recorded(VECTORS["events"][0]["draws"]))
    again = wire.read_prekey(raw(VECTORS["events"][0]["content"]))
    with pytest.raises(DuplicateMessage):
        record.decrypt(ME, OTHER, again.message, none)

    message = wire.read_prekey(raw(VECTORS["events"][1]["content"])).message
    for body, mac in ((message.body, bytes(8)), (message.body[:-1] + b"\0", message.mac)):
        with pytest.raises(InvalidMessage, match="other end"):
            record.decrypt(ME, OTHER, replace(message, body=body, mac=mac), none)

    elsewhere = Address(OTHER.user, 2)
    with pytest.raises(InvalidMessage, match="another address"):
        record.decrypt(ME, elsewhere, wire.read_prekey(raw(VECTORS["events"][1]["content"])).message, none)
    _, plaintext = received(record, VECTORS["events"][1], Recorded([]))
    assert plaintext.decode() == VECTORS["events"][1]["plaintext"]


def _opens(content: bytes, kind: str) -> None:
    """Read a message to its end. Raises ProtocolError."""
    told = wire.read_distribution(content if kind == "told" else raw(VECTORS["sender_key"]["skdm"]))
    record, _ = received(Record(), VECTORS["events"][0], Recorded(VECTORS["events"][0]["draws"]))
    if kind == "first":
        record.decrypt(ME, OTHER, wire.read_prekey(content).message, none)
    elif kind == "whisper":
        record.decrypt(
            ME, OTHER, wire.read_signal(content), Recorded([["x25519", VECTORS["events"][0]["draws"][0][1]]])
        )
    elif kind == "group":
        SenderKeys().add(SenderChain.of(told)).unseal(wire.read_group(content))


@pytest.mark.parametrize("kind", ["first", "whisper", "group", "told"])
def test_every_truncation_of_every_kind_of_message_is_refused_by_the_protocol(kind: str) -> None:
    contents = {
        "first": VECTORS["events"][1]["content"],
        "whisper": next(one["content"] for one in VECTORS["events"] if one["type"] == wire.WHISPER),
        "group": VECTORS["sender_key"]["messages"][0]["content"],
        "told": VECTORS["sender_key"]["skdm"],
    }
    content = raw(contents[kind])
    for size in range(0, len(content), 7 if kind == "first" else 1):
        with pytest.raises(ProtocolError):
            _opens(content[:size], kind)


def test_messages_to_a_group_are_read_in_any_order_and_once() -> None:
    keys = SenderKeys().add(SenderChain.of(wire.read_distribution(raw(VECTORS["sender_key"]["skdm"]))))
    messages = [(wire.read_group(raw(one["content"])), one["plaintext"]) for one in VECTORS["sender_key"]["messages"]]
    for place in (3, 1, 0, 2):
        message, expected = messages[place]
        assert message.to_bytes() == raw(VECTORS["sender_key"]["messages"][place]["content"])
        keys, plaintext = keys.unseal(message)
        assert plaintext.decode() == expected
    with pytest.raises(DuplicateMessage):
        keys.unseal(messages[0][0])


def test_the_safety_number_is_the_one_that_libsignal_shows() -> None:
    known = VECTORS["safety_number"]
    mine = (ME.address.user, ME.keys.public)
    assert fingerprint.display(*mine, OTHER.user, OTHER_KEY) == known["display"]
    assert fingerprint.display(OTHER.user, OTHER_KEY, *mine) == known["display"]
    assert fingerprint.scan(*mine, OTHER.user, OTHER_KEY) == raw(known["scan"])
    assert fingerprint.matches(raw(known["scan"]), fingerprint.scan(OTHER.user, OTHER_KEY, *mine))
    assert not fingerprint.matches(raw(known["scan"]), raw(known["scan"]))


def test_the_keys_and_signatures_of_the_recording_are_what_they_should_be() -> None:
    upload = VECTORS["py"]["upload"]
    assert public_of(SETUP[1]) == raw(upload["signedPreKey"]["publicKey"])
    assert kyber_public(SETUP[3]) == raw(upload["pqLastResortPreKey"]["publicKey"])
    for one in (upload["signedPreKey"], upload["pqLastResortPreKey"]):
        verify(ME.keys.public, raw(one["publicKey"]), raw(one["signature"]))
    for one in VECTORS["xeddsa"]:
        if one["valid"]:
            verify(raw(one["key"]), raw(one["msg"]), raw(one["sig"]))
            continue
        with pytest.raises(InvalidSignature):
            verify(raw(one["key"]), raw(one["msg"]), raw(one["sig"]))
