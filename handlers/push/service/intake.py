"""From messages to matters: which targets may have to hear of a message, and when to see whether they must."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta

from handlers.chat.events import MessageNew
from handlers.presence.service import Presence
from handlers.push.store import MatterStore, News, TargetStore
from handlers.social.service import Social
from server.clock import Clock
from server.events import Members

log = logging.getLogger("mixee.push")

PAUSE = 0.05
"""Seconds that messages are gathered for."""
MAX_WAITING = 10_000
"""Recipients of messages that wait at most; what comes beyond is dropped, and the next message makes up for it."""


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
            self._fresh.clear()
            try:
                await self._write(said)
            except BaseException:
                if self._count == 0:
                    self._waiting, self._count = said, sum(len(one.recipients) for one in said)
                    self._fresh.set()
                raise

    async def _write(self, said: list[_Said]) -> None:
        everybody = {user_id for one in said for user_id in one.recipients}
        targets = await self._targets.of_users(everybody) if everybody else []
        if not targets:
            return
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
        await self._matters.add(news, now)
