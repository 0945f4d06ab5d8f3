"""Two devices of our own: what happens when messages are lost, late, doubled, crossing or forged."""

import random
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from crypto.signal import wire
from crypto.signal.client.groups import SenderChain, SenderKeys
from crypto.signal.client.handshake import Bundle, Identity, KeyPair, PreKeys, SignedKey
from crypto.signal.client.primitives import clamp, kyber_public, public_of, sign
from crypto.signal.client.randomness import system
from crypto.signal.client.session import UNANSWERED, Record, Sent
from crypto.signal.errors import InvalidKey, InvalidMessage, InvalidSignature, NoSession, ProtocolError
from crypto.signal.keys import EC_TYPE, KYBER_TYPE, PRIME, check_ec, check_kyber, verify
from crypto.signal.wire import Address

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def pair() -> KeyPair:
    private = clamp(secrets.token_bytes(32))
    return KeyPair(private, public_of(private))


class Device:
    """A device with its keys and its sessions with one other."""

    def __init__(self, device: int = 1) -> None:
        self.me = Identity(Address(uuid4(), device), secrets.randbelow(0x3FFF) + 1, pair())
        self.keys = PreKeys(pair(), secrets.token_bytes(64), pair())
        self.record = Record()

    def bundle(self, *, one_time: bool = True) -> Bundle:
        kyber, signed = kyber_public(self.keys.kyber_seed), self.keys.signed_prekey.public
        private = self.me.keys.private
        return Bundle(
            address=self.me.address,
            registration_id=self.me.registration_id,
            identity=self.me.keys.public,
            signed_prekey=SignedKey(1, signed, sign(private, signed, system)),
            kyber_prekey=SignedKey(2, kyber, sign(private, kyber, system)),
            prekey=(3, self.keys.prekey.public) if one_time and self.keys.prekey else None,
        )

    def begin(self, other: "Device", *, one_time: bool = True) -> None:
        self.record = self.record.begin(self.me, other.bundle(one_time=one_time), system, NOW)

    def send(self, other: "Device", text: str) -> Sent:
        self.record, sent = self.record.encrypt(self.me, other.me.address, text.encode(), system, NOW)
        return sent

    def receive(self, other: "Device", sent: Sent) -> str:
        record = self.record
        if sent.kind == wire.PREKEY:
            first = wire.read_prekey(sent.content)
            if not record.knows(first):
                keys = self.keys if first.prekey_id else PreKeys(self.keys.signed_prekey, self.keys.kyber_seed, None)
                record = record.accept(self.me, first, keys)
            message = first.message
        else:
            message = wire.read_signal(sent.content)
        self.record, plaintext = record.decrypt(self.me, other.me.address, message, system)
        return plaintext.decode()


@pytest.fixture
def devices() -> tuple[Device, Device]:
    ada, bob = Device(), Device()
    ada.begin(bob)
    return ada, bob


@pytest.mark.parametrize("one_time", [True, False])
def test_a_long_conversation_renews_its_post_quantum_secret_again_and_again(one_time: bool) -> None:
    ada, bob = Device(), Device()
    ada.begin(bob, one_time=one_time)
    for count in range(260):
        assert bob.receive(ada, ada.send(bob, f"ada {count}")) == f"ada {count}"
        assert ada.receive(bob, bob.send(ada, f"bob {count}")) == f"bob {count}"
    assert ada.record.sessions[0].pq.braid.epoch == bob.record.sessions[0].pq.braid.epoch >= 5
    assert ada.record.sessions[0].pending is None


@pytest.mark.parametrize("seed", range(4))
def test_messages_that_are_late_lost_or_swapped_cost_no_other(seed: int) -> None:
    chance = random.Random(seed)
    ada, bob = Device(), Device()
    ada.begin(bob)
    assert bob.receive(ada, ada.send(bob, "first")) == "first"
    read = lost = 0
    for _ in range(60):
        under_way = []
        for text in map(str, range(6)):
            sender, receiver = chance.choice([(ada, bob), (bob, ada)])
            under_way.append((sender, receiver, sender.send(receiver, text), text))
        chance.shuffle(under_way)
        for sender, receiver, sent, text in under_way:
            if chance.random() < 0.2:
                lost += 1
                continue
            assert receiver.receive(sender, sent) == text
            read += 1
    assert read + lost == 360
    assert lost > 40


def test_two_who_begin_at_the_same_time_come_together() -> None:
    ada, bob = Device(), Device()
    ada.begin(bob)
    bob.begin(ada)
    from_ada, from_bob = ada.send(bob, "hello bob"), bob.send(ada, "hello ada")

    assert (bob.receive(ada, from_ada), ada.receive(bob, from_bob)) == ("hello bob", "hello ada")
    for count in range(4):
        assert bob.receive(ada, ada.send(bob, f"{count}")) == f"{count}"
        assert ada.receive(bob, bob.send(ada, f"{count}")) == f"{count}"
    assert ada.record.sessions[0].base_key == bob.record.sessions[0].base_key


