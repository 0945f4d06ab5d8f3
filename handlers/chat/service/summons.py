"""Mentions: how many people a message may name, and who may call everybody, how often."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from crypto.ids import new_id
from handlers.chat.body import EVERYBODY
from handlers.chat.models.messages import NewMessage
from handlers.chat.service.access import Access, Enter
from handlers.chat.service.checks import refuse
from handlers.chat.service.errors import CalledAlready
from handlers.chat.settings import ChatSettings
from handlers.chat.store import ConversationStore
from server.actors import Actor
from server.clock import Clock
from server.errors import Forbidden
from storage.log import Entry, Guard

Here = Callable[[Sequence[str]], Awaitable[dict[str, set[str]] | None]]
"""The devices of people that are connected now; None while that cannot be known."""


class Summons:
    """Decides whom a message may call."""

    def __init__(
        self, *, access: Enter, conversations: ConversationStore, here: Here, clock: Clock, settings: ChatSettings
    ) -> None:
        self._access = access
        self._conversations = conversations
        self._here = here
        self._clock = clock
        self._rules = settings

    async def check(self, actor: Actor, access: Access, named: Sequence[str]) -> None:
        """Raises Invalid when somebody names more people than he may in one message."""
        if len(named) <= self._rules.max_mentions:
            return
        most = self._rules.max_admin_mentions if await self._manages(actor, access) else self._rules.max_mentions
        if len(named) > most:
            refuse("mentionedUserIds", f"must have at most {most} items")

    async def take(self, actor: Actor, access: Access, message: NewMessage, *, op: str | None) -> list[str]:
        """Whom a message calls beside those whom it names. Raises Invalid, Forbidden, CalledAlready.

        With the same `op` the same message takes its turn once, however often it is sent.
        """
        if message.mention_everyone is None:
            return []
        state = access.state
        if state.record.type == "direct":
            refuse("mentionEveryone", "is for groups")
        if not await self._manages(actor, access):
            raise Forbidden("Only the group's admins can call everybody.")
        turn, now = f"{actor.device_id}/{op}" if op else new_id(), self._clock.now()
        span = timedelta(minutes=self._rules.everyone_minutes)
        last = await self._conversations.take_call(state.id, turn, now=now, span=span)
        if last is not None:
            wait = max(timedelta(milliseconds=1), last + span - now)
            raise CalledAlready(
                f"Everybody can be called once in {self._rules.everyone_minutes} minutes: wait, or do without.",
                retry_after_ms=wait // timedelta(milliseconds=1),
            )
        if message.mention_everyone == "all":
            return [EVERYBODY]
        devices = await self._here(state.others(actor.user_id)) or {}
        return sorted(one for one, connected in devices.items() if connected)

    def guarded(self, actor: Actor, access: Access, guard: Guard) -> Guard:
        """The guard of a message that calls everybody: its sender must still be an admin."""

        async def both(entries: Sequence[Entry]) -> None:
            await guard(entries)
            (await self._access(access.conversation_id, actor)).must_manage()

        return both

    async def _manages(self, actor: Actor, access: Access) -> bool:
        if access.state.manages(actor.user_id):
            return True
        # He may just have become an admin elsewhere.
        return (await self._access(access.conversation_id, actor)).state.manages(actor.user_id)
