"""Pinning messages to the top of a conversation: an entry of the log each time, and a bounded number of places."""

from handlers.chat.body import Body, Unchanged, seen_by
from handlers.chat.models.messages import Message, OneMessage
from handlers.chat.models.pins import Pinned
from handlers.chat.models.values import split_message_id
from handlers.chat.service.access import Access, Enter
from handlers.chat.service.changes import Changes
from handlers.chat.service.errors import PinLimit
from handlers.chat.service.rights import Floor
from handlers.chat.service.views import Eyes, Views
from handlers.chat.settings import ChatSettings
from handlers.chat.store import Effect
from handlers.chat.store.pins import Pin, PinStore, pinning, unpinning
from server.actors import Actor
from server.clock import Clock
from server.errors import Unavailable
from storage.log import Effects, Entry, Log, Refused

ATTEMPTS = 10
"""Times that a place is looked for when others take it at the same moment."""


class Pins:
    """Pins messages, and takes the pins out again."""

    def __init__(
        self,
        changes: Changes,
        *,
        access: Enter,
        log: Log,
        views: Views,
        floor: Floor,
        store: PinStore,
        clock: Clock,
        settings: ChatSettings,
    ) -> None:
        self._changes = changes
        self._access = access
        self._log = log
        self._views = views
        self._floor = floor
        self._store = store
        self._clock = clock
        self._most = settings.max_pins

    async def pin(self, actor: Actor, wanted: OneMessage) -> Message:
        """Pin a message. Raises NotFound, Restricted, Gone, PinLimit."""
        access = await self._floor.enter(actor, await self._changes.enter(wanted.message_id, actor), ["pin"])
        conversation_id, seq = split_message_id(wanted.message_id)
        now = self._clock.now()

        def rule(_: Entry, body: Body) -> Body:
            if "pinnedAt" in body:
                raise Unchanged
            return {**body, "pinnedAt": now, "pinnedBy": actor.user_id, "changedAt": now}

        for _ in range(ATTEMPTS):
            effects = await self._place(conversation_id, seq, actor.user_id)
            try:
                return await (await self._changes.submit(actor, access, wanted, "pin", rule, effects=effects))
            except Refused as error:
                if not error.conflict:
                    raise
        raise Unavailable("Many pin here at once: try again in a moment.", retry_after_ms=500)

    async def unpin(self, actor: Actor, wanted: OneMessage) -> Message:
        """Take a pin out. Raises NotFound, Restricted, Gone."""
        access = await self._floor.enter(actor, await self._changes.enter(wanted.message_id, actor), ["pin"])
        conversation_id, seq = split_message_id(wanted.message_id)
        now = self._clock.now()

        def rule(_: Entry, body: Body) -> Body:
            if "pinnedAt" not in body:
                raise Unchanged
            return {name: body[name] for name in body if name not in {"pinnedAt", "pinnedBy"}} | {"changedAt": now}

        def effects(_: int) -> list[Effect]:
            return [unpinning(conversation_id, seq)]

        return await (await self._changes.submit(actor, access, wanted, "unpin", rule, effects=effects))

    async def of(self, actor: Actor, conversation_id: str) -> Pinned:
        """The pinned messages that the member may see, the one that was pinned last first. Raises NotFound."""
        access = await self._access(conversation_id, actor)
        pins = await self._store.of(conversation_id, self._most)
        found = await self._log.get_many(conversation_id, {pin.seq for pin in pins})
        shown = [entry for entry in found.values() if self._shows(access, entry)]
        shown.sort(key=lambda entry: (seen_by(entry.body, actor.user_id)["pinnedAt"], entry.seq), reverse=True)
        eyes = Eyes(actor.user_id, access.join_seq)
        return Pinned(conversation_id=conversation_id, messages=await self._views.messages(access.state, eyes, shown))

    def _shows(self, access: Access, entry: Entry) -> bool:
        visible = entry.kind == "message" and Eyes(access.user_id, access.join_seq).may_see(entry)
        return visible and "pinnedAt" in seen_by(entry.body, access.user_id)

    async def _place(self, conversation_id: str, seq: int, by: str) -> Effects | None:
        """The effects that take a free place; None when the message has one. Raises PinLimit."""
        pins = await self._store.of(conversation_id, self._most)
        if any(pin.seq == seq for pin in pins):
            return None
        if len(pins) >= self._most:
            pins = await self._alive(conversation_id, pins)
        taken = {pin.place for pin in pins}
        free = next((place for place in range(self._most) if place not in taken), None)
        if free is None:
            raise PinLimit(f"A conversation has up to {self._most} pinned messages: take one out first.")
        return lambda _: [pinning(conversation_id, free, seq, by)]

    async def _alive(self, conversation_id: str, pins: list[Pin]) -> list[Pin]:
        """Those of the pins whose messages have not disappeared; the places of the others are free again."""
        found = await self._log.get_many(conversation_id, {pin.seq for pin in pins})
        kept = []
        for pin in pins:
            entry = found.get(pin.seq)
            if entry is None or entry.kind != "message":
                await self._store.drop(conversation_id, pin.seq)
            else:
                kept.append(pin)
        return kept
