"""Messages that wait for an admin, who lets them be sent or not.

A message waits as the operation that its sender gave it, so however often he sends it, it waits once; and it is sent as
that operation, so whatever dies in between, it is there once: whoever finds it half sent sends it again.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from crypto.ids import new_id
from handlers.automod.events import AutoModDecided, AutoModHeld
from handlers.automod.models.acts import Decision, HeldMessage, HeldPage, Hit, ListedHeld, Ruling
from handlers.automod.service.errors import AlreadyDecided, CannotSend, NoSuchHeld
from handlers.automod.service.notes import Notes, reasons_of
from handlers.automod.settings import AutoModSettings
from handlers.automod.store import Held, HeldStore
from handlers.chat.service import Chat, Said, Screened
from handlers.chat.service import Held as Waits
from server.actors import Actor
from server.clock import Clock
from server.errors import Gone, MixeeError, Unavailable
from server.events import Publisher, Users

log = logging.getLogger("mixee.automod")

OWN = "held:"
"""Begins the operations of messages that came without one."""


@dataclass(frozen=True, slots=True)
class Wait:
    """How a message that shall wait stands."""

    id: str | None = None
    passes: bool = False
    """An admin has approved of it, and it was sent: sending it again finds it."""
    fresh: bool = False
    """It waits from now on."""
    refusal: MixeeError | None = None


class Holding:
    """Keeps what waits, and does what is decided about it."""

    def __init__(
        self,
        store: HeldStore,
        *,
        chat: Chat,
        notes: Notes,
        publish: Publisher,
        clock: Clock,
        settings: AutoModSettings,
    ) -> None:
        self._store = store
        self._chat = chat
        self._notes = notes
        self._publish = publish
        self._clock = clock
        self._rules = settings

    async def hold(self, said: Said, hits: Sequence[Hit]) -> Wait:
        """Let a message wait, unless it does already or did."""
        held_id, now = new_id(), self._clock.now()
        held = Held(
            id=held_id,
            scope_id=said.conversation_id,
            user_id=said.user_id,
            device=said.device_id,
            op=said.op or f"{OWN}{held_id}",
            at=now,
            expires_at=now + timedelta(days=self._rules.held_days),
            reasons=reasons_of(hits),
            message=said.message,
        )
        stored = await self._store.add(held)
        if stored.id != held.id:
            return _standing(stored)
        if await self._too_many(held):
            await self._store.drop(held.id)
            full = "So many messages wait for the admins of this group that yours cannot: try again later."
            return Wait(refusal=Screened(full))
        await self._publish(AutoModHeld(_shown(held), to=Users(said.admins)))
        return Wait(held.id, fresh=True, refusal=_waits(held))

    async def queue(self, actor: Actor, wanted: ListedHeld) -> HeldPage:
        """What waits in a group. Raises NotFound, Forbidden."""
        await self._chat.screening.ruled_group(actor, wanted.conversation_id)
        found = await self._store.queue(wanted.conversation_id, wanted.cursor, wanted.limit + 1)
        page = found[: wanted.limit]
        return HeldPage(held=[_shown(one) for one in page], next_cursor=page[-1].id if len(found) > len(page) else None)

    async def decide(self, actor: Actor, wanted: Ruling) -> Decision:
        """Send a message that waits, or never. Raises NotFound, Forbidden, NoSuchHeld, AlreadyDecided, CannotSend."""
        access = await self._chat.screening.ruled_group(actor, wanted.conversation_id)
        if wanted.approve:
            decision = await self._approve(actor, wanted)
        else:
            decision = await self._reject(actor, wanted)
        told = {*access.state.admins, decision.user_id}
        await self._publish(AutoModDecided(decision, to=Users(sorted(told))))
        return decision

    async def forget(self, user_id: str) -> None:
        """Drop everything of a person who is gone."""
        await self._store.forget(user_id)

    async def _too_many(self, held: Held) -> bool:
        """Whether this is one too many. It is asked afterwards: of several at once, those that are too many see it."""
        each, all_ = self._rules.max_held_each, self._rules.max_held
        if await self._store.count(held.scope_id, held.user_id, most=each + 1) > each:
            return True
        return await self._store.count(held.scope_id, None, most=all_ + 1) > all_

    async def _approve(self, actor: Actor, wanted: Ruling) -> Decision:
        held = await self._store.claim(wanted.held_id, wanted.conversation_id, by=actor.user_id)
        if held is None or held.message is None:
            return await self._refused(wanted)
        author = Actor(
            held.user_id,
            "user",
            frozenset(),
            session_id="",
            device_id=held.device,
            expires_at=self._clock.now(),
        )
        message_id: str | None = None
        try:
            sent = await (await self._chat.messages.approved(author, held.message, op=held.op))
            message_id = sent.id
        except Gone:
            log.info("a held message was sent before, and has disappeared since")
        except Unavailable:
            raise  # it is not certain whether it was sent: whoever approves again finds out
        except MixeeError as error:
            await self._store.release(held.id)
            raise CannotSend(f"This message cannot be sent, only rejected: {error.message}") from error
        if await self._store.approved(held.id, message_id):
            await self._noted(held, "approved", actor)
        return _decision(replace(held, message_id=message_id), approved=True)

    async def _reject(self, actor: Actor, wanted: Ruling) -> Decision:
        held = await self._store.reject(wanted.held_id, wanted.conversation_id, by=actor.user_id)
        if held is None:
            return await self._refused(wanted)
        await self._noted(held, "rejected", actor)
        return _decision(held, approved=False)

    async def _noted(self, held: Held, outcome: str, actor: Actor) -> None:
        await self._notes.note(
            held.scope_id,
            "approved" if outcome == "approved" else "rejected",
            user_id=held.user_id,
            reasons=held.reasons,
            by=actor.user_id,
            held_id=held.id,
        )

    async def _refused(self, wanted: Ruling) -> Decision:
        """What was decided before, when it is the same again. Raises NoSuchHeld, AlreadyDecided."""
        held = await self._store.get(wanted.held_id, wanted.conversation_id)
        if held is None:
            raise NoSuchHeld("No such message waits here.")
        if held.state != ("approved" if wanted.approve else "rejected"):
            raise AlreadyDecided("This message is being sent, or an admin has decided otherwise about it.")
        return _decision(held, approved=wanted.approve)


def _standing(held: Held) -> Wait:
    if held.state == "approved":
        return Wait(held.id, passes=True)
    if held.state == "rejected":
        return Wait(held.id, refusal=Screened("An admin of this group has decided not to let this be sent."))
    return Wait(held.id, refusal=_waits(held))


def _waits(held: Held) -> Waits:
    return Waits(
        "This message waits for an admin of the group: it is sent once he approves of it.",
        details=[{"field": "heldId", "message": held.id}],
    )


def _decision(held: Held, *, approved: bool) -> Decision:
    return Decision(
        held_id=held.id,
        conversation_id=held.scope_id,
        user_id=held.user_id,
        client_message_id=None if held.op.startswith(OWN) else held.op,
        approved=approved,
        message_id=held.message_id,
    )


def _shown(held: Held) -> HeldMessage:
    message = held.message
    return HeldMessage(
        id=held.id,
        conversation_id=held.scope_id,
        user_id=held.user_id,
        at=held.at,
        reasons=list(held.reasons),
        type=message.type if message else "text",
        content=message.content if message else "",
        media=message.media if message else None,
        album=(message.album or []) if message else [],
        location=message.location if message else None,
        poll=message.poll if message else None,
        mentioned_user_ids=message.mentioned_user_ids if message else [],
    )
