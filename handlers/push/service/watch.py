"""Watches over the processes of the cluster: what one that died had not noted yet, another one notes.

Between the commit of a message and the note of who must hear of it lies a moment (`intake.PAUSE`) in which a process
may die. Each process says every few seconds that it lives and has noted all it heard. For one that says so no more, and
did not end as it should, the end of the log is read from there on: the log is the truth, so no push is lost.
"""

import asyncio
import logging
from datetime import timedelta

from handlers.chat.service import Chat
from handlers.push.service.intake import Intake
from handlers.push.store import NodeStore
from server.clock import Clock

log = logging.getLogger("mixee.push")

EVERY = 2.0
"""Seconds between two signs of life."""
SILENT = timedelta(seconds=10)
"""A process that gave no sign of life for so long is dead, or so slow that its work is better done twice."""
BEFORE = timedelta(seconds=3)
"""How long before its last sign of life something may have been said that it had not heard of: more than enough."""
HOLD = timedelta(seconds=60)
"""How long one process may take to make up for another before the next one tries."""
MOST = 50_000
"""Entries of the log that are looked at for one dead process."""


class Watch:
    """Gives signs of life, and makes up for those who have died."""

    def __init__(self, nodes: NodeStore, intake: Intake, chat: Chat, clock: Clock, *, node: str) -> None:
        self._nodes = nodes
        self._intake = intake
        self._chat = chat
        self._clock = clock
        self._node = node

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                await self.beat()
            except Exception:
                log.exception("the watch over other processes was interrupted")
            await asyncio.sleep(EVERY)

    async def beat(self) -> None:
        """Give a sign of life, and make up for those who gave none."""
        now = self._clock.now()
        await self._intake.settle()
        await self._nodes.lives(self._node, now)
        while (last := await self._nodes.take_dead(now - SILENT, now, HOLD)) is not None:
            node, alive_at = last
            found = await self._chat.notices.since(alive_at - BEFORE, limit=MOST)
            count = await self._intake.make_up(found)
            log.warning("a process has died: %d of its last messages had not been noted for devices", count)
            await self._nodes.ended(node)

    async def stop(self) -> None:
        """This process ends, and has noted everything."""
        await self._nodes.ended(self._node)
