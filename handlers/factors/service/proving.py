"""Proofs: what somebody gives is checked and used up, for a sign-in or a step-up."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial

from crypto.sealing import Unsealable
from crypto.tokens import keyed_digest
from crypto.totp import matching_step
from handlers.auth.blocks import block_of
from handlers.auth.service import Auth
from handlers.factors.models import Proving
from handlers.factors.recovery import plain
from handlers.factors.service.errors import WrongFactor
from handlers.factors.service.passkeys import Passkeys
from handlers.factors.service.vault import Vault
from handlers.factors.store import FactorStore
from server.actors import Caller
from server.clock import Clock
from server.routes import Limit
from server.slices import Spender

log = logging.getLogger("mixee.factors")

NARROW = Limit(5, 60, by="target", strict=True)
"""Attempts at one account from one block of addresses: then one a minute, which is 0.4 % of luck in a day."""
WIDE = Limit(20, 60, by="target", strict=True)
"""The same from anywhere."""


class Prover:
    """Checks codes. A code is right once."""

    def __init__(
        self, store: FactorStore, vault: Vault, passkeys: Passkeys, auth: Auth, clock: Clock, *, spend: Spender
    ) -> None:
        self._store = store
        self._vault = vault
        self._passkeys = passkeys
        self._auth = auth
        self._clock = clock
        self._spend = spend

    async def bounded(self, user_id: str, caller: Caller) -> None:
        """Count an attempt. Raises RateLimited, Unavailable."""
        await self._spend("factors.prove", [(f"{user_id}:{block_of(caller.address)}", NARROW), (user_id, WIDE)])

    async def check(
        self, user_id: str, proof: Proving, *, purpose: str, subject: str
    ) -> Callable[[], Awaitable[int | None]]:
        """Check what can be checked beforehand; what is returned uses the proof up, in the caller's unit of work.

        `purpose` and `subject` are those of the challenge of a passkey. Raises WrongFactor, ChallengeGone.
        """
        if proof.passkey is None:
            return partial(self._use, user_id, proof)
        found = await self._passkeys.proved(proof.passkey, purpose, subject)
        if found.user_id != user_id:
            raise WrongFactor
        return partial(self._passkeys.count, found)

    async def _use(self, user_id: str, proof: Proving) -> int | None:
        """Use a code up. The recovery codes that are left, if one was used. Raises WrongFactor."""
        if proof.recovery_code is not None:
            left = await self._store.take_code(user_id, self.digest(user_id, proof.recovery_code))
            if left is None:
                raise WrongFactor
            return left
        await self._use_code(user_id, proof.code or "")
        return None

    def step(self, user_id: str, sealed: bytes, code: str) -> int | None:
        """The step whose code this is, by a sealed secret; None for none."""
        try:
            secret = self._vault.unseal(user_id, sealed)
        except Unsealable as error:
            log.error("the authenticator app of %s is of no use: %s", user_id, error)  # noqa: TRY400 - no stack needed
            return None
        return matching_step(secret, code, self._clock.now().timestamp())

    def digest(self, user_id: str, code: str) -> str:
        """What is stored of a recovery code; it is another one for each person."""
        return keyed_digest(f"{user_id}:{plain(code)}", self._auth.keys.of("recovery codes"))

    async def _use_code(self, user_id: str, code: str) -> None:
        totp = (await self._store.get(user_id)).totp
        step = self.step(user_id, totp.secret, code) if totp else None
        if totp is None or step is None or not await self._store.take_step(user_id, step):
            raise WrongFactor
        if not self._vault.is_of_today(totp.secret):
            fresh = self._vault.seal(user_id, self._vault.unseal(user_id, totp.secret))
            await self._store.reseal(user_id, totp.secret, fresh)
