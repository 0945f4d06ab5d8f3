"""The ML-KEM Braid: two parties agree on a new post-quantum secret while they talk, a chunk in each message.

In each epoch one party owns a key pair and sends its header and its vector, the other sends the two parts of a
ciphertext; then they change places. Source: "The ML-KEM Braid Protocol", section 2, whose names the stages bear.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum

from crypto.signal.client.braid import mlkem768
from crypto.signal.client.braid.authenticator import MAC_SIZE, Authenticator, epoch_key
from crypto.signal.client.braid.erasure import Decoder, Encoder
from crypto.signal.client.primitives import same
from crypto.signal.client.randomness import Draw
from crypto.signal.errors import InvalidMessage

_HEADER = mlkem768.HEADER_SIZE + MAC_SIZE
_CT2 = mlkem768.CT2_SIZE + MAC_SIZE


class Stage(IntEnum):
    """How far a party has come in an epoch: the first five have the key pair, the others encapsulate."""

    KEYS_UNSAMPLED = 1
    KEYS_SAMPLED = 2
    HEADER_SENT = 3
    CT1_RECEIVED = 4
    EK_SENT_CT1_RECEIVED = 5
    NO_HEADER_RECEIVED = 6
    HEADER_RECEIVED = 7
    CT1_SAMPLED = 8
    EK_RECEIVED_CT1_SAMPLED = 9
    CT1_ACKNOWLEDGED = 10
    CT2_SAMPLED = 11


class Kind(IntEnum):
    """What a part of a message brings."""

    NONE = 0
    HEADER = 1
    VECTOR = 2
    VECTOR_CT1_ACK = 3
    CT1_ACK = 4
    CT1 = 5
    CT2 = 6


@dataclass(frozen=True, slots=True)
class Part:
    """The braid's part of a message."""

    epoch: int
    kind: Kind
    index: int = 0
    chunk: bytes = b""
    """Empty for the kinds that bring none."""


@dataclass(frozen=True, slots=True)
class EpochKey:
    """The secret of an epoch, for the chains."""

    epoch: int
    key: bytes


@dataclass(frozen=True, slots=True)
class Braid:
    """The state of one party. Values are empty where the stage does not know them. A secret."""

    epoch: int
    stage: Stage
    auth: Authenticator
    seed: bytes = b""
    header: bytes = b""
    vector: bytes = b""
    ct1: bytes = b""
    kept: mlkem768.Encapsulation | None = None
    encoder: Encoder | None = None
    decoder: Decoder | None = None

    @classmethod
    def begin(cls, secret: bytes, *, initiator: bool) -> "Braid":
        """After a handshake: the initiator has the first key pair."""
        auth = Authenticator.begin(secret, 1)
        return cls(1, Stage.KEYS_UNSAMPLED, auth) if initiator else _waiting(1, auth)

    def send(self, draw: Draw) -> tuple["Braid", Part, EpochKey | None]:
        """The state afterwards, the part to send, and the epoch's secret when it has just come to be."""
        match self.stage:
            case Stage.KEYS_UNSAMPLED:
                return self._sample_keys(draw).chunk(Kind.HEADER)
            case Stage.HEADER_RECEIVED:
                state, key = self._encapsulate(draw)
                state, part, _ = state.chunk(Kind.CT1)
                return state, part, key
            case Stage.EK_SENT_CT1_RECEIVED:
                return self, Part(self.epoch, Kind.CT1_ACK), None
            case Stage.NO_HEADER_RECEIVED | Stage.CT1_ACKNOWLEDGED:
                return self, Part(self.epoch, Kind.NONE), None
        return self.chunk(_SENDS[self.stage])

    def receive(self, part: Part) -> tuple["Braid", EpochKey | None]:
        """The state afterwards, and the epoch's secret when it has just come to be.

        What is late or early within an epoch changes nothing. Raises InvalidMessage for an epoch that cannot be, and
        for what was forged.
        """
        if part.epoch == self.epoch + 1 and self.stage is Stage.CT2_SAMPLED:
            return Braid(part.epoch, Stage.KEYS_UNSAMPLED, self.auth), None
        if part.epoch > self.epoch:
            raise InvalidMessage("The message is of an epoch that has not begun.")
        step = _RECEIVES.get((self.stage, part.kind))
        return (self, None) if step is None or part.epoch < self.epoch else step(self, part)

    def chunk(self, kind: Kind) -> tuple["Braid", Part, None]:
        """The state afterwards, and the next chunk of what is being sent."""
        assert self.encoder is not None  # noqa: S101 - each stage that sends chunks has one
        encoder, index, chunk = self.encoder.next()
        return replace(self, encoder=encoder), Part(self.epoch, kind, index, chunk), None

    def _sample_keys(self, draw: Draw) -> "Braid":
        seed = draw("mlkem768_seed", 64)
        header, vector = mlkem768.public(seed)
        encoder = Encoder(header + self.auth.header(header, self.epoch))
        return Braid(
            self.epoch, Stage.KEYS_SAMPLED, self.auth, seed=seed, header=header, vector=vector, encoder=encoder
        )

    def _encapsulate(self, draw: Draw) -> tuple["Braid", EpochKey]:
        ct1, secret, kept = mlkem768.encapsulate_1(self.header, draw("encaps_m", 32))
        key = EpochKey(self.epoch, epoch_key(secret, self.epoch))
        state = replace(
            self,
            stage=Stage.CT1_SAMPLED,
            auth=self.auth.update(key.key, self.epoch),
            ct1=ct1,
            kept=kept,
            encoder=Encoder(ct1),
            decoder=Decoder.of(mlkem768.VECTOR_SIZE),
        )
        return state, key

    def gather(self, part: Part, size: int) -> "Braid":
        """With one chunk more of a value of so many bytes."""
        decoder = self.decoder or Decoder.of(size)
        return replace(self, decoder=decoder.add(part.index, part.chunk))

    @property
    def whole(self) -> bytes | None:
        """The value that is being gathered, when it is complete."""
        return self.decoder.value() if self.decoder is not None and self.decoder.complete else None


