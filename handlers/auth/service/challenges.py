"""Challenges: given out without being kept, and taken back once."""

from datetime import timedelta

from crypto.challenges import Challenge, NoChallenge
from handlers.auth.service.keys import Keys
from handlers.auth.store import SpentStore
from server.clock import Clock


class Challenges:
    """For what must be answered freshly. Only those that came back are remembered, until they would have expired."""

    def __init__(self, spent: SpentStore, keys: Keys, clock: Clock) -> None:
        self._spent = spent
        self._keys = keys
        self._clock = clock

    def give(self, purpose: str, subject: str, lasts: timedelta) -> str:
        """A fresh challenge for a purpose (small letters and dashes), about somebody or something."""
        return Challenge.make(purpose, subject, self._clock.now() + lasts).write(self._keys.of("challenges"))

    async def take(self, text: str, purpose: str, subject: str) -> bool:
        """Take a challenge back: whether it is one of ours for just this, still good, and the first time here."""
        try:
            challenge = Challenge.read(text, self._keys.of("challenges"))
        except NoChallenge:
            return False
        if (challenge.purpose, challenge.subject) != (purpose, subject) or challenge.expires_at <= self._clock.now():
            return False
        return await self._spent.add(challenge.nonce, challenge.expires_at)
