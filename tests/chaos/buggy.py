"""The real server with one bug in it, which the checker must catch: `python -m tests.chaos.buggy NAME serve …`.

Every bug replaces one method of the real application in this process, where such a bug would be made.
"""

import asyncio
import random
import secrets
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import BulkWriteError
from pymongo.write_concern import WriteConcern

import run
from handlers.chat.service.desk import Desk
from handlers.chat.service.state import State, States
from server.errors import Forbidden
from server.hub.backplane import Backplane
from server.hub.frames import Frame, Message
from server.hub.sequencer import Sequencer
from storage.log import Appended, Draft, Entry, Log
from storage.log.commit import Committer
from storage.log.compose import plain
from storage.mongo import Document

NODE = secrets.token_hex(4)
"""What tells this process from the other ones."""


@dataclass(frozen=True, slots=True)
class Bug:
    """What is wrong, how it is put in, and the anomalies by which it may give itself away."""

    about: str
    install: Callable[[], None]
    shows: frozenset[str]


def _replace(where: type[Any], method: str, by: Callable[..., Any]) -> None:
    patch.object(where, method, by).start()


def _guess(log: Log, draft: Draft) -> Entry:
    """The entry that a draft will probably become."""
    known = log._heads.get(draft.conversation)
    seq = known.head + known.waiting + 1
    at = log._clock()
    return Entry(draft.conversation, seq, draft.kind, draft.sender, draft.device, draft.op, None, draft.body, at)


def _ack_before_commit() -> None:
    submit = Log.submit

    def early(self: Log, draft: Draft) -> asyncio.Future[Appended]:
        if draft.kind != "message":
            return submit(self, draft)
        entry = _guess(self, draft)
        submit(self, draft).add_done_callback(lambda done: done.cancelled() or done.exception())
        answer: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        answer.set_result(Appended(entry, duplicate=False))
        return answer

    _replace(Log, "submit", early)


def _publish_before_commit() -> None:
    submit = Desk.submit

    def early(self: Desk, draft: Draft, tell: Any) -> Any:
        pending = submit(self, draft, tell)
        if draft.kind == "message":
            entry = _guess(self._log, draft)
            task = asyncio.get_running_loop().create_task(_tell(self, replace(entry, seq=entry.seq - 1), tell))
            self._tasks.add(task)
            task.add_done_callback(self._done)
        return pending

    async def _tell(self: Desk, entry: Entry, tell: Any) -> None:
        _, event = await tell(Appended(entry, duplicate=False))
        await self._publish(event)

    _replace(Desk, "submit", early)


def _settled_when_numbered() -> None:
    write = Committer._write

    async def early(self: Committer, drafts: Sequence[Any]) -> None:
        plan = plain(drafts, self._clock())
        for one, entry in zip(plan.drafts, plan.entries, strict=True):
            if not one.future.done():
                one.future.set_result(Appended(entry, duplicate=False))
        await write(self, drafts)

    _replace(Committer, "_write", early)


def _unacknowledged_write() -> None:
    insert = Log.insert

    async def careless(self: Log, documents: Sequence[Document], session: AsyncClientSession | None = None) -> None:
        if session is not None:
            await insert(self, documents, session)
            return
        await self._collection.with_options(write_concern=WriteConcern(w=0)).insert_many(documents, ordered=True)

    _replace(Log, "insert", careless)


def _unordered_insert() -> None:
    async def unordered(self: Log, documents: Sequence[Document], session: AsyncClientSession | None = None) -> None:
        await self._collection.insert_many(documents, ordered=False, session=session)

    _replace(Log, "insert", unordered)


def _conflict_ignored() -> None:
    insert = Log.insert

    async def ignoring(self: Log, documents: Sequence[Document], session: AsyncClientSession | None = None) -> None:
        try:
            await insert(self, documents, session)
        except BulkWriteError:
            if session is not None:
                raise

    _replace(Log, "insert", ignoring)


def _no_deduplication() -> None:
    _other_device(lambda device: f"{device}-{secrets.token_hex(4)}")


def _deduplication_per_node() -> None:
    _other_device(lambda device: f"{device}-{NODE}")


def _other_device(change: Callable[[str], str]) -> None:
    submit = Log.submit

    def alone(self: Log, draft: Draft) -> asyncio.Future[Appended]:
        return submit(self, replace(draft, device=change(draft.device)))

    _replace(Log, "submit", alone)