def _waiting(epoch: int, auth: Authenticator) -> Braid:
    return Braid(epoch, Stage.NO_HEADER_RECEIVED, auth, decoder=Decoder.of(_HEADER))


Step = tuple[Braid, EpochKey | None]


def _header(state: Braid, part: Part) -> Step:
    state = state.gather(part, _HEADER)
    if (whole := state.whole) is None:
        return state, None
    header, seal = whole[: mlkem768.HEADER_SIZE], whole[mlkem768.HEADER_SIZE :]
    if not same(seal, state.auth.header(header, state.epoch)):
        raise InvalidMessage("The header of the braid is forged.")
    return Braid(state.epoch, Stage.HEADER_RECEIVED, state.auth, header=header), None


def _ct1(state: Braid, part: Part) -> Step:
    """The first chunk shows that the header has arrived: from now on the vector is sent."""
    if state.stage is Stage.KEYS_SAMPLED:
        state = replace(state, stage=Stage.HEADER_SENT, encoder=Encoder(state.vector), decoder=None)
    state = state.gather(part, mlkem768.CT1_SIZE)
    if (whole := state.whole) is None:
        return state, None
    return replace(state, stage=Stage.CT1_RECEIVED, ct1=whole, decoder=None), None


def _ct2(state: Braid, part: Part) -> Step:
    """The first chunk shows that the vector has arrived."""
    if state.stage is Stage.CT1_RECEIVED:
        state = replace(state, stage=Stage.EK_SENT_CT1_RECEIVED, encoder=None, decoder=None)
    state = state.gather(part, _CT2)
    if (whole := state.whole) is None:
        return state, None
    ct2, seal = whole[: mlkem768.CT2_SIZE], whole[mlkem768.CT2_SIZE :]
    key = EpochKey(state.epoch, epoch_key(mlkem768.decapsulate(state.seed, state.ct1, ct2), state.epoch))
    auth = state.auth.update(key.key, state.epoch)
    if not same(seal, auth.ciphertext(state.ct1 + ct2, state.epoch)):
        raise InvalidMessage("The ciphertext of the braid is forged.")
    return _waiting(state.epoch + 1, auth), key


def _vector(state: Braid, part: Part) -> Step:
    """A chunk of the vector; with an acknowledgement of ct1, or after one, the second ciphertext follows it."""
    acknowledged = part.kind is Kind.VECTOR_CT1_ACK
    state = state.gather(part, mlkem768.VECTOR_SIZE)
    whole = state.whole
    if whole is None:
        return (replace(state, stage=Stage.CT1_ACKNOWLEDGED, encoder=None) if acknowledged else state), None
    state = replace(state, vector=whole, decoder=None)
    return _finish(state, part) if acknowledged else (replace(state, stage=Stage.EK_RECEIVED_CT1_SAMPLED), None)


def _finish(state: Braid, part: Part) -> Step:
    """The vector is here and ct1 is there: the second part of the ciphertext."""
    del part
    assert state.kept is not None  # noqa: S101 - it came to be with ct1
    ct2 = mlkem768.encapsulate_2(state.kept, state.header, state.vector)
    encoder = Encoder(ct2 + state.auth.ciphertext(state.ct1 + ct2, state.epoch))
    return Braid(state.epoch, Stage.CT2_SAMPLED, state.auth, encoder=encoder), None


_SENDS = {
    Stage.KEYS_SAMPLED: Kind.HEADER,
    Stage.HEADER_SENT: Kind.VECTOR,
    Stage.CT1_RECEIVED: Kind.VECTOR_CT1_ACK,
    Stage.CT1_SAMPLED: Kind.CT1,
    Stage.EK_RECEIVED_CT1_SAMPLED: Kind.CT1,
    Stage.CT2_SAMPLED: Kind.CT2,
}
_RECEIVES: dict[tuple[Stage, Kind], Callable[[Braid, Part], Step]] = {
    (Stage.KEYS_SAMPLED, Kind.CT1): _ct1,
    (Stage.HEADER_SENT, Kind.CT1): _ct1,
    (Stage.CT1_RECEIVED, Kind.CT2): _ct2,
    (Stage.EK_SENT_CT1_RECEIVED, Kind.CT2): _ct2,
    (Stage.NO_HEADER_RECEIVED, Kind.HEADER): _header,
    (Stage.CT1_SAMPLED, Kind.VECTOR): _vector,
    (Stage.CT1_SAMPLED, Kind.VECTOR_CT1_ACK): _vector,
    (Stage.CT1_ACKNOWLEDGED, Kind.VECTOR_CT1_ACK): _vector,
    (Stage.EK_RECEIVED_CT1_SAMPLED, Kind.CT1_ACK): _finish,
    (Stage.EK_RECEIVED_CT1_SAMPLED, Kind.VECTOR_CT1_ACK): _finish,
}
