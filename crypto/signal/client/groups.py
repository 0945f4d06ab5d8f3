"""Sender keys: one ciphertext for a whole group, under a chain that each member tells the others' devices.

Source: "The Sesame Algorithm" and Signal's published description of private groups. Whoever has left keeps the keys
that he had: everybody else has to begin a new distribution then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from crypto.signal import wire
from crypto.signal.client.primitives import decrypt, encrypt, hkdf, mac, new_private, public_of, sign
from crypto.signal.client.randomness import Draw
from crypto.signal.errors import DuplicateMessage, InvalidMessage, NoSession
from crypto.signal.keys import verify
from crypto.signal.wire import Distribution, SenderKeyMessage

MAX_JUMP = 25_000
MAX_SKIPPED = 2_000
MAX_STATES = 5
"""Chains of one sender that can still be read."""


@dataclass(frozen=True, slots=True)
class SenderChain:
    """The chain of one sender. A secret; only his own device has the private half of the signing key."""

    distribution: UUID
    chain_id: int
    iteration: int
    key: bytes
    signing_key: bytes
    signing_private: bytes | None = None
    skipped: Mapping[int, bytes] | None = None
    """What the keys of messages are made of that have not come yet, oldest first."""

    @classmethod
    def begin(cls, distribution: UUID, draw: Draw) -> "SenderChain":
        """A new chain of one's own."""
        private = new_private(draw)
        chain_id = int.from_bytes(draw("chain_id", 4)) >> 1
        return cls(distribution, chain_id, 0, draw("sender_key", 32), public_of(private), private)

    @classmethod
    def of(cls, told: Distribution) -> "SenderChain":
        """The chain that another tells."""
        return cls(told.distribution, told.chain_id, told.iteration, told.chain_key, told.signing_key)

    def tell(self) -> Distribution:
        """What lets others read from here on."""
        return Distribution(self.distribution, self.chain_id, self.iteration, self.key, self.signing_key)

    def seal(self, plaintext: bytes, draw: Draw) -> tuple["SenderChain", SenderKeyMessage]:
        """The chain afterwards, and a message to the group. Raises NoSession for another's chain."""
        if self.signing_private is None:
            raise NoSession("This is another's chain.")
        seed, following = _step(self.key)
        iv, key = _message_keys(seed)
        ciphertext = encrypt(key, iv, plaintext)
        body = wire.group_body(self.distribution, self.chain_id, self.iteration, ciphertext)
        signature = sign(self.signing_private, body, draw)
        message = SenderKeyMessage(self.distribution, self.chain_id, self.iteration, ciphertext, body, signature)
        return replace(self, key=following, iteration=self.iteration + 1), message

    def unseal(self, message: SenderKeyMessage) -> tuple["SenderChain", bytes]:
        """The chain afterwards, and the plaintext. Raises ProtocolError."""
        verify(self.signing_key, message.body, message.signature)
        chain, seed = self._seed(message.iteration)
        iv, key = _message_keys(seed)
        return chain, decrypt(key, iv, message.ciphertext)

    def _seed(self, iteration: int) -> tuple["SenderChain", bytes]:
        skipped = dict(self.skipped or {})
        if iteration < self.iteration:
            seed = skipped.pop(iteration, None)
            if seed is None:
                raise DuplicateMessage("The message was read before, or is too old.")
            return replace(self, skipped=skipped), seed
        if iteration - self.iteration > MAX_JUMP:
            raise InvalidMessage("Too many messages are missing before this one.")
        key = self.key
        for at in range(self.iteration, iteration):
            skipped[at], key = _step(key)
            if len(skipped) > MAX_SKIPPED:
                del skipped[next(iter(skipped))]
        seed, key = _step(key)
        return replace(self, key=key, iteration=iteration + 1, skipped=skipped), seed


@dataclass(frozen=True, slots=True)
class SenderKeys:
    """The chains of one sender in one distribution, the newest first. A secret."""

    chains: tuple[SenderChain, ...] = ()

    def add(self, chain: SenderChain) -> "SenderKeys":
        """With one chain more; one that is known already, by its id and its signing key, is left as it is."""
        for one in self.chains:
            if one.chain_id == chain.chain_id and one.signing_key == chain.signing_key:
                return self
        others = tuple(one for one in self.chains if one.chain_id != chain.chain_id)
        return SenderKeys((chain, *others)[:MAX_STATES])

    def seal(self, plaintext: bytes, draw: Draw) -> tuple["SenderKeys", SenderKeyMessage]:
        """The keys afterwards, and a message to the group. Raises NoSession."""
        if not self.chains:
            raise NoSession("Nothing was told to this group yet.")
        chain, message = self.chains[0].seal(plaintext, draw)
        return SenderKeys((chain, *self.chains[1:])), message

    def unseal(self, message: SenderKeyMessage) -> tuple["SenderKeys", bytes]:
        """The keys afterwards, and the plaintext. Raises ProtocolError."""
        for place, one in enumerate(self.chains):
            if one.chain_id == message.chain_id and one.distribution == message.distribution:
                chain, plaintext = one.unseal(message)
                return SenderKeys((*self.chains[:place], chain, *self.chains[place + 1 :])), plaintext
        raise NoSession("The sender has not told the keys of this message.")


def _step(key: bytes) -> tuple[bytes, bytes]:
    return mac(key, b"\x01"), mac(key, b"\x02")


def _message_keys(seed: bytes) -> tuple[bytes, bytes]:
    """The first block, and the key of the cipher."""
    out = hkdf(seed, salt=None, info=b"WhisperGroup", size=48)
    return out[:16], out[16:]
