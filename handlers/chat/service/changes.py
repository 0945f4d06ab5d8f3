"""Changing what was said: edits, deletions, reactions and votes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from handlers.chat.body import Body, Unchanged, changed, edited, reacted, reactions_of, tombstone, voted, votes_of
from handlers.chat.events import MessageDeleted, MessageUpdated
from handlers.chat.models.messages import ChangedMessage, Message, NewVote, OneMessage, OneReaction, Removed
from handlers.chat.models.values import message_id, split_message_id
from handlers.chat.service.access import Access, Enter
from handlers.chat.service.checks import check_content, refuse
from handlers.chat.service.desk import Desk, operation
from handlers.chat.service.errors import EditLimit, NotAPoll, ReactionLimit, WindowClosed
from handlers.chat.service.people import People
from handlers.chat.service.rights import Floor, needed
from handlers.chat.service.state import States
from handlers.chat.service.views import Eyes
from handlers.chat.service.wire import message_of
from handlers.chat.store import Effect, auditing, scrubbing
from server.actors import Actor
from server.clock import Clock
from server.errors import Conflict, Forbidden, Gone, NotFound
from server.events import Event, Members
from server.routes import Pending
from storage.log import Appended, Draft, Entry, Log

WINDOW = timedelta(hours=48)
MAX_EDITS = 20
MAX_OWN_REACTIONS = 3
MAX_REACTIONS = 20
EDITABLE = frozenset({"text", "image", "video", "audio", "file", "location"})

T = TypeVar("T")

Rule = Callable[[Entry, Body], Body]
"""From a message (the entry, and its body as the one who changes it sees it) to its new body, or an error."""


@dataclass(slots=True)
class _Result:
    """A message as a change found it and as it made it."""

    before: Entry | None = None
    after: Entry | None = None


class Changes:
    """Changes messages in place, each change an entry of its own."""

    def __init__(
        self,
        *,
        access: Enter,
        desk: Desk,
        log: Log,
        states: States,
        people: People,
        floor: Floor,
        clock: Clock,
    ) -> None:
        self._access = access
        self._desk = desk
        self._log = log
        self._states = states
        self._people = people
        self._floor = floor
        self._clock = clock

    async def edit(self, actor: Actor, wanted: ChangedMessage) -> Pending[Message]:
        """Change the text of one's own message. Raises NotFound, Forbidden, Gone, WindowClosed, EditLimit, Invalid."""
        access = await self._floor.enter(
            actor, await self._enter(wanted.message_id, actor), needed("text", wanted.content)
        )
        state, now = access.state, self._clock.now()
        await self._desk.must_be_members(access, wanted.mentioned_user_ids or ())

        def rule(entry: Entry, body: Body) -> Body:
            if entry.sender != actor.user_id:
                raise Forbidden("Only your own messages can be edited.")
            if body["type"] not in EDITABLE:
                raise Forbidden("A poll cannot be edited.")
            mentions = wanted.mentioned_user_ids
            if body["content"] == wanted.content and (mentions is None or mentions == body.get("mentions", [])):
                raise Unchanged
            if now - entry.at > WINDOW:
                raise WindowClosed("A message can be edited for 48 hours.")
            if body.get("edits", 0) >= MAX_EDITS:
                raise EditLimit(f"A message can be edited {MAX_EDITS} times.")
            check_content(body["type"], wanted.content)
            self._floor.must(self._states.latest(state), actor.user_id, needed("text", wanted.content))
            return edited(body, wanted.content, mentions, at=now, searchable=not state.record.is_encrypted)

        return await self._submit(actor, access, wanted, "edit", rule)

    async def delete(self, actor: Actor, wanted: OneMessage) -> Pending[Removed]:
        """Take a message back for everybody. Raises NotFound, Forbidden, WindowClosed."""
        conversation_id, seq = split_message_id(wanted.message_id)
        # Not by what this process remembers: somebody who has just become an admin elsewhere must not be refused.
        access = await self._access(conversation_id, actor)
        now, result = self._clock.now(), _Result()

        def rule(entry: Entry, body: Body) -> Body:
            own = entry.sender == actor.user_id
            admin = self._states.latest(access.state).manages(actor.user_id)
            if not own and not admin:
                raise Forbidden("Only your own messages can be deleted, or any of them by the group's admins.")
            if not admin and now - entry.at > WINDOW:
                raise WindowClosed("A message can be deleted for 48 hours.")
            return tombstone(body, "sender" if own else "admin", at=now)

        draft = Draft(
            conversation=conversation_id,
            kind="delete",
            sender=actor.user_id,
            device=actor.device_id,
            op=operation(wanted.operation_id),
            target=seq,
            change=self._change(access, rule, result, deleting=True),
            uncount=True,
            effects=lambda own: [scrubbing(conversation_id, seq, own), *self._noting(access, result, own, at=now)],
            guard=self._desk.guard(access),
            known=access.state.seq,
        )

        async def tell(appended: Appended) -> tuple[Removed, Event[Removed] | None]:
            entry = await self._target(appended, result, "delete", seq)
            removed = removed_of(entry, appended.entry.seq)
            return removed, MessageDeleted(removed, to=self._audience(access, appended.entry, entry))

        return _or_as_it_was(
            self._desk.submit(draft, tell), result, lambda entry: removed_of(entry, entry.body["revision"])
        )

    async def react(self, actor: Actor, wanted: OneReaction, *, on: bool) -> Pending[Message]:
        """Put an emoji beside a message, or take it away. Raises NotFound, Gone, ReactionLimit."""
        access = await self._enter(wanted.message_id, actor)
        now = self._clock.now()

        def rule(_: Entry, body: Body) -> Body:
            own = reactions_of(body, actor.user_id)
            if (wanted.emoji in own) is on:
                raise Unchanged
            if on and len(own) >= MAX_OWN_REACTIONS:
                raise ReactionLimit(f"You have {MAX_OWN_REACTIONS} reactions here: take one away first.")
            known = {one["emoji"] for one in body.get("reactions", ())}
            if on and wanted.emoji not in known and len(known) >= MAX_REACTIONS:
                raise ReactionLimit(f"This message has {MAX_REACTIONS} different reactions: use one of them.")
            return reacted(body, wanted.emoji, actor.user_id, on=on, at=now)

        return await self._submit(actor, access, wanted, "reaction", rule)

    async def vote(self, actor: Actor, wanted: NewVote) -> Pending[Message]:
        """Vote in a poll. Raises NotFound, Gone, NotAPoll, Invalid."""
        access = await self._enter(wanted.message_id, actor)
        options, now = sorted(set(wanted.options)), self._clock.now()

        def rule(_: Entry, body: Body) -> Body:
            poll = body.get("poll")
            if poll is None:
                raise NotAPoll("This message is no poll.")
            if options and options[-1] >= len(poll["options"]):
                refuse("options", f"this poll has {len(poll['options'])} answers, counted from 0")
            if len(options) > 1 and not poll["multiple"]:
                refuse("options", "this poll takes one answer")
            if votes_of(body, actor.user_id) == options:
                raise Unchanged
            return voted(body, options, actor.user_id, at=now)

        return await self._submit(actor, access, wanted, "vote", rule)

    def _noting(self, access: Access, result: _Result, seq: int, *, at: datetime) -> list[Effect]:
        """What an admin deletes of somebody else is noted."""
        after = result.after
        if after is None or after.body["deletedBy"] != "admin":
            return []
        what = {"action": "deleted", "users": [after.sender]}
        return [auditing(access.conversation_id, what, seq=seq, by=access.user_id, at=at)]

    async def _enter(self, wanted: str, actor: Actor) -> Access:
        conversation_id, _ = split_message_id(wanted)
        return await self._access(conversation_id, actor, guarded=True)

    async def _submit(
        self, actor: Actor, access: Access, wanted: ChangedMessage | OneReaction | NewVote, kind: str, rule: Rule
    ) -> Pending[Message]:
        conversation_id, seq = split_message_id(wanted.message_id)
        peer = access.state.peer(actor.user_id)
        blocked = peer is not None and await self._people.open_block(actor.user_id, peer)
        veil, result = actor.user_id if blocked else None, _Result()
        draft = Draft(
            conversation=conversation_id,
            kind=kind,
            sender=actor.user_id,
            device=actor.device_id,
            op=operation(wanted.operation_id),
            target=seq,
            change=self._change(access, rule, result, veil=veil),
            guard=self._desk.guard(access),
            known=access.state.seq,
        )

        async def tell(appended: Appended) -> tuple[Message, Event[Message] | None]:
            entry = await self._target(appended, result, kind, seq)
            audience = self._audience(access, appended.entry, entry)
            return message_of(entry, actor.user_id), MessageUpdated(message_of(entry, veil), to=audience)

        return _or_as_it_was(self._desk.submit(draft, tell), result, lambda entry: message_of(entry, actor.user_id))

    def _change(
        self, access: Access, rule: Rule, result: _Result, *, veil: str | None = None, deleting: bool = False
    ) -> Callable[[Entry, int], Body]:
        eyes = Eyes(access.user_id, access.join_seq)

        def change(entry: Entry, revision: int) -> Body:
            result.before = entry
            if entry.kind != "message" or not eyes.may_see(entry):
                raise NotFound("There is no such message.")
            if "deletedAt" in entry.body:
                raise Unchanged if deleting else Gone("The message was deleted.")
            edit = partial(rule, entry)
            body = edit(entry.body) if deleting else changed(entry.body, edit, veil=veil)
            result.after = replace(entry, body={**body, "revision": revision})
            return result.after.body

        return change

    async def _target(self, appended: Appended, result: _Result, kind: str, seq: int) -> Entry:
        """The message after the change. For a change that was made before: as it is now."""
        change = appended.entry
        if result.after is not None and not appended.duplicate:
            return result.after
        if change.kind not in {kind, "noop"} or change.target != seq:
            raise Conflict("This operationId was used for something else.")
        entry = await self._log.get(change.conversation, seq)
        if entry is None or entry.kind != "message":
            raise NotFound("There is no such message.")
        return entry

    def _audience(self, access: Access, change: Entry, target: Entry) -> Members:
        """Whoever may see the message may see its change, or only the one who made it when it is veiled."""
        audience = self._desk.audience(access.state, target, at=change.seq)
        veil = change.body.get("veil")
        return audience if veil is None else replace(audience, ids=[one for one in audience.ids if one == veil])


def _or_as_it_was(pending: Pending[T], result: _Result, render: Callable[[Entry], T]) -> Pending[T]:
    """The answer, or what there was already when there was nothing to change."""

    async def wait() -> T:
        try:
            return await pending
        except Unchanged:
            if result.before is None:
                raise
            return render(result.before)

    return Pending(wait())


def removed_of(entry: Entry, seq: int) -> Removed:
    """A message that was taken back by the entry `seq`."""
    return Removed(
        message_id=message_id(entry.conversation, entry.seq),
        conversation_id=entry.conversation,
        seq=seq,
        target_seq=entry.seq,
        deleted_by=entry.body["deletedBy"],
        deleted_at=entry.body["deletedAt"],
    )