def test_random_bytes_and_flipped_bits_raise_nothing_but_errors_of_the_protocol(devices: tuple[Device, Device]) -> None:
    ada, bob = devices
    chance = random.Random(7)
    contents = [ada.send(bob, "one").content]
    assert bob.receive(ada, ada.send(bob, "two")) == "two"
    ada.receive(bob, bob.send(ada, "three"))
    contents.append(ada.send(bob, "four").content)
    before = bob.record
    for case in range(1000):
        content = bytearray(contents[case % 2])
        place = chance.randrange(len(content))
        content[place] ^= 1 << chance.randrange(8)
        if case % 5 == 0:
            content = bytearray(chance.randbytes(chance.randrange(200)))
        try:
            bob.receive(ada, Sent(wire.WHISPER if case % 2 else wire.PREKEY, bytes(content), 0))
        except ProtocolError:
            assert bob.record is before
            continue
        # Fields that nobody signs, the ids of the keys that were used up, decide only which keys are taken.
        assert case % 2 == 0
        bob.record = before
    assert bob.receive(ada, Sent(wire.WHISPER, contents[1], 0)) == "four"


def test_a_jump_of_25000_messages_is_refused(devices: tuple[Device, Device]) -> None:
    ada, bob = devices
    bob.receive(ada, ada.send(bob, "here"))
    session = ada.record.sessions[0]
    ada.record = Record((replace(session, sending_index=25_002),))
    with pytest.raises(InvalidMessage, match="Too many"):
        bob.receive(ada, ada.send(bob, "far away"))


def test_a_session_that_nobody_answers_for_thirty_days_does_not_send_any_more(devices: tuple[Device, Device]) -> None:
    ada, bob = devices
    ada.record.encrypt(ada.me, bob.me.address, b"just in time", system, NOW + UNANSWERED)
    with pytest.raises(NoSession):
        ada.record.encrypt(ada.me, bob.me.address, b"too late", system, NOW + UNANSWERED + timedelta(seconds=1))
    with pytest.raises(NoSession):
        Record().encrypt(ada.me, bob.me.address, b"never begun", system, NOW)


@pytest.mark.parametrize("key", ["signed_prekey", "kyber_prekey"])
def test_a_bundle_with_a_forged_signature_begins_nothing(key: str) -> None:
    ada, bob, eve = Device(), Device(), Device()
    forged = replace(bob.bundle(), **{key: getattr(eve.bundle(), key)})
    with pytest.raises(InvalidSignature):
        ada.record.begin(ada.me, forged, system, NOW)


def test_keys_that_no_honest_device_has_are_refused() -> None:
    low_order = [0, 1, PRIME - 1, PRIME, PRIME + 1, 2**255 - 1]
    for u in low_order:
        with pytest.raises(InvalidKey):
            check_ec(bytes([EC_TYPE]) + u.to_bytes(32, "little"))
    good = pair().public
    for key in (b"", good[:32], good + b"\0", b"\x06" + good[1:]):
        with pytest.raises(InvalidKey):
            check_ec(key)
    kyber = kyber_public(secrets.token_bytes(64))
    for key in (kyber[:-1], b"\x0a" + kyber[1:], bytes([KYBER_TYPE]) + b"\xff" * 1568):
        with pytest.raises(InvalidKey):
            check_kyber(key)


def test_a_signature_fits_one_key_and_one_message_to_the_last_bit() -> None:
    signs = set()
    for _ in range(50):
        keys, message = pair(), secrets.token_bytes(33)
        signature = sign(keys.private, message, system)
        verify(keys.public, message, signature)
        signs.add(signature[63] >> 7)
        for data, place in ((signature, secrets.randbelow(64)), (message, secrets.randbelow(33))):
            forged = bytearray(data)
            forged[place] ^= 1 << secrets.randbelow(8)
            pieces = (bytes(forged), signature) if data is message else (message, bytes(forged))
            with pytest.raises(InvalidSignature):
                verify(keys.public, *pieces)
    assert signs == {0, 1}


def test_whoever_is_told_a_chain_reads_on_from_there_and_cannot_write() -> None:
    mine = SenderKeys().add(SenderChain.begin(uuid4(), system))
    mine, before = mine.seal(b"before", system)
    theirs = SenderKeys().add(SenderChain.of(mine.chains[0].tell()))
    mine, after = mine.seal(b"after", system)

    theirs, plaintext = theirs.unseal(wire.read_group(after.to_bytes()))
    assert plaintext == b"after"
    with pytest.raises(ProtocolError):
        theirs.unseal(before)
    with pytest.raises(NoSession):
        theirs.seal(b"forged", system)
    forged = bytearray(after.to_bytes())
    forged[-1] ^= 1
    with pytest.raises(InvalidSignature):
        theirs.unseal(wire.read_group(bytes(forged)))
