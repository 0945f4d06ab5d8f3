"""Threads: what is said about one message. A view over the one log, so order, delivery and access are as for all."""

import asyncio
import logging
from collections.abc import Container, Sequence
from datetime import datetime

from handlers.chat.body import Body, seen_by, thread_of
from handlers.chat.cursors import read_cursor, write_cursor
from handlers.chat.events import MessageDeleted, MessageNew, ThreadFollowed, ThreadUpdated
from handlers.chat.models.threads import (
    FollowedThread,
    ListedThreads,
    OneThread,
    ThreadList,
    ThreadNews,
    ThreadPage,
    ThreadPart,
    ThreadRead,
    ThreadState,
)
from handlers.chat.models.values import message_id, split_message_id
from handlers.chat.service.access import Access, Enter
from handlers.chat.service.checks import refuse
from handlers.chat.service.desk import place, unseen_by
from handlers.chat.service.errors import FollowLimit
from handlers.chat.service.people import People
from handlers.chat.service.state import States
from handlers.chat.service.views import Eyes, Views
from handlers.chat.service.wire import summary_of
from handlers.chat.settings import ChatSettings
from handlers.chat.store import Effect, MemberStore
from handlers.chat.store.threads import Follow, Place, ThreadStore, answered, following
from server.actors import Actor
from server.clock import Clock
from server.errors import Gone, NotFound
from server.events import Members, Passing, Publisher, Users
from storage.log import Effects, Entry, Log

log = logging.getLogger("mixee.chat")