def _no_sequencer() -> None:
    def straight(self: Sequencer, frame: Frame) -> None:
        self._deliver(frame)

    _replace(Sequencer, "push", straight)


def _hole_not_filled() -> None:
    send = Backplane.send

    def onward(self: Sequencer, frame: Frame) -> None:
        known = self._conversations.get(frame.conversation or "") or self._first(frame.conversation or "", frame)
        if frame.seq > known.last:
            self._through(known, frame)

    def lossy(self: Backplane, message: Message) -> None:
        if random.random() > 0.02:
            send(self, message)

    _replace(Sequencer, "push", onward)
    _replace(Backplane, "send", lossy)


def _read_off_by_one() -> None:
    read = Log.read

    async def late(self: Log, conversation: str, *, after: int = 0, **options: Any) -> list[Entry]:
        return await read(self, conversation, after=after + 1 if after else 0, **options)

    _replace(Log, "read", late)


def _members_cached_for_ever() -> None:
    remembered = States.remembered

    async def old(self: States, conversation_id: str) -> State | None:
        return await remembered(self, conversation_id)

    def known(self: States, state: State) -> State:
        return self._states.get(state.id, state)

    _replace(States, "current", old)
    _replace(States, "latest", known)


def _refused_and_kept() -> None:
    submit = Desk.submit

    def denying(self: Desk, draft: Draft, tell: Any) -> Any:
        pending = submit(self, draft, tell)
        if draft.kind == "message" and random.random() < 0.02:
            raise Forbidden("You may not say this.")
        return pending

    _replace(Desk, "submit", denying)


BUGS = {
    "ack-before-commit": Bug(
        "Answers, and tells everybody, as soon as a message is queued.",
        _ack_before_commit,
        frozenset({"lost-write", "inconsistent-offsets", "duplicate"}),
    ),
    "publish-before-commit": Bug(
        "Tells everybody before the message is in the log.",
        _publish_before_commit,
        frozenset({"phantom", "inconsistent-offsets", "duplicate"}),
    ),
    "settled-when-numbered": Bug(
        "Answers when a message has its number and before it is written: a conflict loses it.",
        _settled_when_numbered,
        frozenset({"lost-write", "inconsistent-offsets", "duplicate"}),
    ),
    "unacknowledged-write": Bug(
        "Writes without asking whether the database took it (w: 0).",
        _unacknowledged_write,
        frozenset({"lost-write", "inconsistent-offsets", "duplicate"}),
    ),
    "unordered-insert": Bug(
        "Writes the entries of a batch in any order, so that a later one may be in without the earlier.",
        _unordered_insert,
        frozenset({"log-gap", "nonmonotonic-send", "lost-write"}),
    ),
    "conflict-ignored": Bug(
        "Takes a place in the log for its own though another node has it.",
        _conflict_ignored,
        frozenset({"lost-write", "inconsistent-offsets", "duplicate"}),
    ),
    "no-deduplication": Bug(
        "Takes every attempt for a new message.",
        _no_deduplication,
        frozenset({"duplicate"}),
    ),
    "deduplication-per-node": Bug(
        "Knows only what it took in itself: a retry on another node is a new message.",
        _deduplication_per_node,
        frozenset({"duplicate"}),
    ),
    "no-sequencer": Bug(
        "Brings messages to clients as they come in from the other nodes.",
        _no_sequencer,
        frozenset({"nonmonotonic-poll", "duplicate", "poll-skip"}),
    ),
    "hole-not-filled": Bug(
        "Goes on behind a message that the backplane has lost.",
        _hole_not_filled,
        frozenset({"poll-skip", "lost-write"}),
    ),
    "read-off-by-one": Bug(
        "Reads the log from one place too late, for `sync` too.",
        _read_off_by_one,
        frozenset({"poll-skip", "lost-write"}),
    ),
    "members-cached-for-ever": Bug(
        "Never looks again who is a member.",
        _members_cached_for_ever,
        frozenset({"leaked", "trespass", "lost-write", "turned-away"}),
    ),
    "refused-and-kept": Bug(
        "Says no to some messages, and keeps them all the same.",
        _refused_and_kept,
        frozenset({"aborted-read"}),
    ),
}


def main(words: Sequence[str]) -> int:
    """Put the bug of that name in, then run the server's own command line."""
    name, *rest = words
    BUGS[name].install()
    return run.main(rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
