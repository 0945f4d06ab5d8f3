"""Where entries go into the log and come out as events: every entry that is committed is told, once and in order."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextvars import Context
from typing import Any, TypeVar

from handlers.chat.body import LIMITED
from handlers.chat.models.values import split_message_id
from handlers.chat.service.access import Access
from handlers.chat.service.checks import refuse
from handlers.chat.service.state import State, States
from server.errors import MixeeError, NotFound, Overloaded, Unavailable
from server.events import Event, Members, Publisher
from server.routes import Pending
from storage import log as logs
from storage.log import Appended, Draft, Entry, Guard, Log

T = TypeVar("T")

Tell = Callable[[Appended], Awaitable[tuple[T, Event[Any] | None]]]
"""From a committed entry to the answer and the event. It should not wait for anything, or others are told before."""


def told(error: logs.LogError) -> MixeeError:
    """What a client hears of the log's refusal."""
    if isinstance(error, logs.Overloaded):
        return Overloaded("The server has too much to do: send it again.", retry_after_ms=error.retry_after_ms)
    if isinstance(error, logs.NotThere):
        return NotFound("There is no such message.")
    return Unavailable("It is not certain that this was done: send it again with the same id.", retry_after_ms=1000)


class Desk:
    """Appends drafts and tells what came of them."""

    def __init__(self, log: Log, states: States, publish: Publisher) -> None:
        self._log = log
        self._states = states
        self._publish = publish
        self._tasks: set[asyncio.Task[Any]] = set()

    def guard(
        self,
        access: Access,
        check: Callable[[State], None] | None = None,
        *,
        also: Callable[[State], Awaitable[None]] | None = None,
    ) -> Guard:
        """A guard that lets an entry through while its sender is a member and neither `check` nor `also` objects."""

        async def guard(_: Sequence[Entry]) -> None:
            state = await self._states.current(access.conversation_id)
            if state is None or access.user_id not in state.members:
                raise NotFound("There is no such conversation.")
            if check is not None:
                check(state)
            if also is not None:
                await also(state)

        return guard

    async def must_be_members(self, access: Access, user_ids: Collection[str]) -> None:
        """Raises Invalid unless these, who are mentioned, are members; somebody may just have been added elsewhere."""
        if all(one in access.state.members for one in user_ids):
            return
        state = await self._states.current(access.conversation_id)
        if state is None or any(one not in state.members for one in user_ids):
            refuse("mentionedUserIds", "must be members of the conversation")

    def submit(self, draft: Draft, tell: Tell[T]) -> Pending[T]:
        """Give a draft its place in the log; what is pending is the answer, once the entry is committed and told.

        Raises Overloaded and Unavailable; the result also raises what the draft's callbacks raise, NotFound (what is
        to be changed is not there) and Refused (an effect met a unique index). The entry is told even when nobody
        waits for the answer any more.
        """
        try:
            future = self._log.submit(draft)
        except logs.LogError as error:
            raise told(error) from error
        # A context of its own: the one who asks may run in a unit of work, and this goes on after it.
        task = asyncio.get_running_loop().create_task(self._finish(future, tell), context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return Pending(asyncio.shield(task))

    def audience(self, state: State, entry: Entry, *, at: int | None = None) -> Members:
        """Everybody who may see an entry; for what is told of it by another one, `at` is the place of that."""
        state = self._states.latest(state)
        return state.told(entry.seq if at is None else at, state.audience(entry.seq, unseen_by(entry)))

    async def stop(self) -> None:
        """Wait until everything that was committed is told."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _finish(self, future: asyncio.Future[Appended], tell: Tell[T]) -> T:
        try:
            appended = await future
        except logs.LogError as error:
            if isinstance(error, logs.Refused) and error.conflict:
                raise
            raise told(error) from error
        answer, event = await tell(appended)
        if event is not None:
            await self._publish(event)
        return answer

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waits has it; when nobody does it is no error that it was not fetched


class _AllBut(Collection[str]):
    """Everybody there is and will be, but for one person (who may have deleted it for himself)."""

    def __init__(self, one: str, *, gone: Collection[str] = ()) -> None:
        self.one = one
        self._gone = gone

    def __contains__(self, other: object) -> bool:
        return other != self.one or other in self._gone

    def __iter__(self) -> Iterator[str]:
        return iter(LIMITED)

    def __len__(self) -> int:
        return len(LIMITED)


def hidden_from(entry: Entry) -> Collection[str]:
    """Members who must not see an entry, also those who join only later."""
    hidden: Collection[str] = entry.body.get("hiddenFrom", ())
    return _AllBut(entry.sender) if hidden == LIMITED else hidden


def unseen_by(entry: Entry) -> Collection[str]:
    """Members who do not see an entry: who must not, who has deleted it for himself, and a sender when it is over."""
    gone: Collection[str] = entry.body.get("goneFor", ())
    if entry.over:
        gone = [*gone, entry.sender]
    hidden = hidden_from(entry)
    if not gone:
        return hidden
    return _AllBut(hidden.one, gone=gone) if isinstance(hidden, _AllBut) else [*hidden, *gone]


def operation(operation_id: str | None) -> str | None:
    """The log's name for an operation of a client; it cannot be the same as the id of a message."""
    return None if operation_id is None else f"~{operation_id}"


def place(message_id: str, conversation_id: str) -> int:
    """The place of a message in this conversation. Raises NotFound for one of another conversation."""
    conversation, seq = split_message_id(message_id)
    if conversation != conversation_id:
        raise NotFound("There is no such message in this conversation.")
    return seq
