"""Entries as frames, for a process that did not hear of them: read from the log, with whoever may see them now."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from handlers.chat.events import MessageDeleted, MessageNew, MessageUpdated
from handlers.chat.service.bulletins import bulletin
from handlers.chat.service.changes import removed_of
from handlers.chat.service.deletions import hidden_event
from handlers.chat.service.desk import unseen_by
from handlers.chat.service.lives import is_expiry
from handlers.chat.service.state import State, States
from handlers.chat.service.timers import expired_event
from handlers.chat.service.views import CHANGES
from handlers.chat.service.wire import message_of
from server.events import Event, Members
from server.hub.frames import Frame
from server.hub.hub import frame_of
from storage.log import Entry, Log

PAGE = 200


class Repairs:
    """Answers the hub when it misses entries of a conversation."""

    def __init__(self, log: Log, states: States) -> None:
        self._log = log
        self._states = states

    async def fill(self, conversation_id: str, first: int, last: int) -> Sequence[Frame]:
        """Entries `first` to `last`, as far as they are there."""
        state = await self._states.current(conversation_id)
        if state is None:
            return []
        frames: list[Frame] = []
        while first <= last:
            entries = await self._log.read(
                conversation_id, after=first - 1, before=last + 1, limit=min(PAGE, last - first + 1)
            )
            if not entries:
                break
            wanted = {entry.target for entry in entries if entry.kind in CHANGES and entry.target is not None}
            targets = await self._log.get_many(conversation_id, wanted)
            frames += [frame(state, entry, targets.get(entry.target or 0)) for entry in entries]
            first = entries[-1].seq + 1
        return frames


def frame(state: State, entry: Entry, target: Entry | None) -> Frame:
    """One entry as a frame; one that nobody may see any more has no audience, but keeps its place."""
    event = event_of(state, entry, target)
    made = frame_of(event.name, event.payload, event.to, at=entry.at) if event is not None else None
    return made or Frame(b"", [], entry.conversation, entry.seq)


def event_of(state: State, entry: Entry, target: Entry | None) -> Event[Any] | None:
    """The event that tells an entry; None when there is nothing left to tell."""
    if entry.kind in {"member", "settings"}:
        return bulletin(state, entry)
    if entry.kind == "message":
        return MessageNew(message_of(entry, None), to=_audience(state, entry, entry))
    if entry.kind == "hide" or is_expiry(entry):
        return hidden_event(state, entry) if entry.kind == "hide" else expired_event(state, entry)
    if entry.kind not in CHANGES or target is None or target.kind != "message":
        return None
    audience = _audience(state, target, entry)
    if "deletedAt" in target.body:
        # Whatever the entry did, the message is gone by now; that it is deleted is told by the deletion itself too.
        return MessageDeleted(removed_of(target, entry.seq), to=audience)
    veil = entry.body.get("veil")
    if veil is not None:
        audience = replace(audience, ids=[one for one in audience.ids if one == veil])
    return MessageUpdated(message_of(target, veil), to=audience)


def _audience(state: State, message: Entry, at: Entry) -> Members:
    return state.told(at.seq, state.audience(message.seq, unseen_by(message)))
