"""All sessions with one device: the current one, and those before it in which something may still be under way.

Source: "The Sesame Algorithm", sections 3.1 to 3.4: whoever receives a message in an older session makes that one
current again, so that two who have begun at the same time come together.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ConfigDict, TypeAdapter, ValidationError

from crypto.signal import wire
from crypto.signal.client import ratchet
from crypto.signal.client.handshake import Bundle, Identity, KeyPair, PreKeys, initiate, respond
from crypto.signal.client.primitives import new_private, public_of
from crypto.signal.client.randomness import Draw
from crypto.signal.errors import InvalidMessage, NoSession, ProtocolError
from crypto.signal.wire import Address, PreKeyMessage, SignalMessage

MAX_ARCHIVED = 40
UNANSWERED = timedelta(days=30)
"""After so long without an answer a session does not send any more: the other's keys may be gone."""
_RECORD_VERSION = b"\x01"


@dataclass(frozen=True, slots=True)
class Sent:
    """A message for one device: `kind` is PREKEY or WHISPER."""

    kind: int
    content: bytes
    registration_id: int
    """Of the device that it is for."""


@dataclass(frozen=True, slots=True)
class Record:
    """The sessions with one device, the current one first. A secret."""

    sessions: tuple[ratchet.Session, ...] = ()

    @property
    def exists(self) -> bool:
        """Whether there is a session to send in."""
        return bool(self.sessions)

    def begin(self, me: Identity, bundle: Bundle, draw: Draw, now: datetime) -> "Record":
        """With a new session from a key bundle. Raises InvalidKey, InvalidSignature."""
        bundle.check()
        private = new_private(draw)
        base = KeyPair(private, public_of(private))
        agreed, ciphertext = initiate(me, bundle, base)
        pending = ratchet.Pending(
            prekey_id=bundle.prekey[0] if bundle.prekey else None,
            signed_prekey_id=bundle.signed_prekey.key_id,
            kyber_prekey_id=bundle.kyber_prekey.key_id,
            kyber_ciphertext=ciphertext,
            since=now,
        )
        return self._with(ratchet.initiator(agreed, bundle, base, pending, draw))

    def encrypt(self, me: Identity, other: Address, plaintext: bytes, draw: Draw, now: datetime) -> tuple[
        "Record", Sent
    ]:  # fmt: skip
        """The record afterwards, and a message for the device. Raises NoSession."""
        if not self.sessions:
            raise NoSession("There is no session with this device.")
        session = self.sessions[0]
        pending = session.pending
        if pending is not None and now - pending.since > UNANSWERED:
            raise NoSession("The session was never answered: begin another with a new key bundle.")
        addresses = me.address.to_bytes() + other.to_bytes() if pending is not None else None
        session, message = ratchet.seal(session, me, plaintext, draw, addresses)
        record = Record((session, *self.sessions[1:]))
        if pending is None:
            return record, Sent(wire.WHISPER, message.to_bytes(), session.remote_registration)
        first = PreKeyMessage(
            registration_id=me.registration_id,
            prekey_id=pending.prekey_id,
            signed_prekey_id=pending.signed_prekey_id,
            kyber_prekey_id=pending.kyber_prekey_id,
            kyber_ciphertext=pending.kyber_ciphertext,
            base_key=session.base_key,
            identity_key=me.keys.public,
            message=message,
        )
        return record, Sent(wire.PREKEY, first.to_bytes(), session.remote_registration)

    def knows(self, message: PreKeyMessage) -> bool:
        """Whether a first message belongs to a session that is here already: then its keys are not needed."""
        return any(one.base_key == message.base_key for one in self.sessions)

    def accept(self, me: Identity, message: PreKeyMessage, keys: PreKeys) -> "Record":
        """With a new session from a first message, which has yet to be read. Raises InvalidKey, InvalidMessage."""
        session = ratchet.responder(
            respond(me, keys, message),
            identity=message.identity_key,
            registration=message.registration_id,
            base_key=message.base_key,
            signed=keys.signed_prekey,
        )
        return self._with(session)

    def decrypt(self, me: Identity, other: Address, message: SignalMessage, draw: Draw) -> tuple["Record", bytes]:
        """The record afterwards, and the plaintext; the session that could read it becomes the current one.

        Raises NoSession without any, else what the current session says of the message when none can read it.
        """
        if message.addresses is not None and message.addresses != other.to_bytes() + me.address.to_bytes():
            raise InvalidMessage("The message was sent to or by another address.")
        first: ProtocolError | None = None
        for place, session in enumerate(self.sessions):
            try:
                turned, plaintext = ratchet.unseal(session, me, message, draw)
            except ProtocolError as error:
                first = first or error
                continue
            others = self.sessions[:place] + self.sessions[place + 1 :]
            return Record((turned, *others)), plaintext
        raise first or NoSession("There is no session with this device.")

    def _with(self, session: ratchet.Session) -> "Record":
        return Record((session, *self.sessions)[: MAX_ARCHIVED + 1])

    def to_bytes(self) -> bytes:
        """For a store, which has to seal it."""
        return _RECORD_VERSION + _RECORDS.dump_json((self,))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Record":
        """What `to_bytes` has written. Raises ProtocolError."""
        if data[:1] != _RECORD_VERSION:
            raise ProtocolError("The record is of a version that this client does not know.")
        try:
            (record,) = _RECORDS.validate_json(data[1:])
        except ValidationError as error:
            raise ProtocolError("The record is damaged.") from error
        return record


# The configuration reaches into what stands in a tuple, and would be refused for a dataclass alone.
_RECORDS = TypeAdapter(tuple[Record], config=ConfigDict(ser_json_bytes="base64", val_json_bytes="base64"))
