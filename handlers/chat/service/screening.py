"""Groups with rules about what is said: another slice decides by them (the port `Screen`), the chat acts on it.

A conversation's document says whether there are rules (`screening`), so a group without any pays nothing for them. They
change with an entry of the log: whoever decided by older ones finds out when he appends, and decides again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from handlers.chat.body import Body
from handlers.chat.models.messages import ChangedMessage, NewMessage
from handlers.chat.models.rights import MEMBERS_MAY
from handlers.chat.models.values import split_message_id
from handlers.chat.service.access import Access, Enter
from handlers.chat.service.ports import Said, Screen, Verdict
from handlers.chat.service.roster import Plan, Roster
from handlers.chat.service.state import State, States
from handlers.chat.store import ConversationStore, Effect, MemberStore
from server.actors import Actor
from server.clock import Clock
from server.errors import Conflict, Forbidden, MixeeError, NotFound, Unavailable

log = logging.getLogger("mixee.chat")

STORM = timedelta(minutes=1)
"""The span in which those who come by links are counted."""

Anew = Callable[[], Awaitable[Said]]

Saying = Callable[[State, Anew], Said]
"""What somebody wants to say, in the group as it is."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """What shall hold in a group from now on."""

    screened: bool
    """Whether anything that is said must be looked at."""
    join_limit: int
    """People who may come by links within a minute; 0: any number."""
    effects: Callable[[int], list[Effect]]
    """Writes that commit with it, by the entry that does it, which is the number of the new rules."""
    fields: list[str]
    """What changes, in the words of the wire."""


Draw = Callable[[Access], Awaitable[Ruled | None]]
"""From the group as it is to what shall hold in it; None when nothing changes. What it raises refuses the change."""


class Screening:
    """Asks the screen, and does what it says."""

    def __init__(
        self,
        screen: Callable[[], Screen],
        *,
        access: Enter,
        states: States,
        roster: Roster,
        conversations: ConversationStore,
        members: MemberStore,
        clock: Clock,
    ) -> None:
        self._screen = screen
        self._access = access
        self._states = states
        self._roster = roster
        self._conversations = conversations
        self._members = members
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    async def passes(self, said: Saying, state: State) -> tuple[bool, State]:
        """Let something be said; whether only its sender shall see it, and the group by which that was decided.

        Raises what the screen refuses it with.
        """
        asked, known = self._asked(said, state)
        verdict = await self._screen().judge(asked)
        await self._silence(asked, verdict)
        if verdict.refusal is not None:
            raise verdict.refusal
        return verdict.limited, known[-1]

    async def again(self, said: Saying, before: State, state: State, *, limited: bool) -> None:
        """The same for what was let through `before`, in the guard of its entry: by the rules as they are now.

        A guard cannot wait for another entry of the log, so the silence of its sender follows when it is done.
        """
        if state.record.screening != before.record.screening and state.record.screening:
            asked, _ = self._asked(said, state)
            verdict = await self._screen().judge(asked)
            if verdict.silent_until is not None:
                self._later(self._silence(asked, verdict))
            if verdict.refusal is not None:
                raise verdict.refusal
        else:
            verdict = Verdict(limited=limited and bool(state.record.screening))
        if verdict.limited is not limited:
            raise Unavailable("The group has just changed: send it again.", retry_after_ms=100)

    def _asked(self, said: Saying, state: State) -> tuple[Said, list[State]]:
        """What the screen is asked, and the states of the group that it has seen."""
        known = [state]

        async def anew() -> Said:
            known.append(await self._states.current(state.id) or state)
            return said(known[-1], anew)

        return said(state, anew), known

    def stormed(self, state: State) -> bool:
        """Whether so many have come by links within a minute that an admin must let in the next one.

        Those whom an admin has added together count as one, and who founded the group not at all.
        """
        limit, since = state.record.join_limit, self._clock.now() - STORM
        if not limit:
            return False
        recent = {member.join_seq for member in state.members.values() if member.joined_at > since}
        return len(recent - {1}) >= limit

    async def locked(self, conversation_id: str) -> None:
        """Tell the screen that an admin lets in whoever comes from now on."""
        state = await self._states.current(conversation_id)
        if state is not None:
            await self._screen().locked(conversation_id, state.admins)

    async def unlock(self, actor: Actor, conversation_id: str) -> None:
        """Let people in by links again without an admin. Raises NotFound, Forbidden."""

        def plan(access: Access) -> Plan | None:
            access.must_manage()
            if not access.state.record.join_approval:
                return None
            return _opening(access.state, closed=False)

        await self._roster.change(actor, conversation_id, plan)

    async def change(self, actor: Actor, conversation_id: str, draw: Draw) -> None:
        """Set what holds in a group. Raises NotFound, Forbidden, Conflict (encrypted), and what `draw` raises."""
        ruled: Ruled | None = None

        async def enter() -> Access:
            nonlocal ruled
            access = await self.ruled_group(actor, conversation_id)
            ruled = await draw(access)
            return access

        def plan(access: Access) -> Plan | None:
            return None if ruled is None else self._ruling(actor, access.state, ruled)

        await self._roster.change_by(actor, enter, plan)

    async def ruled_group(self, actor: Actor, conversation_id: str) -> Access:
        """An admin's way into a group that can have rules. Raises NotFound, Forbidden, Conflict."""
        access = await self._access(conversation_id, actor)
        if access.state.record.type == "direct":
            raise Forbidden("A direct conversation has no rules: block the person.")
        access.must_manage()
        if access.state.record.is_encrypted:
            raise Conflict("The server cannot read what is said in an encrypted group.")
        return access

    async def stop(self) -> None:
        """Finish what was begun."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ruling(self, actor: Actor, state: State, ruled: Ruled) -> Plan:
        at = self._clock.now()

        def effects(seq: int) -> list[Effect]:
            number = {"screening": seq if ruled.screened else 0}
            return [self._conversations.changing(state.id, number, seq=seq, at=at), *ruled.effects(seq)]

        values: dict[str, object] = {"screened_by": actor.user_id, "join_limit": ruled.join_limit}
        body: dict[str, object] = {"action": "settings", "fields": ruled.fields}
        return Plan(body, effects, size=len(state.members), values=values, kind="settings")

    async def _silence(self, said: Said, verdict: Verdict) -> None:
        """Let a member do nothing until the time is over. It never shortens a silence, nor silences an admin."""
        until = verdict.silent_until
        if until is None:
            return
        try:
            await self._silence_until(said.conversation_id, said.user_id, until)
        except MixeeError as error:
            log.warning("%s could not be silenced in %s: %s", said.user_id, said.conversation_id, error)

    async def _silence_until(self, conversation_id: str, user_id: str, until: datetime) -> None:
        async def enter() -> Access:
            state = await self._states.current(conversation_id)
            if state is None:
                raise NotFound("There is no such conversation.")
            return Access(state, state.record.screened_by or state.record.created_by)

        def plan(access: Access) -> Plan | None:
            state = access.state
            member = state.members.get(user_id)
            if member is None or member.role != "member" or (member.silent_until or until) > until:
                return None
            if member.silent_until == until:
                return None
            body: dict[str, object] = {"action": "restricted", "users": [user_id]}
            body |= {"denied": sorted(MEMBERS_MAY), "until": until}
            effects = [self._members.silencing(state.id, user_id, until)]
            return Plan(body, lambda _: effects, size=len(state.members), by=access.user_id)

        nobody = Actor(user_id, "user", frozenset(), session_id="", device_id="", expires_at=self._clock.now())
        await self._roster.change_by(nobody, enter, plan)

    def _later(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            await work

        task = asyncio.get_running_loop().create_task(run(), context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def closing(state: State) -> Plan:
    """The plan by which an admin lets in everybody who comes by a link."""
    return _opening(state, closed=True)


def _opening(state: State, *, closed: bool) -> Plan:
    body: dict[str, object] = {"action": "settings", "fields": ["joinApproval"]}
    return Plan(
        body,
        lambda _: [],
        size=len(state.members),
        values={"join_approval": closed},
        kind="settings",
        by=state.record.screened_by if closed else None,
    )


def said_in(
    actor: Actor, message: NewMessage, state: State, anew: Anew, *, media: Sequence[Body], op: str | None
) -> Said:
    """What a new message says, with attachments as its body holds them."""
    poll, location = message.poll, message.location
    texts = [message.content]
    if poll is not None:
        texts += [poll.question, *poll.options]
    texts += [one["filename"] for one in media if "filename" in one]
    if location is not None and location.address is not None:
        texts.append(location.address)
    return Said(
        conversation_id=state.id,
        revision=state.record.screening,
        user_id=actor.user_id,
        device_id=actor.device_id,
        role=state.role(actor.user_id) or "member",
        texts=[text for text in texts if text],
        addresses=[one["url"] for one in media if "url" in one],
        mentions=len(set(message.mentioned_user_ids)),
        op=op or message.client_message_id,
        message=message,
        admins=state.admins,
        anew=anew,
    )


def said_anew(actor: Actor, wanted: ChangedMessage, state: State, anew: Anew) -> Said:
    """What a message says after an edit."""
    conversation_id, _ = split_message_id(wanted.message_id)
    message = NewMessage(
        conversation_id=conversation_id,
        type="text",
        content=wanted.content,
        mentioned_user_ids=wanted.mentioned_user_ids or [],
    )
    return replace(said_in(actor, message, state, anew, media=(), op=wanted.operation_id), message=None)
