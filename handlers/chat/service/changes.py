"""Changing what was said: edits, deletions, reactions and votes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from handlers.chat.body import (
    Body,
    Unchanged,
    changed,
    edited,
    is_closed,
    named_in,
    reacted,
    reacted_with,
    reactions_of,
    thread_of,
    tombstone,
    voted,
    votes_of,
)
from handlers.chat.events import MessageDeleted, MessageUpdated
from handlers.chat.models.messages import (
    ChangedMessage,
    Message,
    NewVote,
    OneMessage,
    OneReaction,
    OwnReactions,
    Removed,
)
from handlers.chat.models.values import message_id, split_message_id
from handlers.chat.service.access import Access, Enter
from handlers.chat.service.checks import check_content, must_be_open, refuse
from handlers.chat.service.desk import Desk, operation
from handlers.chat.service.errors import EditLimit, NotAPoll, PollClosed, ReactionLimit, WindowClosed
from handlers.chat.service.people import People
from handlers.chat.service.requests import Requests
from handlers.chat.service.rights import Check, Floor, needed
from handlers.chat.service.screening import Screening, said_anew
from handlers.chat.service.state import States
from handlers.chat.service.summons import Summons
from handlers.chat.service.views import Eyes
from handlers.chat.service.wire import message_of
from handlers.chat.settings import ChatSettings
from handlers.chat.store import Effect, auditing, scrubbing
from handlers.chat.store.pins import unpinning
from handlers.chat.store.stars import unstarring
from handlers.chat.store.threads import dropping
from server.actors import Actor
from server.clock import Clock
from server.errors import Conflict, Forbidden, Gone, NotFound
from server.events import Event, Members
from server.routes import Pending
from storage.log import Appended, Draft, Effects, Entry, Log

EDITABLE = frozenset({"text", "image", "video", "audio", "file", "location"})

T = TypeVar("T")

Wanted = ChangedMessage | OneMessage | OneReaction | OwnReactions | NewVote
"""What is asked for a message, perhaps with an id of the operation."""

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
        summons: Summons,
        requests: Requests,
        clock: Clock,
        settings: ChatSettings,
        screening: Screening,
    ) -> None:
        self._access = access
        self._desk = desk
        self._log = log
        self._states = states
        self._people = people
        self._floor = floor
        self._summons = summons
        self._requests = requests
        self._clock = clock
        self._rules = settings
        self._screening = screening

    async def edit(self, actor: Actor, wanted: ChangedMessage) -> Pending[Message]:
        """Change the text of one's own message.

        Raises NotFound, Forbidden, Restricted, RequestPending, Screened, Gone, WindowClosed, EditLimit and Invalid.
        """
        conversation_id, _ = split_message_id(wanted.message_id)
        access = await self._access(conversation_id, actor, guarded=True)
        must_be_open(access.state.record)
        access = await self._requests.edits(actor, access, wanted.content)
        access = await self._floor.enter(actor, access, needed("text", wanted.content))
        state, now = access.state, self._clock.now()
        await self._summons.check(actor, access, wanted.mentioned_user_ids or ())
        await self._desk.must_be_members(access, wanted.mentioned_user_ids or ())
        said = partial(said_anew, actor, wanted)
        judged = state
        if state.record.screening:
            _, judged = await self._screening.passes(said, state)
        also = partial(self._screening.again, said, judged, limited=False)

        def rule(entry: Entry, body: Body) -> Body:
            if entry.sender != actor.user_id:
                raise Forbidden("Only your own messages can be edited.")
            if body["type"] not in EDITABLE:
                raise Forbidden("A poll cannot be edited.")
            mentions = wanted.mentioned_user_ids
            if body["content"] == wanted.content and (mentions is None or mentions == named_in(body)):
                raise Unchanged
            if now - entry.at > timedelta(hours=self._rules.edit_hours):
                raise WindowClosed(f"A message can be edited for {self._rules.edit_hours} hours.")
            if body.get("edits", 0) >= self._rules.max_edits:
                raise EditLimit(f"A message can be edited {self._rules.max_edits} times.")
            check_content(body["type"], wanted.content)
            self._floor.must(self._states.latest(state), actor.user_id, needed("text", wanted.content))
            return edited(body, wanted.content, mentions, at=now, searchable=not state.record.is_encrypted)

        return await self.submit(actor, access, wanted, "edit", rule, also=also)

    async def delete(self, actor: Actor, wanted: OneMessage) -> Pending[Removed]:
        """Take a message back for everybody. Raises NotFound, Forbidden, WindowClosed."""
        conversation_id, seq = split_message_id(wanted.message_id)
        # Not by what this process remembers: somebody who has just become an admin elsewhere must not be refused.
        access = await self._access(conversation_id, actor)
        now, result = self._clock.now(), _Result()

        def rule(entry: Entry, body: Body) -> Body:
            if body["type"] == "system":
                raise Forbidden("What the server says cannot be deleted for all: delete it for yourself.")
            own = entry.sender == actor.user_id
            state = self._states.latest(access.state)
            admin, secret = state.manages(actor.user_id), state.record.is_encrypted and state.record.pair is not None
            if not own and not admin and not secret:
                raise Forbidden("Only your own messages can be deleted, or any of them by the group's admins.")
            if not admin and not secret and now - entry.at > timedelta(hours=self._rules.delete_hours):
                raise WindowClosed(f"A message can be deleted for {self._rules.delete_hours} hours.")
            return tombstone(body, "sender" if own else "admin" if admin else "peer", at=now)

        draft = Draft(
            conversation=conversation_id,
            kind="delete",
            sender=actor.user_id,
            device=actor.device_id,
            op=operation(wanted.operation_id),
            target=seq,
            change=self._change(access, rule, result, deleting=True),
            uncount=True,
            effects=lambda own: [
                scrubbing(conversation_id, seq, own),
                unpinning(conversation_id, seq),
                unstarring(conversation_id, seq),
                dropping(conversation_id, seq),
                *self._noting(access, result, own, at=now),
            ],
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
        access = await self.enter(wanted.message_id, actor)
        must_be_open(access.state.record)
        now = self._clock.now()

        def rule(_: Entry, body: Body) -> Body:
            own = reactions_of(body, actor.user_id)
            if (wanted.emoji in own) is on:
                raise Unchanged
            result = reacted(body, wanted.emoji, actor.user_id, on=on, at=now)
            if on:
                self._check_reactions(result, actor.user_id)
            return result

        return await self.submit(actor, access, wanted, "reaction", rule)

    async def set_reactions(self, actor: Actor, wanted: OwnReactions) -> Pending[Message]:
        """Put exactly these emojis beside a message. Raises NotFound, Gone, ReactionLimit."""
        access = await self.enter(wanted.message_id, actor)
        must_be_open(access.state.record)
        emojis, now = list(dict.fromkeys(wanted.emojis)), self._clock.now()

        def rule(_: Entry, body: Body) -> Body:
            if reactions_of(body, actor.user_id) == set(emojis):
                raise Unchanged
            result = reacted_with(body, emojis, actor.user_id, at=now)
            self._check_reactions(result, actor.user_id)
            return result

        return await self.submit(actor, access, wanted, "reaction", rule)

    def _check_reactions(self, body: Body, user_id: str) -> None:
        own, most = self._rules.max_own_reactions, self._rules.max_reactions
        if len(reactions_of(body, user_id)) > own:
            raise ReactionLimit(f"A message takes {own} reactions of yours: take one away first.")
        if len(body["reactions"]) > most:
            raise ReactionLimit(f"A message takes {most} different reactions: use one that is there.")

    async def vote(self, actor: Actor, wanted: NewVote) -> Pending[Message]:
        """Vote in a poll. Raises NotFound, Gone, NotAPoll, Invalid."""
        access = await self.enter(wanted.message_id, actor)
        options, now = sorted(set(wanted.options)), self._clock.now()

        def rule(_: Entry, body: Body) -> Body:
            poll = body.get("poll")
            if poll is None:
                raise NotAPoll("This message is no poll.")
            if is_closed(poll, now):
                raise PollClosed("This poll is closed.")
            if options and options[-1] >= len(poll["options"]):
                refuse("options", f"this poll has {len(poll['options'])} answers, counted from 0")
            if len(options) > 1 and not poll["multiple"]:
                refuse("options", "this poll takes one answer")
            if votes_of(body, actor.user_id) == options:
                raise Unchanged
            return voted(body, options, actor.user_id, at=now)

        return await self.submit(actor, access, wanted, "vote", rule)

    def _noting(self, access: Access, result: _Result, seq: int, *, at: datetime) -> list[Effect]:
        """What an admin deletes of somebody else is noted."""
        after = result.after
        if after is None or after.body["deletedBy"] != "admin":
            return []
        what = {"action": "deleted", "users": [after.sender]}
        return [auditing(access.conversation_id, what, seq=seq, by=access.user_id, at=at)]

    async def enter(self, wanted: str, actor: Actor) -> Access:
        """The way in of somebody who wants to change a message. Raises NotFound, RequestPending."""
        conversation_id, _ = split_message_id(wanted)
        return await self._requests.enter(actor, await self._access(conversation_id, actor, guarded=True))

    async def submit(
        self,
        actor: Actor,
        access: Access,
        wanted: Wanted,
        kind: str,
        rule: Rule,
        *,
        effects: Effects | None = None,
        also: Check | None = None,
    ) -> Pending[Message]:
        """Change a message by a rule, as an entry of this kind; a block between two people may veil the change.

        `effects` commit with it. Those of `unpin` do not when it is veiled: for the other one it is pinned still.
        """
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
            effects=None if veil is not None and kind == "unpin" else effects,
            guard=self._desk.guard(access, also=also),
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
        thread_root_id=message_id(entry.conversation, root) if (root := thread_of(entry.body)) else None,
        deleted_by=entry.body["deletedBy"],
        reason=None,
        deleted_at=entry.body["deletedAt"],
    )
