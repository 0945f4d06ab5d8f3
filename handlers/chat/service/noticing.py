"""What a sleeping device may be told of a conversation: for the slice that pushes."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from handlers.chat.models.records import MemberRecord
from handlers.chat.models.values import message_id
from handlers.chat.service.access import Enter
from handlers.chat.service.badges import Badge, Badges, weighed
from handlers.chat.service.desk import hidden_from, unseen_by
from handlers.chat.service.lives import disappears
from handlers.chat.service.state import States
from handlers.chat.service.unread import Count, Unreads
from handlers.chat.service.views import Views
from handlers.chat.store import MemberStore
from handlers.users.service import Users
from server.actors import Actor
from server.clock import Clock
from server.errors import NotFound
from storage.log import Entry, Log

MAX_QUOTE = 200
"""Characters of a message that a notification shows."""
PLAIN = "New message"
_KINDS = {"image": "Photo", "video": "Video", "audio": "Voice message", "file": "File", "location": "Location"}


@dataclass(frozen=True, slots=True)
class Notice:
    """How a conversation stands for somebody."""

    unread: int
    badge: Badge
    until: datetime | None
    """When to look again whether anything is unread, because messages expire; None: time alone changes nothing."""
    delivered_seq: int
    quiet: bool
    """Whether it is muted or archived, and nothing calls its reader all the same, or a request of a stranger."""
    title: str
    text: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """That something was said, and who may read it."""

    conversation_id: str
    seq: int
    sender: str
    readers: Collection[str]


class Notices:
    """Says how a conversation stands for somebody, with nothing in it that must not leave the server."""

    def __init__(
        self,
        *,
        access: Enter,
        log: Log,
        members: MemberStore,
        unreads: Unreads,
        states: States,
        badges: Badges,
        views: Views,
        users: Users,
        clock: Clock,
    ) -> None:
        self._access = access
        self._log = log
        self._members = members
        self._unreads = unreads
        self._states = states
        self._badges = badges
        self._views = views
        self._users = users
        self._clock = clock

    async def of(self, actor: Actor, conversation_id: str, seq: int) -> Notice:
        """With the message `seq` quoted, if it may be. Who is no member (any more) has nothing unread there."""
        mine = await self._members.of_user(actor.user_id)
        me = next((one for one in mine if one.conversation_id == conversation_id), None)
        now = self._clock.now()
        wanted = weighed(mine, now)
        here = [] if me is None or me in wanted else [me]
        counts = await self._unreads.of(actor.user_id, [*wanted, *here])
        badge = await self._badges.by(actor.user_id, wanted, counts)
        count = Count(0, 0) if me is None else await self._counted(me, counts[conversation_id])
        quiet = me is None or me.stays_archived(seq) or me.requested
        if me is not None and me.mutes(now):
            quiet = quiet or not count.mentions or not await self._calls(actor, conversation_id, seq)
        notice = Notice(
            unread=count.unread,
            badge=badge,
            until=count.until,
            delivered_seq=0 if me is None else me.delivered_seq,
            quiet=quiet,
            title="",
            text=PLAIN,
            message_id=message_id(conversation_id, seq),
        )
        return notice if quiet or not notice.unread else await self._worded(notice, actor, conversation_id, seq)

    async def since(self, moment: datetime, *, limit: int) -> list[Spoken]:
        """What was said since then in all conversations, at most `limit` of it, the last first."""
        entries = await self._log.newest(moment, limit=limit)
        said = [one for one in entries if one.kind == "message" and one.body.get("type", "system") != "system"]
        states = {one: await self._states.current(one) for one in dict.fromkeys(entry.conversation for entry in said)}
        return [
            Spoken(entry.conversation, entry.seq, entry.sender, state.audience(entry.seq, unseen_by(entry)))
            for entry in said
            if (state := states[entry.conversation]) is not None
        ]

    async def _counted(self, me: MemberRecord, count: Count) -> Count:
        """The count of a conversation; of one that is archived or put away nothing is to be shown."""
        if not me.was_put_away:
            return count
        back = await self._views.back(me.user_id, [me])
        if me.conversation_id not in back:
            return Count(0, 0)
        ends = [end for end in (count.until, back[me.conversation_id]) if end is not None]
        return replace(count, until=min(ends, default=None))

    async def _calls(self, actor: Actor, conversation_id: str, seq: int) -> bool:
        """Whether the message calls everybody in reply to this person: that alone wakes who has muted the group."""
        entry = await self._log.get(conversation_id, seq)
        return entry is not None and entry.body.get("answers") == actor.user_id

    async def badge(self, user_id: str) -> Badge:
        """The badge alone."""
        return await self._badges.of(user_id)

    async def _worded(self, notice: Notice, actor: Actor, conversation_id: str, seq: int) -> Notice:
        try:
            state = (await self._access(conversation_id, actor)).state
        except NotFound:  # he has left in this moment
            return replace(notice, unread=0, quiet=True)
        entry = await self._log.get(conversation_id, seq)
        name = ""
        if entry is not None and entry.sender and actor.user_id not in hidden_from(entry):
            cards = await self._users.cards([entry.sender])
            name = cards[entry.sender].display_name if entry.sender in cards else ""
        text = PLAIN if state.record.is_encrypted else _quote(entry, actor.user_id)
        if state.record.type == "direct" or not state.record.name:
            return replace(notice, title=name or PLAIN, text=text)
        said = f"{name}: {text}" if name and text != PLAIN else text
        return replace(notice, title=state.record.name, text=said)


def _quote(entry: Entry | None, reader: str) -> str:
    if entry is None or entry.kind != "message" or disappears(entry) or reader in hidden_from(entry):
        return PLAIN
    body = entry.body
    if body.get("deletedAt") is not None or body.get("type") not in {*_KINDS, "text", "poll"}:
        return PLAIN
    if body["type"] == "poll":
        return "Poll"
    words = " ".join(str(body.get("content", "")).split()) or _KINDS.get(body["type"], PLAIN)
    return words if len(words) <= MAX_QUOTE else words[: MAX_QUOTE - 1] + "…"
