"""Works on matters: sees what is true now, and sends what follows from it."""

import asyncio
import logging
import random
from collections.abc import Mapping
from datetime import datetime, timedelta

from handlers.auth.service import Auth
from handlers.chat.service import Chat
from handlers.chat.service.badges import Badge
from handlers.chat.service.noticing import Notice
from handlers.notices.service import Notices
from handlers.presence.service import Presence
from handlers.push.models import AFTER, BADGE, Matter, Note, Outcome, Platform, Target
from handlers.push.senders import Sender
from handlers.push.settings import PushSettings
from handlers.push.store import Look, MatterStore, TargetStore
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
        self._busy: set[str] = set()
        """Sessions whose devices are just being told something: each is told one thing after the other."""

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
        if matter.session_id in self._busy:
            await self._matters.put_back(matter, self._clock.now() + timedelta(seconds=EVERY))
            return
        self._busy.add(matter.session_id)
        try:
            await self._work_alone(matter)
        finally:
            self._busy.discard(matter.session_id)

    async def _work_alone(self, matter: Matter) -> None:
        target = await self._targets.get(matter.session_id)
        sender = self._senders.get(target.platform) if target else None
        if target is None or sender is None:
            await self._matters.remove([matter.session_id])
            return
        if not await self._auth.book.alive([target.session_id]):
            await self._gone(target)
            return
        if matter.thread == BADGE:
            await self._work_on_badge(matter, target, sender)
        elif matter.notice_id is not None:
            await self._work_on_notice(matter.notice_id, matter, target, sender)
        else:
            await self._work_on_messages(matter, target, sender)

    async def _work_on_badge(self, matter: Matter, target: Target, sender: Sender) -> None:
        badge = await self._chat.notices.badge(target.user_id)
        if not await self._badged(matter, target, sender, badge):
            return
        if badge.until is None:
            await self._matters.drop(matter)
        else:
            await self._matters.settle(matter, pushed=0, again=badge.until + AFTER)

    async def _work_on_notice(self, notice_id: str, matter: Matter, target: Target, sender: Sender) -> None:
        news = await self._notices.to_push(target.user_id, notice_id)
        if news is None:
            badge = await self._chat.notices.badge(target.user_id)
            if await self._badged(matter, target, sender, badge, clear=matter.pushed > 0):
                await self._matters.drop(matter)
        elif matter.seq <= matter.pushed or news.quiet or (news.in_app and await self._awake(target)):
            await self._matters.settle(matter, pushed=matter.pushed)
        else:
            badge = await self._chat.notices.badge(target.user_id)
            note = Note(matter.thread, badge.number, title=news.title, text=news.text, unread=news.unread)
            if await self._told(matter, target, sender, note, badge):
                await self._matters.settle(matter, pushed=matter.seq)

    async def _work_on_messages(self, matter: Matter, target: Target, sender: Sender) -> None:
        notice: Notice = await self._chat.notices.of(_actor(self._clock, target), matter.thread, matter.seq)
        seen = max(matter.pushed, notice.delivered_seq)
        if not notice.unread:
            if await self._badged(matter, target, sender, notice.badge, clear=matter.pushed > 0):
                await self._matters.drop(matter)
        elif matter.first is None or matter.seq <= seen or notice.quiet:
            if await self._badged(matter, target, sender, notice.badge):
                await self._matters.settle(matter, pushed=matter.pushed, again=notice.until)
        elif matter.first <= notice.delivered_seq:
            wait = self._clock.now() + timedelta(seconds=self._settings.ack_seconds)
            await self._matters.delay(matter, wait, first=notice.delivered_seq + 1)
        else:
            note = Note(
                thread=matter.thread,
                badge=notice.badge.number,
                title=notice.title,
                text=notice.text,
                message_id=notice.message_id,
                unread=notice.unread,
            )
            if await self._told(matter, target, sender, note, notice.badge):
                await self._matters.settle(matter, pushed=matter.seq, again=notice.until)

    async def _badged(
        self, matter: Matter, target: Target, sender: Sender, badge: Badge, *, clear: bool = False
    ) -> bool:
        """See that a device shows this badge, silently. One that is awake hears so by itself.

        `clear` takes what it shows of the thread away. Whether nothing more is to be done.
        """
        wrong = target.badge != badge.number or matter.attempts > 1  # an attempt that failed may have arrived
        if not (clear or wrong):
            await self._see_again(matter, target, badge.until)
            return True
        if await self._awake(target):
            await self._tell(matter, target, badge)
            return True
        note = Note(matter.thread if clear else BADGE, badge.number)
        return await self._told(matter, target, sender, note, badge)

    async def _told(self, matter: Matter, target: Target, sender: Sender, note: Note, badge: Badge) -> bool:
        """Send a note, and keep in mind which badge it said. Whether the matter is dealt with."""
        if not await self._sent(matter, target, await sender.send(target, note)):
            return False
        await self._tell(matter, target, badge)
        return True

    async def _tell(self, matter: Matter, target: Target, badge: Badge) -> None:
        if await self._targets.told(target, badge.number):
            await self._see_again(matter, target, badge.until)
        else:  # another process told it something at the same moment, and nobody knows which came last
            await self._matters.look([_look(target, self._clock.now())], self._clock.now())

    async def _see_again(self, matter: Matter, target: Target, until: datetime | None) -> None:
        """See the badge again when time changes it. The matter of the badge itself is settled so by whoever has it."""
        if until is not None and matter.thread != BADGE:
            await self._matters.look([_look(target, until)], self._clock.now())

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
            await self._targets.doubt(matter.session_id)
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


def _look(target: Target, due: datetime) -> Look:
    return Look(target.session_id, target.user_id, BADGE, due)
