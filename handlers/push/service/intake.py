"""From what was said to matters: which targets may have to hear of it, and when to see whether they must.

Whoever says something has read what was said before: so what his other devices show is seen again, once that is noted.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from handlers.chat.events import MessageNew
from handlers.chat.service.noticing import Spoken
from handlers.presence.service import Presence
from handlers.push.models import BADGE
from handlers.push.store import Look, MatterStore, News, TargetStore
from handlers.social.service import Social
from server.clock import Clock
from server.events import Members

log = logging.getLogger("mixee.push")

PAUSE = 0.05
"""Seconds that messages are gathered for."""
MAX_WAITING = 10_000
"""Recipients of messages that wait at most; what comes beyond is dropped, and the next message makes up for it."""
MESSAGES = 200
"""Looked at together for a process that died."""
PEOPLE = 200
"""In one question for the devices of those who have read."""


@dataclass(frozen=True, slots=True)
class _Said:
    conversation_id: str
    seq: int
    sender: str
    recipients: frozenset[str]


class Intake:
    """Gathers the messages of a moment and writes down together who may have to hear of them."""

    def __init__(
        self,
        targets: TargetStore,
        matters: MatterStore,
        *,
        presence: Presence,
        social: Social,
        clock: Clock,
        ack: timedelta,
    ) -> None:
        self._targets = targets
        self._matters = matters
        self._presence = presence
        self._social = social
        self._clock = clock
        self._ack = ack
        self._waiting: list[_Said] = []
        self._count = 0
        self._read: set[tuple[str, str]] = set()
        self._fresh = asyncio.Event()
        self._writing = asyncio.Lock()

    def heard(self, event: MessageNew) -> None:
        """A message was said."""
        message = event.payload
        if not isinstance(event.to, Members) or message.type == "system":
            return
        recipients = frozenset(event.to.ids) - {message.sender_id}
        if self._count + len(recipients) > MAX_WAITING:
            log.warning("a message is not pushed: %d recipients wait already", self._count)
            return
        self._count += len(recipients)
        self._waiting.append(_Said(message.conversation_id, message.seq, message.sender_id, recipients))
        self._fresh.set()

    def read(self, places: Collection[tuple[str, str]]) -> None:
        """It is noted that these (conversation, user) have read, by saying something."""
        if len(self._read) + len(places) > MAX_WAITING:
            log.warning("what %d people have read is not looked at: too many wait already", len(places))
            return
        self._read.update(places)
        self._fresh.set()

    async def run(self) -> None:
        """Write down what has gathered, until cancelled."""
        while True:
            await self._fresh.wait()
            await asyncio.sleep(PAUSE)
            try:
                await self.settle()
            except Exception:
                log.exception("who must hear of messages could not be written down")
                await asyncio.sleep(1)

    async def settle(self) -> None:
        """Write down what has gathered, after what is being written; what could not be written is kept."""
        async with self._writing:
            said, self._waiting, self._count = self._waiting, [], 0
            read, self._read = self._read, set()
            self._fresh.clear()
            try:
                await self._write(said)
                await self._look(read)
            except BaseException:
                self.read(read)
                if self._count == 0:
                    self._waiting, self._count = said, sum(len(one.recipients) for one in said)
                    self._fresh.set()
                raise

    async def make_up(self, spoken: Sequence[Spoken]) -> int:
        """Note what a process that died has not; how much that was."""
        count = 0
        for start in range(0, len(spoken), MESSAGES):
            some = [
                _Said(one.conversation_id, one.seq, one.sender, frozenset(one.readers) - {one.sender})
                for one in spoken[start : start + MESSAGES]
            ]
            count += await self._write(some, again=True)
        return count

    async def _write(self, said: list[_Said], *, again: bool = False) -> int:
        """Note who may have to hear of these; `again`: as far as it is not noted. How many notes that took."""
        everybody = {user_id for one in said for user_id in one.recipients}
        targets = await self._targets.of_users(everybody) if everybody else []
        if not targets:
            return 0
        people = {one.user_id for one in targets}
        connected = await self._presence.connected_devices(sorted(people))
        now = self._clock.now()
        news: list[News] = []
        for one in said:
            mine = one.recipients & people
            blocked = await self._social.blocked_among(one.sender, mine) if mine else set()
            for target in targets:
                if target.user_id in mine and target.user_id not in blocked:
                    asleep = connected is not None and not connected[target.user_id]
                    due = now if asleep else now + self._ack
                    news.append(News(target.session_id, target.user_id, one.conversation_id, one.seq, due))
        if again:
            known = await self._matters.known(news)
            news = [one for one in news if (one.session_id, one.thread, one.seq) not in known]
        await self._matters.add(news, now)
        return len(news)

    async def _look(self, read: Collection[tuple[str, str]]) -> None:
        where: dict[str, list[str]] = {}
        for conversation_id, user_id in read:
            where.setdefault(user_id, []).append(conversation_id)
        now, people = self._clock.now(), sorted(where)
        for start in range(0, len(people), PEOPLE):
            looks: list[Look] = []
            for target in await self._targets.of_users(people[start : start + PEOPLE]):
                shown = [*where[target.user_id], *([] if target.badge == 0 else [BADGE])]
                looks += [Look(target.session_id, target.user_id, thread, now) for thread in shown]
            await self._matters.look(looks, now)
