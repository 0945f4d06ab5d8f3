"""Works on matters: sees what is true now, and sends what follows from it."""

import asyncio
import logging
import random
from collections.abc import Mapping
from datetime import timedelta

from handlers.auth.service import Auth
from handlers.chat.service import Chat
from handlers.chat.service.noticing import Notice
from handlers.notices.service import Notices
from handlers.presence.service import Presence
from handlers.push.models import Matter, Note, Outcome, Platform, Target
from handlers.push.senders import Sender
from handlers.push.settings import PushSettings
from handlers.push.store import MatterStore, TargetStore
from server.actors import Actor
from server.clock import Clock

log = logging.getLogger("mixee.push")

EVERY = 0.2
"""Seconds between two looks at what is due."""
HOLD = timedelta(seconds=60)
"""How long one process may work on a matter before another takes it."""
LONGEST_WAIT = 3600.0


class Worker:
    """Takes what is due, a few at once."""

    def __init__(
        self,
        targets: TargetStore,
        matters: MatterStore,
        senders: Mapping[Platform, Sender],
        *,
        auth: Auth,
        chat: Chat,
        notices: Notices,
        presence: Presence,
        clock: Clock,
        settings: PushSettings,
    ) -> None:
        self._targets = targets
        self._matters = matters
        self._senders = senders
        self._auth = auth
        self._chat = chat
        self._notices = notices
        self._presence = presence
        self._clock = clock
        self._settings = settings

    async def run(self) -> None:
        """Work on what is due, until cancelled."""
        while True:
            try:
                await self.sweep()
            except Exception:
                log.exception("what is due could not be read")
                await asyncio.sleep(1)
            await asyncio.sleep(EVERY)

    async def sweep(self) -> int:
        """Work on everything that is due; how many matters."""
        counts = await asyncio.gather(*(self._lane() for _ in range(self._settings.at_once)))
        return sum(counts)

    async def _lane(self) -> int:
        count = 0
        while (matter := await self._matters.take(self._clock.now(), HOLD)) is not None:
            count += 1
            try:
                await self._work(matter)
            except Exception:
                log.exception("a notification failed")
                await self._again(matter, None)
        return count

    async def _work(self, matter: Matter) -> None:
        target = await self._targets.get(matter.session_id)
        sender = self._senders.get(target.platform) if target else None
        if target is None or sender is None:
            await self._matters.remove([matter.session_id])
            return
        if not await self._auth.book.alive([target.session_id]):
            await self._gone(target)
            return
        if matter.notice_id is not None:
            await self._work_on_notice(matter.notice_id, matter, target, sender)
        else:
            await self._work_on_messages(matter, target, sender)

    async def _work_on_notice(self, notice_id: str, matter: Matter, target: Target, sender: Sender) -> None:
        news = await self._notices.to_push(target.user_id, notice_id)
        if news is None:
            await self._clear(matter, target, sender, await self._chat.notices.badge(target.user_id))
        elif matter.seq <= matter.pushed or news.quiet or (news.in_app and await self._awake(target)):
            await self._matters.settle(matter, pushed=matter.pushed)
        else:
            badge = await self._chat.notices.badge(target.user_id)
            note = Note(matter.thread, badge, title=news.title, text=news.text, unread=news.unread)
            if await self._sent(matter, target, await sender.send(target, note)):
                await self._matters.settle(matter, pushed=matter.seq)

    async def _work_on_messages(self, matter: Matter, target: Target, sender: Sender) -> None:
        notice: Notice = await self._chat.notices.of(_actor(self._clock, target), matter.thread, matter.seq)
        if not notice.unread:
            await self._clear(matter, target, sender, notice.badge)
        elif matter.seq <= max(matter.pushed, notice.delivered_seq) or notice.quiet:
            await self._matters.settle(matter, pushed=matter.pushed)
        elif matter.first <= notice.delivered_seq:
            wait = self._clock.now() + timedelta(seconds=self._settings.ack_seconds)
            await self._matters.delay(matter, wait, first=notice.delivered_seq + 1)
        else:
            note = Note(
                thread=matter.thread,
                badge=notice.badge,
                title=notice.title,
                text=notice.text,
                message_id=notice.message_id,
                unread=notice.unread,
            )
            if await self._sent(matter, target, await sender.send(target, note)):
                await self._matters.settle(matter, pushed=matter.seq)

    async def _clear(self, matter: Matter, target: Target, sender: Sender, badge: int) -> None:
        """Everything is read, or gone: what the device shows of it goes too. One that is awake hears so by itself."""
        if matter.pushed and not await self._awake(target):
            outcome = await sender.send(target, Note(matter.thread, badge))
            if not await self._sent(matter, target, outcome):
                return
        await self._matters.drop(matter)

    async def _awake(self, target: Target) -> bool:
        """Whether the device is connected, as far as that is known."""
        connected = await self._presence.connected_devices([target.user_id])
        return connected is not None and target.device_id in connected.get(target.user_id, ())

    async def _sent(self, matter: Matter, target: Target, outcome: Outcome) -> bool:
        """Whether the matter is dealt with: sent, or refused for good."""
        if outcome.kind == "gone":
            await self._gone(target)
            return False
        if outcome.kind == "later":
            await self._again(matter, outcome.seconds)
            return False
        if outcome.kind == "refused":
            log.error("%s refuses a notification: %s", target.platform, outcome.why)
        return True

    async def _again(self, matter: Matter, seconds: float | None) -> None:
        if matter.attempts >= self._settings.max_attempts:
            log.error("a notification was given up after %d attempts", matter.attempts)
            await self._matters.settle(matter, pushed=matter.pushed)
            return
        wait = 2.0 ** min(matter.attempts, 12) * random.uniform(0.5, 1.0) if seconds is None else seconds
        await self._matters.delay(matter, self._clock.now() + timedelta(seconds=min(wait, LONGEST_WAIT)))

    async def _gone(self, target: Target) -> None:
        await self._targets.remove([target.session_id], token=target.token)
        await self._matters.remove([target.session_id])


def _actor(clock: Clock, target: Target) -> Actor:
    """Whoever reads the notification, as the chat lets him in."""
    return Actor(target.user_id, "user", frozenset(), target.session_id, target.device_id, clock.now())
