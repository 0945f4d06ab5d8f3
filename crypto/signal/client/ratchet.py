"""The Double Ratchet of one session, with the post-quantum ratchet beside it.

Source: "The Double Ratchet Algorithm", sections 3 and 6. A state is never changed: each step gives the next one, and
who fails keeps the one he had.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from crypto.signal.client.braid.ratchet import Ratchet
from crypto.signal.client.handshake import Agreed, Bundle, Identity, KeyPair
from crypto.signal.client.primitives import agree, decrypt, encrypt, hkdf, mac, new_private, public_of, same
from crypto.signal.client.randomness import Draw
from crypto.signal.errors import DuplicateMessage, InvalidMessage
from crypto.signal.wire import MAC_SIZE, SignalMessage, signal_body

MAX_JUMP = 25_000
"""How far ahead of the last message of a chain one may be."""
MAX_SKIPPED = 2_000
"""Keys that are kept for messages that have not come yet, in each chain."""
MAX_CHAINS = 5
"""Chains of the other whose late messages can still be read."""


@dataclass(frozen=True, slots=True)
class ReceivingChain:
    """The keys of what the other sends under one of his ratchet keys. A secret."""

    ratchet_key: bytes
    key: bytes
    index: int = 0
    """The next message."""
    skipped: Mapping[int, bytes] | None = None
    """Seeds of messages that have not come yet, oldest first."""


@dataclass(frozen=True, slots=True)
class Pending:
    """What goes with every message until the other has answered."""

    prekey_id: int | None
    signed_prekey_id: int
    kyber_prekey_id: int
    kyber_ciphertext: bytes
    since: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """The state of a session. A secret."""

    remote_identity: bytes
    remote_registration: int
    base_key: bytes
    """The initiator's ephemeral key: it names the session."""
    root: bytes
    ratchet: KeyPair
    sending_key: bytes
    sending_index: int
    previous_counter: int
    receiving: tuple[ReceivingChain, ...]
    pq: Ratchet
    pending: Pending | None = None


def initiator(agreed: Agreed, bundle: Bundle, base: KeyPair, pending: Pending, draw: Draw) -> Session:
    """The session of whoever has used a bundle."""
    ratchet = _new_pair(draw)
    root, sending = _root_step(agreed.root, agree(ratchet.private, bundle.signed_prekey.public))
    return Session(
        remote_identity=bundle.identity,
        remote_registration=bundle.registration_id,
        base_key=base.public,
        root=root,
        ratchet=ratchet,
        sending_key=sending,
        sending_index=0,
        previous_counter=0,
        receiving=(ReceivingChain(bundle.signed_prekey.public, agreed.chain),),
        pq=Ratchet.begin(agreed.pq, initiator=True),
        pending=pending,
    )


def responder(agreed: Agreed, *, identity: bytes, registration: int, base_key: bytes, signed: KeyPair) -> Session:
    """The session of whoever has received a first message."""
    return Session(
        remote_identity=identity,
        remote_registration=registration,
        base_key=base_key,
        root=agreed.root,
        ratchet=signed,
        sending_key=agreed.chain,
        sending_index=0,
        previous_counter=0,
        receiving=(),
        pq=Ratchet.begin(agreed.pq, initiator=False),
    )


def seal(session: Session, me: Identity, plaintext: bytes, draw: Draw, addresses: bytes | None) -> tuple[
    Session, SignalMessage
]:  # fmt: skip
    """The session afterwards, and a message."""
    pq, pq_part, salt = session.pq.send(draw)
    seed, following = _chain_step(session.sending_key)
    cipher_key, mac_key, iv = _message_keys(seed, salt)
    ciphertext = encrypt(cipher_key, iv, plaintext)
    body = signal_body(
        ratchet_key=session.ratchet.public,
        counter=session.sending_index,
        previous_counter=session.previous_counter,
        ciphertext=ciphertext,
        pq_ratchet=pq_part,
        addresses=addresses,
    )
    message = SignalMessage(
        ratchet_key=session.ratchet.public,
        counter=session.sending_index,
        previous_counter=session.previous_counter,
        ciphertext=ciphertext,
        pq_ratchet=pq_part,
        addresses=addresses,
        body=body,
        mac=mac(mac_key, me.keys.public + session.remote_identity + body)[:MAC_SIZE],
    )
    return replace(session, pq=pq, sending_key=following, sending_index=session.sending_index + 1), message


