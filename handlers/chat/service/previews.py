"""Previews of links: after a message was said, somebody looks at what is behind its link and adds that to the message.

Nobody waits for it. What is to be looked at waits in a queue with a bound, in this process alone: what does not fit in,
or is there when the process ends, gets no preview. Nothing is looked at for encrypted conversations, for messages that
disappear, and for people who do not want it.
"""

import asyncio
import logging
from dataclasses import asdict, dataclass
from datetime import timedelta

from handlers.chat.body import Body, Unchanged, changed, previewed
from handlers.chat.events import MessageNew, MessageUpdated
from handlers.chat.pages import Page, read
from handlers.chat.service.desk import Desk
from handlers.chat.service.state import States
from handlers.chat.service.wire import message_of
from handlers.chat.settings import ChatSettings
from handlers.chat.store.previews import PreviewStore
from handlers.chat.words import first_link
from handlers.users.service import Users
from server.clock import Clock
from server.errors import MixeeError
from server.outside import Outside, OutsideError, Rules
from storage.log import Appended, Draft, Entry, Log
from storage.tasks import end

log = logging.getLogger("mixee.chat")

MAX_WAITING = 1000
"""Links that wait to be looked at, at most."""
NOTHING = timedelta(minutes=10)
"""How long it is remembered that there was nothing behind a link."""
PAGES = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(frozen=True, slots=True)
class _Link:
    conversation_id: str
    seq: int
    sender: str
    url: str


class Previews:
    """Looks at links, a few at once."""

    def __init__(
        self,
        *,
        log: Log,
        states: States,
        desk: Desk,
        users: Users,
        store: PreviewStore,
        clock: Clock,
        settings: ChatSettings,
    ) -> None:
        self._log = log
        self._states = states
        self._desk = desk
        self._users = users
        self._store = store
        self._clock = clock
        self._kept = timedelta(hours=settings.preview_hours)
        self._places = settings.previews_at_once if settings.link_previews else 0
        self._waiting: asyncio.Queue[_Link] = asyncio.Queue(MAX_WAITING)
        self._workers: list[asyncio.Task[None]] = []
        self.outside = Outside(Rules(at_once=settings.previews_at_once), agent="Mixee (link previews)")

    def start(self) -> None:
        """Begin to look at links, if that is wanted."""
        loop = asyncio.get_running_loop()
        self._workers = [loop.create_task(self._run(), name="link previews") for _ in range(self._places)]

    async def stop(self) -> None:
        """Leave what waits."""
        await end(*self._workers)
        await self.outside.close()

    def heard(self, event: MessageNew) -> None:
        """A message was said, perhaps with a link in it."""
        message = event.payload
        if not self._places or message.type != "text" or message.expires_at is not None or message.preview is not None:
            return
        url = first_link(message.content)
        if url is not None and not self._waiting.full():
            self._waiting.put_nowait(_Link(message.conversation_id, message.seq, message.sender_id, url))

    async def settle(self) -> None:
        """Wait until everything that waits was looked at (for tests)."""
        await self._waiting.join()

    async def _run(self) -> None:
        while True:
            link = await self._waiting.get()
            try:
                await self._look(link)
            except MixeeError as error:
                log.info("a link gets no preview: %s", error)
            except Exception:
                log.exception("a link could not be looked at")
            finally:
                self._waiting.task_done()

    async def _look(self, link: _Link) -> None:
        state = await self._states.current(link.conversation_id)
        if state is None or state.record.is_encrypted:
            return
        wishes = (await self._users.privacy_of([link.sender])).get(link.sender)
        if wishes is None or not wishes.link_previews:
            return
        now = self._clock.now()
        known, page = await self._store.get(link.url, now)
        if not known:
            page = await self._fetched(link.url)
            await self._store.put(link.url, page, now + (self._kept if page else NOTHING))
        if page is not None:
            await self._add(link, page)

    async def _fetched(self, url: str) -> Page | None:
        try:
            answer = await self.outside.get(url, accept="text/html,application/xhtml+xml")
        except OutsideError as error:
            log.info("nothing was fetched for a preview: %s", error)
            return None
        if answer.status != 200 or answer.type not in PAGES:
            return None
        return await asyncio.to_thread(read, answer.body, answer.headers.get("content-type", ""))

    async def _add(self, link: _Link, page: Page) -> None:
        """Add it to the message as an entry of its own, so that everybody who may see the message gets it, in order."""
        now = self._clock.now()
        preview = {"url": link.url, **{name: value for name, value in asdict(page).items() if value is not None}}

        def edit(body: Body) -> Body:
            if "deletedAt" in body or "preview" in body or first_link(body["content"]) != link.url:
                raise Unchanged
            return previewed(body, preview, at=now)

        def change(entry: Entry, revision: int) -> Body:
            if entry.kind != "message" or entry.expires_at is not None:
                raise Unchanged
            return {**changed(entry.body, edit, veil=None), "revision": revision}

        async def tell(appended: Appended) -> tuple[None, MessageUpdated | None]:
            found = await self._log.get(link.conversation_id, link.seq)
            state = await self._states.current(link.conversation_id)
            if found is None or state is None or found.kind != "message" or "deletedAt" in found.body:
                return None, None
            return None, MessageUpdated(
                message_of(found, None), to=self._desk.audience(state, found, at=appended.entry.seq)
            )

        draft = Draft(
            conversation=link.conversation_id, kind="card", sender=link.sender, target=link.seq, change=change
        )
        try:
            await self._desk.submit(draft, tell)
        except Unchanged:
            return
