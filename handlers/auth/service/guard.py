"""Guessers are slowed down and made to work, and the owner of the account they guess at is not shut out.

Failures are counted by name and block of addresses: only there each costs a longer wait. Where a name, or a block, has
many of them, every sign-in is asked for a proof of work, the owner's too. All counts go by the name that was given, so
nothing tells whether there is such an account.
"""

import logging
from datetime import timedelta

from crypto.tokens import digest
from crypto.work import is_solved
from handlers.auth.blocks import block_of
from handlers.auth.models import ProofOfWork
from handlers.auth.service.challenges import Challenges
from handlers.auth.service.errors import ChallengeNeeded
from handlers.auth.settings import AuthSettings
from handlers.auth.store import FailureStore
from handlers.auth.store.failures import Pace
from server.actors import Caller
from server.clock import Clock
from server.errors import RateLimited, Unavailable
from storage.redis import RedisError

log = logging.getLogger("mixee.auth")

FREE = 3
FIRST_MS = 1000 / 0.17
"""Messaging rules §5: three failures at once, then one in six seconds; here each next one doubles it."""
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
LASTS = timedelta(minutes=5)
PURPOSE = "work"
MORE_BITS = 4
"""Of work, at most, for attacks that go on: sixteen times as much."""


class Guard:
    """Stands before every check of a password that is no session's own."""

    def __init__(
        self, failures: FailureStore, challenges: Challenges, settings: AuthSettings, clock: Clock, *, on: bool
    ) -> None:
        self._failures = failures
        self._challenges = challenges
        self._settings = settings
        self._clock = clock
        self._on = on
        self._pace = Pace(FREE, FIRST_MS, settings.longest_delay_seconds * 1000, DAY_MS, HOUR_MS)

    async def enter(self, caller: Caller, name: str, work: ProofOfWork | None) -> None:
        """Count an attempt. Raises RateLimited, ChallengeNeeded, and Unavailable while nothing can be counted."""
        if not self._on:
            return
        who, block = _who(name), block_of(caller.address)
        try:
            bits = self._bits(*await self._failures.look(who, block))
            if bits and not await self._has_worked(work, who, bits):
                challenge = self._challenges.give(PURPOSE, f"{bits}-{who}", LASTS)
                raise ChallengeNeeded(challenge, bits, seconds=int(LASTS.total_seconds()))
            now = self._clock.now().timestamp() * 1000
            wait = await self._failures.take(who, block, now, self._pace)
        except (RedisError, OSError) as error:
            raise Unavailable("Sign-in cannot be checked right now: try again.", retry_after_ms=2000) from error
        if wait:
            raise RateLimited(f"Too many attempts: wait {wait / 1000:.1f} seconds.", retry_after_ms=wait)

    async def passed(self, caller: Caller, name: str) -> None:
        """The password was right: the attempt was none of a guesser."""
        if not self._on:
            return
        try:
            await self._failures.clear(_who(name), block_of(caller.address))
        except (RedisError, OSError) as error:
            log.warning("a sign-in stays counted as failed: %s", error)

    def _bits(self, of_name: int, of_block: int) -> int:
        """How much work is asked for; 0 for none."""
        times = max(of_name / self._settings.attack_on_name, of_block / self._settings.attack_from_block)
        return self._settings.work_bits + min(int(times).bit_length() - 1, MORE_BITS) if times >= 1 else 0

    async def _has_worked(self, work: ProofOfWork | None, who: str, bits: int) -> bool:
        """Whether the work was done: for this name, once, and as much as was asked for when the challenge was given."""
        if work is None:
            return False
        for asked in range(self._settings.work_bits, bits + 1):
            if is_solved(work.challenge, work.answer, asked) and await self._challenges.take(
                work.challenge, PURPOSE, f"{asked}-{who}"
            ):
                return True
        return False


def _who(name: str) -> str:
    return digest(name.strip().casefold())[:32]
