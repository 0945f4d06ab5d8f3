"""The keys that every process of the cluster shares: one signs access tokens, the other seals refresh tokens."""

import hmac
import secrets

from crypto.tokens import PublicKey, SigningKey
from handlers.auth.store import KeyStore
from server.clock import Clock


class Keys:
    """Read once at the start, kept in memory."""

    def __init__(self, store: KeyStore, clock: Clock, *, signing_seed: bytes | None) -> None:
        self._store = store
        self._clock = clock
        self._signing_seed = signing_seed
        self._signing: SigningKey | None = None
        self._sealing: bytes | None = None
        self.public: dict[str, PublicKey] = {}
        """The keys that access tokens may be signed with, by their names (`kid`)."""

    async def load(self) -> None:
        """Read the keys; whichever process comes first makes them."""
        now = self._clock.now()
        seed = self._signing_seed or await self._store.shared("signing", secrets.token_bytes(32), now)
        self._sealing = await self._store.shared("sealing", secrets.token_bytes(32), now)
        self._signing = SigningKey.named_by_itself(seed)
        self.public = {self._signing.kid: self._signing.public}

    @property
    def signing(self) -> SigningKey:
        """The key that signs access tokens. Raises LookupError before `load`."""
        if self._signing is None:
            raise LookupError("the keys are not loaded")
        return self._signing

    def of(self, purpose: str) -> bytes:
        """A key of its own for one purpose, the same in every process. Raises LookupError before `load`."""
        return hmac.digest(self.sealing, f"key for {purpose}".encode(), "sha256")

    @property
    def sealing(self) -> bytes:
        """The key that seals refresh tokens and codes. Raises LookupError before `load`."""
        if self._sealing is None:
            raise LookupError("the keys are not loaded")
        return self._sealing