class Threads:
    """Reads threads, and knows who follows them."""

    def __init__(
        self,
        *,
        access: Enter,
        log: Log,
        states: States,
        members: MemberStore,
        people: People,
        views: Views,
        store: ThreadStore,
        publish: Publisher,
        clock: Clock,
        settings: ChatSettings,
    ) -> None:
        self._access = access
        self._log = log
        self._states = states
        self._members = members
        self._people = people
        self._views = views
        self._store = store
        self._publish = publish
        self._clock = clock
        self._most = settings.max_threads
        self._changed: dict[Place, set[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def page(self, actor: Actor, wanted: ThreadPart) -> ThreadPage:
        """A thread and some of its replies. Raises NotFound, also when there is nothing that the member may see."""
        access, root = await self._enter(actor, wanted.message_id)
        where = access.conversation_id, place(wanted.message_id, access.conversation_id)
        before = place(wanted.before, access.conversation_id) if wanted.before else None
        after = place(wanted.after, access.conversation_id) if wanted.after else 0
        upward = wanted.after is not None and wanted.before is None
        found = await self._store.replies(
            where,
            viewer=actor.user_id,
            since=access.join_seq,
            now=self._clock.now(),
            after=after,
            before=before,
            limit=wanted.limit + 1,
            descending=not upward,
        )
        if root is None and not found:
            raise NotFound("There is no such message.")
        more, page = len(found) > wanted.limit, found[: wanted.limit]
        page.sort(key=lambda entry: entry.seq, reverse=True)
        shown = await self._views.messages(
            access.state, Eyes(actor.user_id, access.join_seq), [*([root] if root else []), *page]
        )
        follow = await self._store.follow(actor.user_id, where)
        return ThreadPage(
            root=shown.pop(0) if root else None,
            messages=shown,
            has_more=more,
            next_before=message_id(where[0], page[-1].seq) if page and (more or upward) else None,
            state=(await self._states_of(actor.user_id, {where: follow}))[where],
        )

    async def listed(self, actor: Actor, wanted: ListedThreads) -> ThreadList:
        """Some threads that somebody follows. What is out of his reach he follows no longer. Raises NotFound."""
        if wanted.conversation_id is not None:
            await self._access(wanted.conversation_id, actor)
        try:
            after = read_cursor(wanted.cursor) if wanted.cursor else None
        except ValueError:
            refuse("cursor", "is not one of ours")
        rows = await self._store.page(actor.user_id, wanted.conversation_id, after=after, limit=wanted.limit + 1)
        page = rows[: wanted.limit]
        roots = await self._roots(actor.user_id, page)
        await self._store.drop([one.key for one in page if one.place not in roots])
        seen = [one for one in page if one.place in roots]
        states = await self._states_of(actor.user_id, {one.place: one for one in seen})
        messages = await self._views.roots(actor.user_id, roots)
        return ThreadList(
            threads=[
                FollowedThread(root=messages[one.place], state=states[one.place], followed_at=one.at) for one in seen
            ],
            next_cursor=write_cursor(page[-1].at, page[-1].key) if len(rows) > len(page) else None,
        )

    async def follow(self, actor: Actor, wanted: OneThread, *, on: bool) -> ThreadState:
        """Follow a thread, or do so no longer. Raises NotFound, FollowLimit."""
        access, root = await self._enter(actor, wanted.message_id)
        if root is None or thread_of(root.body) is not None:
            raise NotFound("There is no such thread: follow the message that it is about.")
        if on and await self._store.count(actor.user_id, upto=self._most) >= self._most:
            raise FollowLimit(f"You can follow up to {self._most} threads: leave some first.")
        where = access.conversation_id, root.seq
        follow = await self._store.set_following(actor.user_id, where, on=on, at=self._clock.now())
        return await self._told(actor.user_id, follow)

    async def read(self, actor: Actor, wanted: ThreadRead) -> ThreadState:
        """Say up to where one has read a thread: never back. Raises NotFound."""
        access, _ = await self._enter(actor, wanted.message_id)
        where = access.conversation_id, place(wanted.message_id, access.conversation_id)
        head = await self._log.head(access.conversation_id)
        follow = await self._store.advance(actor.user_id, where, min(wanted.up_to_seq, head))
        if follow is None:
            raise NotFound("You do not follow this thread.")
        return await self._told(actor.user_id, follow)

    async def root(self, access: Access, wanted: str) -> Entry:
        """The message in whose thread somebody wants to say something. Raises Invalid, Gone."""
        seq = place(wanted, access.conversation_id)
        entry = await self._log.get(access.conversation_id, seq)
        if entry is None or not Eyes(access.user_id, access.join_seq).may_see(entry) or entry.kind != "message":
            refuse("threadRootId", "there is no such message in this conversation")
        body = seen_by(entry.body, access.user_id)
        if "deletedAt" in body:
            raise Gone("The message was deleted.")
        if thread_of(body) is not None:
            refuse("threadRootId", "is in a thread itself: name the message that its thread is about")
        if body["type"] == "system":
            refuse("threadRootId", "what the server says has no thread")
        return entry

    def heard(self, event: MessageNew | MessageDeleted) -> None:
        """Something was said or taken back, perhaps in a thread: tell those who heard it how that stands now."""
        wanted = event.payload.thread_root_id
        if wanted is None or not isinstance(event.to, Members) or not event.to.ids:
            return
        where = split_message_id(wanted)
        waiting = where in self._changed
        self._changed.setdefault(where, set()).update(event.to.ids)
        if not waiting:
            task = asyncio.get_running_loop().create_task(self._tell(where), name="chat thread")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Tell what is to be told."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _tell(self, where: Place) -> None:
        people = self._changed.pop(where)
        try:
            state = await self._states.current(where[0])
            root = await self._log.get(*where)
            if state is None or root is None or root.kind != "message":
                return
            unseen = unseen_by(root)
            to = {one for one in state.audience(root.seq) if one in people and one not in unseen}
            alone = next(iter(people)) if len(people) == 1 else None
            found = await self._store.summaries(
                where[0], [where[1]], viewer=alone, since=root.seq, now=self._clock.now()
            )
            news = ThreadNews(
                conversation_id=where[0],
                message_id=message_id(*where),
                thread=summary_of(where[0], found.get(where[1])),
            )
            await self._publish(ThreadUpdated(news, to=Passing(to)))
        except Exception:
            log.exception("a thread could not be told")

    async def _enter(self, actor: Actor, wanted: str) -> tuple[Access, Entry | None]:
        """The way in, and the message that the thread is about, if the member may see it. Raises NotFound."""
        conversation_id, seq = split_message_id(wanted)
        access = await self._access(conversation_id, actor)
        entry = await self._log.get(conversation_id, seq)
        seen = entry is not None and entry.kind == "message" and Eyes(actor.user_id, access.join_seq).may_see(entry)
        return access, entry if seen else None

    async def _roots(self, user_id: str, follows: Sequence[Follow]) -> dict[Place, Entry]:
        """The messages that the threads are about, as far as the person may see them still."""
        mine = await self._members.of_user_among(user_id, {one.conversation_id for one in follows})
        entries = await self._log.get_places([one.place for one in follows])
        return {
            where: entry
            for where, entry in entries.items()
            if where[0] in mine
            and entry.kind == "message"
            and "deletedAt" not in seen_by(entry.body, user_id)
            and Eyes(user_id, mine[where[0]].sees_from).may_see(entry)
        }

    async def _states_of(self, user_id: str, follows: dict[Place, Follow | None]) -> dict[Place, ThreadState]:
        positions = [(where, one.read_seq) for where, one in follows.items() if one is not None and one.following]
        blocked = await self._people.blocked_by(user_id) if positions else []
        unread = await self._store.unread(user_id, positions, not_from=blocked, now=self._clock.now())
        return {
            where: ThreadState(
                conversation_id=where[0],
                message_id=message_id(*where),
                following=one is not None and one.following,
                unread=unread.get(where, 0),
                read_seq=one.read_seq if one is not None else where[1],
            )
            for where, one in follows.items()
        }

    async def _told(self, user_id: str, follow: Follow) -> ThreadState:
        state = (await self._states_of(user_id, {follow.place: follow}))[follow.place]
        await self._publish(ThreadFollowed(state, to=Users([user_id])))
        return state


def replying(root: Entry, user_id: str, body: Body, members: Container[str], *, at: datetime) -> Effects:
    """What is written with a reply: its message has a thread, and whoever replies and its author follow that.

    Of a reply that is hidden from others that author does not learn, nor one who has left.
    """
    where = root.conversation, root.seq
    hidden = body.get("hiddenFrom", ())
    follows = root.sender != user_id and root.sender in members and not hidden
    author = root.sender if follows else None

    def effects(seq: int) -> list[Effect]:
        writes = [answered(where), following(user_id, where, seq=seq, at=at, again=True)]
        if author is not None:
            writes.append(following(author, where, seq=root.seq, at=at, again=False))
        return writes

    return effects
