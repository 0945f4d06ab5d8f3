"""Closing polls: by their author or the group's admins at any time, by the clock when their time is over."""

import logging

from handlers.chat.body import Body, Unchanged, changed, poll_closed
from handlers.chat.events import MessageUpdated
from handlers.chat.models.messages import Message, OneMessage
from handlers.chat.service.changes import Changes
from handlers.chat.service.desk import Desk
from handlers.chat.service.errors import NotAPoll
from handlers.chat.service.state import States
from handlers.chat.service.wire import message_of
from handlers.chat.store.editions import EditionStore
from server.actors import Actor
from server.clock import Clock
from server.errors import Forbidden, MixeeError
from server.routes import Pending
from storage.log import Appended, Draft, Entry, Log

log = logging.getLogger("mixee.chat")


class Polls:
    """Closes polls."""

    def __init__(
        self, changes: Changes, *, log: Log, states: States, desk: Desk, store: EditionStore, clock: Clock
    ) -> None:
        self._changes = changes
        self._log = log
        self._states = states
        self._desk = desk
        self._store = store
        self._clock = clock

    async def close(self, actor: Actor, wanted: OneMessage) -> Pending[Message]:
        """Close a poll for good. Raises NotFound, Gone, NotAPoll, Forbidden."""
        access = await self._changes.enter(wanted.message_id, actor)
        now = self._clock.now()

        def rule(entry: Entry, body: Body) -> Body:
            if "poll" not in body:
                raise NotAPoll("This message is no poll.")
            if entry.sender != actor.user_id and not self._states.latest(access.state).manages(actor.user_id):
                raise Forbidden("A poll is closed by its author or by the group's admins.")
            if "closedAt" in body["poll"]:
                raise Unchanged
            return poll_closed(body, at=now)

        return await self._changes.submit(actor, access, wanted, "close", rule)

    async def close_due(self) -> None:
        """Close every poll whose time is over. Each is closed once, also when several processes do this at once."""
        for poll in await self._store.polls_due(self._clock.now()):
            try:
                await self._close(poll)
            except MixeeError as error:
                log.warning("the poll %s:%s could not be closed: %s", poll.conversation, poll.seq, error)

    async def _close(self, poll: Entry) -> None:
        state = await self._states.current(poll.conversation)
        if state is None:
            return

        def edit(body: Body) -> Body:
            if "poll" not in body or "closedAt" in body["poll"]:
                raise Unchanged
            return poll_closed(body, at=body["poll"]["closesAt"])

        def change(entry: Entry, revision: int) -> Body:
            return {**changed(entry.body, edit, veil=None), "revision": revision}

        async def tell(appended: Appended) -> tuple[None, MessageUpdated | None]:
            found = await self._log.get(poll.conversation, poll.seq)
            if found is None or found.kind != "message" or "deletedAt" in found.body:
                return None, None
            audience = self._desk.audience(state, found, at=appended.entry.seq)
            return None, MessageUpdated(message_of(found, None), to=audience)

        draft = Draft(conversation=poll.conversation, kind="close", sender=poll.sender, target=poll.seq, change=change)
        try:
            await self._desk.submit(draft, tell)
        except Unchanged:
            return
