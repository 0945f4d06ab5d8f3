"""What a sleeping device may be told of a conversation: for the slice that pushes."""

from dataclasses import dataclass, replace
from datetime import datetime

from handlers.chat.models.records import MemberRecord
from handlers.chat.models.values import message_id
from handlers.chat.service.access import Enter
from handlers.chat.service.desk import hidden_from
from handlers.chat.service.lives import disappears
from handlers.chat.service.unread import Unreads
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
    badge: int
    """Conversations with unread messages, or marked as unread: not muted, not archived, no requests of strangers."""
    delivered_seq: int
    quiet: bool
    """Whether it is muted or archived, and nothing calls its reader all the same, or a request of a stranger."""
    title: str
    text: str
    message_id: str


class Notices:
    """Says how a conversation stands for somebody, with nothing in it that must not leave the server."""

    def __init__(
        self, *, access: Enter, log: Log, members: MemberStore, unreads: Unreads, users: Users, clock: Clock
    ) -> None:
        self._access = access
        self._log = log
        self._members = members
        self._unreads = unreads
        self._users = users
        self._clock = clock

    async def of(self, actor: Actor, conversation_id: str, seq: int) -> Notice:
        """With the message `seq` quoted, if it may be. Who is no member (any more) has nothing unread there."""
        mine = await self._members.of_user(actor.user_id)
        me = next((one for one in mine if one.conversation_id == conversation_id), None)
        now = self._clock.now()
        loud = [_listed(one) for one in mine if not _is_quiet(one, now)]
        silent = [_listed(me)] if me is not None and _is_quiet(me, now) else []
        counts = await self._unreads.of(actor.user_id, [*loud, *silent])
        quiet = me is None or me.stays_archived(seq) or me.requested
        if me is not None and me.mutes(now):
            quiet = quiet or not counts[conversation_id].mentions or not await self._calls(actor, conversation_id, seq)
        badge = sum(1 for one in loud if counts[one.conversation_id].unread or _is_marked(one))
        notice = Notice(
            unread=0 if me is None else counts[conversation_id].unread,
            badge=badge,
            delivered_seq=0 if me is None else me.delivered_seq,
            quiet=quiet,
            title="",
            text=PLAIN,
            message_id=message_id(conversation_id, seq),
        )
        return notice if quiet or not notice.unread else await self._worded(notice, actor, conversation_id, seq)

    async def _calls(self, actor: Actor, conversation_id: str, seq: int) -> bool:
        """Whether the message calls everybody in reply to this person: that alone wakes who has muted the group."""
        entry = await self._log.get(conversation_id, seq)
        return entry is not None and entry.body.get("answers") == actor.user_id

    async def badge(self, user_id: str) -> int:
        """Conversations with unread messages, or marked as unread, that are neither muted nor archived."""
        now = self._clock.now()
        loud = [_listed(one) for one in await self._members.of_user(user_id) if not _is_quiet(one, now)]
        counts = await self._unreads.of(user_id, loud)
        return sum(1 for one in loud if counts[one.conversation_id].unread or _is_marked(one))

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


def _listed(member: MemberRecord) -> MemberRecord:
    """What lies before the place from which the conversation is listed again is not unread."""
    back = (member.comes_back_after or 0) if member.archived else 0
    return replace(member, read_seq=max(member.read_seq, member.hidden_seq, back))


def _is_quiet(member: MemberRecord, now: datetime) -> bool:
    """Whether nothing that is said is told: it is muted, archived for good, or a request of a stranger."""
    return member.requested or member.mutes(now) or (member.archived and member.comes_back_after is None)


def _is_marked(member: MemberRecord) -> bool:
    """Whether it is marked as unread, and was not archived after that."""
    return member.marked_unread and not member.stays_archived(member.unread_seq)
