"""What this process listens to on the backplane, from the first connection of a person to the last.

The order is always: subscribe first, then read. A person's channel stands before it is read which large conversations
the person is in, their channels stand before the client is let in, and after a subscription to a conversation that was
known before, the log is asked what was appended meanwhile.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

from server.hub.backplane import Backplane
from server.hub.frames import Frame, Message
from server.hub.interests import Interests
from server.together import Together
from storage.tasks import end

log = logging.getLogger("mixee.hub")

ENTER_SECONDS = 1.0
"""How long a new connection waits for its subscriptions; after that it is let in and told to sync later."""
LOOK_SECONDS = 25.0
"""How often active conversations are compared with the log."""
LATE_SECONDS = 1.0
"""An entry may be on its way so long before it counts as lost."""
AT_ONCE = 500
"""People whose conversations are read with one question after an interruption."""
AGAIN_SECONDS = 2.0

Gather = Callable[[Sequence[str]], Awaitable[Mapping[str, Collection[str]]]]
"""Reads for each of these people the large conversations that they are in."""


async def _nothing(user_ids: Sequence[str]) -> Mapping[str, Collection[str]]:
    return dict.fromkeys(user_ids, ())


class Catcher(Protocol):
    """Who knows what was let through of each conversation."""

    def active(self) -> list[str]:
        """Conversations that somebody here was told of lately."""
        ...

    def forget(self) -> None:
        """Something may have been lost anywhere."""
        ...

    async def check(self, conversations: Sequence[str], *, patience: float = 0.0) -> None:
        """Read what was appended without this process hearing of it."""
        ...


class Listening:
    """Subscribes to what the people who are connected here need, and no more."""

    def __init__(
        self,
        url: str,
        *,
        namespace: str,
        node: str,
        heard: Callable[[Message], None],
        behind: Callable[[Collection[str], Sequence[str]], None],
        catcher: Catcher,
        linger: float = 30.0,
    ) -> None:
        """`behind(users, conversations)` tells the people here to sync; no conversations: all."""
        self.backplane = Backplane(
            url, namespace=namespace, node=node, heard=heard, interrupted=self._interrupted, linger=linger
        )
        self._channels = self.backplane.channels
        self._interests = Interests(self._channels, hold=self.backplane.hold, release=self.backplane.release)
        self._behind = behind
        self._catcher = catcher
        self._gather: Gather = _nothing
        self._doubtful: set[str] = set()
        self._asking = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._know = Together(self._learn_each, most=AT_ONCE)

    def __len__(self) -> int:
        """How many connections there are, those included that are just being let in."""
        return len(self._interests)

    def gathers(self, gather: Gather) -> None:
        """Say where the large conversations of people are read."""
        self._gather = gather

    async def start(self) -> None:
        """Join the cluster. Raises OSError (also TimeoutError) when Redis does not answer in time."""
        await self.backplane.start()
        self._spawn(self._compare())

    async def stop(self) -> None:
        """Leave the cluster."""
        await self.backplane.stop()
        await end(*self._tasks)

    async def enter(self, user_id: str, connection_id: str) -> bool:
        """Listen for a new connection; once this returns, whatever is published for the person is heard.

        When Redis does not confirm it within `ENTER_SECONDS` the person is told to sync once it has. False when the
        connection ended meanwhile. Raises what reading the person's conversations raises; then nothing is kept.
        """
        deadline = asyncio.get_running_loop().time() + ENTER_SECONDS
        self._interests.arrive(user_id, connection_id)
        try:
            stands = await self._stands(self._interests.channels_of(user_id), deadline)
            if not self._interests.known(user_id):
                await self._know(user_id)
            stands = await self._stands(self._interests.channels_of(user_id), deadline) and stands
        except BaseException:
            self._interests.depart(connection_id)
            raise
        if not stands and self._interests.here(connection_id):
            self._spawn(self._follow(user_id))
        return self._interests.here(connection_id)

    def also(self, user_id: str, id_: str) -> None:
        """Go on listening for somebody who is here, until `leave(id_)`, even when no connection is left."""
        self._interests.arrive(user_id, id_)

    def here(self, connection_id: str) -> bool:
        """Whether a connection has entered and not left."""
        return self._interests.here(connection_id)

    def leave(self, connection_id: str) -> None:
        """A connection has ended, or was never let in."""
        self._interests.depart(connection_id)

    def spread(self, frame: Frame) -> None:
        """An entry goes through that changes who is in a conversation; its audience are the members."""
        if frame.conversation is not None:
            fresh = self._interests.spread(frame.conversation, frame.members or frame.users)
            if fresh:
                self._spawn(self._catch_up(fresh))

    def doubt(self, user_ids: Iterable[str]) -> None:
        """It is not certain any more which large conversations these people are in: read it, until it can be read."""
        self._doubtful.update(self._interests.among(user_ids))
        if self._doubtful and not self._asking:
            self._asking = True
            self._spawn(self._ask_again())

    async def _stands(self, channels: Sequence[bytes], deadline: float) -> bool:
        left = max(0.0, deadline - asyncio.get_running_loop().time())
        return await self.backplane.settled(channels, left)

    async def _follow(self, user_id: str) -> None:
        """Redis was late: what was published before the subscriptions stood is for the client to sync."""
        await self.backplane.settled(self._interests.channels_of(user_id), None)
        self._behind([user_id], [])

    async def _learn(self, user_ids: Sequence[str]) -> Sequence[str]:
        """Read which large conversations people are in; those that this process did not listen to before."""
        reading = self._interests.read()
        found: Mapping[str, Collection[str]] | None = None
        try:
            found = await self._gather(user_ids)
        finally:
            fresh = self._interests.learn(reading, found)
        return fresh

    async def _learn_each(self, user_ids: Sequence[str]) -> Mapping[str, None]:
        await self._learn(user_ids)
        return dict.fromkeys(user_ids)

    async def _catch_up(self, conversations: Sequence[str]) -> None:
        """Conversations were subscribed to: read what was appended since this process last heard of them."""
        await self.backplane.settled([self._channels.conversation(one) for one in conversations], None)
        await self._catcher.check(conversations)

    def _interrupted(self, channels: Collection[bytes]) -> None:
        """Subscriptions stand again after a gap: tell those whose events may have been lost, and look again."""
        people = {one for channel in channels if (one := self._channels.user_of(channel)) is not None}
        self._catcher.forget()
        self._behind(people, [])
        for channel in channels:
            conversation = self._channels.conversation_of(channel)
            if conversation is not None:
                others = [one for one in self._interests.people_of(conversation) if one not in people]
                if others:
                    self._behind(others, [conversation])
        self.doubt(people)

    async def _ask_again(self) -> None:
        while self._doubtful:
            some = list(islice(self._doubtful, AT_ONCE))
            self._doubtful.difference_update(some)
            try:
                fresh = await self._learn(some)
            except Exception:
                log.exception("the conversations of %d people could not be read", len(some))
                self._doubtful.update(self._interests.among(some))
                await asyncio.sleep(AGAIN_SECONDS * random.uniform(0.5, 1.5))
            else:
                if fresh:
                    self._spawn(self._catch_up(fresh))
        self._asking = False

    async def _compare(self) -> None:
        """Now and then compare the active conversations with the log: a loss at the end of one shows in no hole."""
        while True:
            await asyncio.sleep(LOOK_SECONDS * random.uniform(0.8, 1.2))
            await self._catcher.check(self._catcher.active(), patience=LATE_SECONDS)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name="hub listening")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
