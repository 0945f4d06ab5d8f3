"""The push service: registers devices, hears what was said and read, and has it worked on."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from handlers.auth.service import Auth
from handlers.chat.events import MessageNew
from handlers.chat.service import Chat
from handlers.notices.models import NoticePush
from handlers.notices.service import Notices
from handlers.presence.service import Presence
from handlers.push.models import BADGE, NOTICE, Platform, PushState, Registration, Target
from handlers.push.senders import Sender
from handlers.push.service.errors import PlatformOff
from handlers.push.service.intake import Intake
from handlers.push.service.watch import Watch
from handlers.push.service.worker import Worker
from handlers.push.settings import PushSettings
from handlers.push.store import Look, MatterStore, News, NodeStore, TargetStore
from handlers.social.service import Social
from server.actors import Actor
from server.clock import Clock
from server.errors import Invalid, Unavailable
from storage.tasks import end

ATTEMPTS = 5
"""At a registration while another session takes the same place."""


class Push:
    """Notifications for devices that are asleep. Without a key for any service it does nothing."""

    def __init__(
        self,
        targets: TargetStore,
        matters: MatterStore,
        senders: Mapping[Platform, Sender],
        *,
        vapid: str | None,
        auth: Auth,
        social: Social,
        presence: Presence,
        chat: Chat,
        notices: Notices,
        nodes: NodeStore,
        node: str,
        clock: Clock,
        settings: PushSettings,
    ) -> None:
        self._targets = targets
        self._matters = matters
        self._senders = senders
        self._vapid = vapid
        self._chat = chat
        self._clock = clock
        self._hosts = settings.hosts
        self._tasks: list[asyncio.Task[None]] = []
        self._ack = ack = timedelta(seconds=settings.ack_seconds)
        self.intake = Intake(targets, matters, presence=presence, social=social, clock=clock, ack=ack)
        self.watch = Watch(nodes, self.intake, chat, clock, node=node)
        self.worker = Worker(
            targets,
            matters,
            senders,
            auth=auth,
            chat=chat,
            notices=notices,
            presence=presence,
            clock=clock,
            settings=settings,
        )

    async def start(self) -> None:
        """Begin to work."""
        if self._senders:
            self._chat.when_read(self.intake.read)
            loop = asyncio.get_running_loop()
            self._tasks = [
                loop.create_task(self.intake.run(), name="push intake"),
                loop.create_task(self.worker.run(), name="push worker"),
                loop.create_task(self.watch.run(), name="push watch"),
            ]

    async def stop(self) -> None:
        """Write down what has gathered, and end."""
        await end(*self._tasks)
        if self._senders:
            await self.intake.settle()
            await self.watch.stop()
        for sender in self._senders.values():
            await sender.close()

    async def state(self, actor: Actor) -> PushState:
        """What there is, and what this device uses."""
        target = await self._targets.get(actor.session_id)
        return PushState(
            platforms=sorted(self._senders),
            vapid_public_key=self._vapid,
            registered=target.platform if target else None,
        )

    async def register(self, actor: Actor, wanted: Registration) -> PushState:
        """Say where this device gets its notifications. Raises PlatformOff, Invalid."""
        if wanted.platform not in self._senders:
            raise PlatformOff(wanted.platform)
        if wanted.platform == "webpush":
            self._must_be_known(wanted.token)
        badge = await self._chat.notices.badge(actor.user_id)  # the app runs, so that is what it shows
        target = Target(
            session_id=actor.session_id,
            user_id=actor.user_id,
            device_id=actor.device_id,
            platform=wanted.platform,
            token=wanted.token,
            p256dh=wanted.keys.p256dh if wanted.keys else "",
            auth=wanted.keys.auth if wanted.keys else "",
            badge=badge.number,
        )
        for _ in range(ATTEMPTS):
            if await self._targets.put(target, self._clock.now()):
                await self._look_at_badges([target], self._clock.now())
                return await self.state(actor)
        raise Unavailable("Another session registers the same device: try again.", retry_after_ms=1000)

    async def unregister(self, actor: Actor) -> None:
        """This device gets no notifications any more."""
        await self.ended([actor.session_id])

    def said(self, event: MessageNew) -> None:
        """A message was said. It waits for nothing."""
        if self._senders:
            self.intake.heard(event)

    async def changed(self, conversation_id: str, user_id: str) -> None:
        """A person has read, marked, muted, archived or left a conversation: see again what his devices show."""
        if self._senders:
            now = self._clock.now()
            await self._matters.look_again(conversation_id, user_id, now, now + self._ack)
            await self._look_at_badges(await self._targets.of_users([user_id]), now)

    async def deleted(self, conversation_id: str, user_ids: Collection[str]) -> None:
        """A message was taken back: see again what the devices of those show who could see it."""
        if self._senders:
            now = self._clock.now()
            await self._matters.look_again(conversation_id, None, now, now + self._ack)
            await self._look_at_badges(await self._targets.badged(user_ids), now)

    async def expired(self, conversation_id: str) -> None:
        """What was over anyway was swept away: badges were looked at when it was over."""
        if self._senders:
            now = self._clock.now()
            await self._matters.look_again(conversation_id, None, now, now + self._ack)

    async def look_at_all(self, user_id: str) -> None:
        """Somebody blocks a person, or no longer does: see again everything that his devices show."""
        if self._senders:
            now = self._clock.now()
            await self._matters.look_at_all(user_id, now)
            await self._look_at_badges(await self._targets.of_users([user_id]), now)

    async def noticed(self, push: NoticePush) -> None:
        """A notice is to be pushed to its person's devices. Repeatable without harm."""
        targets = await self._targets.of_users([push.user_id]) if self._senders else []
        now, thread, count = self._clock.now(), f"{NOTICE}{push.notice.id}", push.notice.count
        if targets:
            await self._matters.add([News(one.session_id, one.user_id, thread, count, now) for one in targets], now)

    async def notices_read(self, user_id: str) -> None:
        """Notices of a person were read, or are gone: see again what devices show of them."""
        if self._senders:
            await self._matters.look_at_notices(user_id, self._clock.now())

    async def ended(self, session_ids: Sequence[str]) -> None:
        """Sessions have ended: nothing more goes there."""
        await self._targets.remove(session_ids)
        await self._matters.remove(session_ids)

    async def forget(self, user_id: str) -> None:
        """A person was erased."""
        await self._targets.forget(user_id)
        await self._matters.forget(user_id)

    async def _look_at_badges(self, targets: Sequence[Target], due: datetime) -> None:
        looks = [Look(one.session_id, one.user_id, BADGE, due) for one in targets]
        await self._matters.look(looks, self._clock.now())

    def _must_be_known(self, endpoint: str) -> None:
        """A browser names any address; this server sends to known push services only, and not into its own network."""
        try:
            parts = urlsplit(endpoint)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port, parts = "", None, urlsplit("")
        here = f"{host}:{port}" if port not in {None, 443} else host
        known = any(here == one or here.endswith(f".{one}") for one in self._hosts)
        if parts.scheme != "https" or "@" in parts.netloc or not known:
            message = "must be the address of a push service that this server knows"
            raise Invalid("The endpoint is refused.", details=[{"field": "token", "message": message}])
