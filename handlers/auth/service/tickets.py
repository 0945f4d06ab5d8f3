"""Tickets: a sign-in whose password was right, and that waits for its second factor."""

from datetime import timedelta

from crypto.tokens import digest, new_secret
from handlers.auth.models import Ticket
from handlers.auth.service.errors import TicketGone
from handlers.auth.settings import AuthSettings
from handlers.auth.store import TicketStore
from server.clock import Clock


class Tickets:
    """Each is good for a few minutes, five attempts and one sign-in."""

    def __init__(self, tickets: TicketStore, settings: AuthSettings, clock: Clock) -> None:
        self._tickets = tickets
        self._clock = clock
        self.lasts = timedelta(minutes=settings.ticket_minutes)

    async def open(self, user_id: str, device_id: str | None) -> str:
        """A ticket for somebody who knows the password."""
        secret, now = new_secret(), self._clock.now()
        await self._tickets.add(digest(secret), Ticket(user_id=user_id, device_id=device_id), now + self.lasts)
        return secret

    async def attempt(self, ticket: str) -> Ticket:
        """Count an attempt to use a ticket. Raises TicketGone."""
        found = await self._tickets.attempt(digest(ticket), self._clock.now())
        if found is None:
            raise TicketGone
        return found

    async def look(self, ticket: str) -> Ticket:
        """A ticket, without an attempt. Raises TicketGone."""
        found = await self._tickets.get(digest(ticket), self._clock.now())
        if found is None:
            raise TicketGone
        return found

    async def take(self, ticket: str) -> None:
        """Use a ticket up, in the caller's unit of work: at most one sign-in gets it. Raises TicketGone."""
        if not await self._tickets.take(digest(ticket), self._clock.now()):
            raise TicketGone

    async def forget(self, user_id: str) -> None:
        """Void the tickets of a person: the password that they stand for is no more."""
        await self._tickets.forget(user_id)
