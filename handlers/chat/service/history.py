"""Reading what was said, page by page, and the state of a poll."""

from handlers.chat.body import seen_by, votes_of
from handlers.chat.models.messages import Votes
from handlers.chat.models.reading import MessagePage, Page
from handlers.chat.models.values import message_id, split_message_id
from handlers.chat.service.access import Access, Enter
from handlers.chat.service.desk import place
from handlers.chat.service.errors import NotAPoll
from handlers.chat.service.notes import Notes
from handlers.chat.service.views import Eyes, Views
from handlers.chat.service.wire import poll_of
from server.actors import Actor
from server.errors import NotFound
from storage.log import Entry, Log

PAGE = 200
"""Messages that are read at once after the first look."""
LOOKS = 20
"""How often it is looked for a page of messages that are wanted."""


class History:
    """Hands out the messages of a conversation to its members."""

    def __init__(self, *, access: Enter, log: Log, views: Views, notes: Notes) -> None:
        self._access = access
        self._log = log
        self._views = views
        self._notes = notes

    async def page(self, actor: Actor, wanted: Page) -> MessagePage:
        """Some messages, the newest first. Raises NotFound."""
        access = await self._access(wanted.conversation_id, actor)
        await self._notes.settle_in(access.conversation_id)
        before = place(wanted.before, access.conversation_id) if wanted.before else None
        after = place(wanted.after, access.conversation_id) if wanted.after else 0
        upward = wanted.after is not None and wanted.before is None
        eyes = Eyes(actor.user_id, access.join_seq, aside=not wanted.without_threads)
        found, looked = await self._collect(
            access, eyes, after=after, before=before, limit=wanted.limit + 1, descending=not upward
        )
        more = len(found) > wanted.limit or looked is not None
        entries = sorted(found[: wanted.limit], key=lambda entry: entry.seq, reverse=True)
        oldest = looked if looked is not None and not upward else entries[-1].seq if entries else None
        older = more if not upward else True
        return MessagePage(
            messages=await self._views.messages(access.state, eyes, entries),
            has_more=more,
            next_before=message_id(access.conversation_id, oldest) if oldest is not None and older else None,
        )

    async def message(self, actor: Actor, wanted: str) -> tuple[Access, Entry]:
        """One message that the member may see. Raises NotFound."""
        conversation_id, seq = split_message_id(wanted)
        access = await self._access(conversation_id, actor)
        entry = await self._log.get(conversation_id, seq)
        if entry is None or entry.kind != "message" or not Eyes(actor.user_id, access.join_seq).may_see(entry):
            raise NotFound("There is no such message.")
        return access, entry

    async def votes(self, actor: Actor, wanted: str) -> Votes:
        """How a poll stands. Raises NotFound, NotAPoll."""
        _, entry = await self.message(actor, wanted)
        body = seen_by(entry.body, actor.user_id)
        poll = poll_of(body)
        if poll is None:
            raise NotAPoll("This message is no poll.")
        return Votes(message_id=wanted, poll=poll, mine=votes_of(body, actor.user_id))

    async def _collect(
        self, access: Access, eyes: Eyes, *, after: int, before: int | None, limit: int, descending: bool
    ) -> tuple[list[Entry], int | None]:
        """Up to `limit` messages that are wanted, from one end of the range.

        Of what is left out only so much is looked at: then the place where to go on is told as well.
        """
        after = max(after, access.join_seq - 1)
        found: list[Entry] = []
        looks = 0
        while True:
            entries = await self._log.read(
                access.conversation_id,
                after=after,
                before=before,
                limit=limit if looks == 0 else PAGE,
                descending=descending,
                kinds=("message",),
            )
            found += [entry for entry in entries if eyes.may_see(entry)]
            if len(found) >= limit or len(entries) < (limit if looks == 0 else PAGE):
                return found[:limit], None
            if descending:
                before = entries[-1].seq
            else:
                after = entries[-1].seq
            looks += 1
            if looks >= LOOKS and descending:
                return found, entries[-1].seq
