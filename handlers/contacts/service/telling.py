"""Telling those who want to know that somebody of their address book can be found now."""

from functools import partial

from handlers.contacts.events import ContactFound
from handlers.contacts.models import ContactJoined, Tie
from handlers.contacts.service.finding import Finding
from handlers.contacts.store import TieStore
from handlers.users.service import Transact
from server.clock import Clock
from server.events import Publisher
from server.events import Users as ToUsers

AT_ONCE = 200


class Telling:
    """Looks, whenever a person has become easier to find, for those who wait for it."""

    def __init__(
        self, *, ties: TieStore, finding: Finding, clock: Clock, publish: Publisher, transact: Transact
    ) -> None:
        self._ties = ties
        self._finding = finding
        self._clock = clock
        self._publish = publish
        self._transact = transact

    async def joined(self, user_id: str, hashes: list[str]) -> None:
        """The person has proved to own the identifiers behind these hashes."""
        while await self._ties.awaited(user_id, hashes, now=self._clock.now(), limit=AT_ONCE) == AT_ONCE:
            pass
        await self.shown(user_id)

    async def shown(self, user_id: str) -> None:
        """The person may be found by more people than before: those of them who want to know are told, once."""
        after: str | None = None
        while ties := await self._ties.untold(user_id, now=self._clock.now(), after=after, limit=AT_ONCE):
            finders = await self._finding.finders(user_id, [one.owner_id for one in ties])
            for tie in ties:
                if tie.owner_id in finders:
                    await self._transact(partial(self._tell, tie))
            after = ties[-1].owner_id

    async def _tell(self, tie: Tie) -> None:
        if not await self._ties.told(tie):
            return
        for view in await self._finding.views(tie.owner_id, [tie]):
            payload = ContactJoined(**dict(view), owner_id=tie.owner_id)
            await self._publish(ContactFound(payload, to=ToUsers([tie.owner_id])))