def unseal(session: Session, me: Identity, message: SignalMessage, draw: Draw) -> tuple[Session, bytes]:
    """The session afterwards, and the plaintext. Raises ProtocolError."""
    session = _turned(session, message.ratchet_key, draw)
    chain = next(one for one in session.receiving if one.ratchet_key == message.ratchet_key)
    chain, seed = _seed(chain, message.counter)
    pq, salt = session.pq.receive(message.pq_ratchet)
    cipher_key, mac_key, iv = _message_keys(seed, salt)
    expected = mac(mac_key, session.remote_identity + me.keys.public + message.body)[:MAC_SIZE]
    if not same(expected, message.mac):
        raise InvalidMessage("The message was not made by the other end of this session.")
    receiving = tuple(chain if one.ratchet_key == chain.ratchet_key else one for one in session.receiving)
    plaintext = decrypt(cipher_key, iv, message.ciphertext)
    return replace(session, receiving=receiving, pq=pq, pending=None), plaintext


def _turned(session: Session, ratchet_key: bytes, draw: Draw) -> Session:
    """The session with a receiving chain for a ratchet key; a new one turns the ratchet."""
    if any(one.ratchet_key == ratchet_key for one in session.receiving):
        return session
    root, receiving_key = _root_step(session.root, agree(session.ratchet.private, ratchet_key))
    ratchet = _new_pair(draw)
    root, sending_key = _root_step(root, agree(ratchet.private, ratchet_key))
    chains = (*session.receiving, ReceivingChain(ratchet_key, receiving_key))[-MAX_CHAINS:]
    return replace(
        session,
        root=root,
        ratchet=ratchet,
        sending_key=sending_key,
        sending_index=0,
        previous_counter=max(0, session.sending_index - 1),
        receiving=chains,
    )


def _seed(chain: ReceivingChain, counter: int) -> tuple[ReceivingChain, bytes]:
    """The chain afterwards, and what the keys of a message are made of. Raises DuplicateMessage, InvalidMessage."""
    skipped = dict(chain.skipped or {})
    if counter < chain.index:
        seed = skipped.pop(counter, None)
        if seed is None:
            raise DuplicateMessage("The message was read before, or is too old.")
        return replace(chain, skipped=skipped), seed
    if counter - chain.index > MAX_JUMP:
        raise InvalidMessage("Too many messages are missing before this one.")
    key = chain.key
    for index in range(chain.index, counter):
        seed, key = _chain_step(key)
        skipped[index] = seed
        if len(skipped) > MAX_SKIPPED:
            del skipped[next(iter(skipped))]
    seed, key = _chain_step(key)
    return ReceivingChain(chain.ratchet_key, key, counter + 1, skipped), seed


def _new_pair(draw: Draw) -> KeyPair:
    private = new_private(draw)
    return KeyPair(private, public_of(private))


def _root_step(root: bytes, secret: bytes) -> tuple[bytes, bytes]:
    """The next root key, and a chain key."""
    out = hkdf(secret, salt=root, info=b"WhisperRatchet", size=64)
    return out[:32], out[32:]


def _chain_step(key: bytes) -> tuple[bytes, bytes]:
    """What the keys of a message are made of, and the next chain key."""
    return mac(key, b"\x01"), mac(key, b"\x02")


def _message_keys(seed: bytes, salt: bytes | None) -> tuple[bytes, bytes, bytes]:
    """The key of the cipher, that of the MAC, and the first block."""
    out = hkdf(seed, salt=salt, info=b"WhisperMessageKeys", size=80)
    return out[:32], out[32:64], out[64:]
