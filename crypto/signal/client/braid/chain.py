"""The chains of message keys that the secrets of the epochs feed, one in each direction.

Source: "The Double Ratchet Algorithm", section 5.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from crypto.signal.client.primitives import hkdf
from crypto.signal.errors import DuplicateMessage, InvalidMessage

MAX_JUMP = 25_000
"""How far ahead of the last message read one may be."""
MAX_SKIPPED = 2_000
"""Keys that are kept for messages that have not come yet, in each chain."""
KEPT_EPOCHS = 1
"""Epochs before the one that is sent in whose late messages are still read."""
_ZERO = bytes(32)


@dataclass(frozen=True, slots=True)
class Chain:
    """The keys of one direction in one epoch. A secret; `next` is empty when it has served."""

    next: bytes
    count: int = 0
    skipped: Mapping[int, bytes] | None = None

    def step(self) -> tuple["Chain", bytes]:
        """The chain afterwards, and the key of the next message."""
        count = self.count + 1
        info = count.to_bytes(4) + b"Signal PQ Ratchet V1 Chain Next"
        out = hkdf(self.next, salt=_ZERO, info=info, size=64)
        return replace(self, next=out[:32], count=count), out[32:]

    def at(self, index: int) -> tuple["Chain", bytes]:
        """The chain afterwards, and the key of a message. Raises InvalidMessage, DuplicateMessage."""
        skipped = dict(self.skipped or {})
        if index <= self.count:
            key = skipped.pop(index, None)
            if key is None:
                raise DuplicateMessage("The message was read before, or is too old.")
            return replace(self, skipped=skipped), key
        if index - self.count > MAX_JUMP:
            raise InvalidMessage("Too many messages are missing before this one.")
        chain = self
        while chain.count < index - 1:
            chain, key = chain.step()
            if chain.count + MAX_SKIPPED >= index:
                skipped[chain.count] = key
        chain, key = chain.step()
        kept = {count: one for count, one in skipped.items() if count + MAX_SKIPPED >= index}
        return replace(chain, skipped=kept), key


@dataclass(frozen=True, slots=True)
class Epoch:
    """The two chains of an epoch."""

    sending: Chain
    receiving: Chain


@dataclass(frozen=True, slots=True)
class Chains:
    """The chains of the epochs that are still in use. A secret."""

    root: bytes
    initiator: bool
    epochs: Mapping[int, Epoch]
    newest: int = 0
    sending_epoch: int = 0

    @classmethod
    def begin(cls, secret: bytes, *, initiator: bool) -> "Chains":
        """From the secret of the handshake, as epoch 0."""
        out = hkdf(secret, salt=_ZERO, info=b"Signal PQ Ratchet V1 Chain  Start", size=96)
        return cls(out[:32], initiator, {0: _epoch(out, initiator=initiator)})

    def add(self, epoch: int, secret: bytes) -> "Chains":
        """Take in the secret of the next epoch. Raises InvalidMessage for any other."""
        if epoch != self.newest + 1:
            raise InvalidMessage("The epochs do not follow each other.")
        out = hkdf(secret, salt=self.root, info=b"Signal PQ Ratchet V1 Chain Add Epoch", size=96)
        epochs = {**self.epochs, epoch: _epoch(out, initiator=self.initiator)}
        return replace(self, root=out[:32], epochs=epochs, newest=epoch)

    def send(self, epoch: int) -> tuple["Chains", int, bytes]:
        """The chains afterwards, and the index and the key of the next message; older epochs are not sent any more."""
        epochs = dict(self.epochs)
        if epoch != self.sending_epoch:
            kept = {one: chains for one, chains in epochs.items() if one >= epoch - KEPT_EPOCHS}
            epochs = {
                one: replace(chains, sending=Chain(b"")) if one < epoch else chains for one, chains in kept.items()
            }
        chain, key = epochs[epoch].sending.step()
        epochs[epoch] = replace(epochs[epoch], sending=chain)
        return replace(self, epochs=epochs, sending_epoch=epoch), chain.count, key

    def receive(self, epoch: int, index: int) -> tuple["Chains", bytes]:
        """The chains afterwards, and the key of a message. Raises InvalidMessage, DuplicateMessage."""
        found = self.epochs.get(epoch)
        if found is None:
            raise InvalidMessage("The message is of an epoch whose keys are gone, or have not come to be.")
        chain, key = found.receiving.at(index)
        return replace(self, epochs={**self.epochs, epoch: replace(found, receiving=chain)}), key


def _epoch(out: bytes, *, initiator: bool) -> Epoch:
    there, back = Chain(out[32:64]), Chain(out[64:])
    return Epoch(there, back) if initiator else Epoch(back, there)
