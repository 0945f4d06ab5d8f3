"""What somebody sets in a conversation for himself alone: muted, archived, put away."""

from datetime import timedelta
from typing import Any

from handlers.chat.events import ConversationPreferences
from handlers.chat.models.conversations import ChangedConversation, Preferences
from handlers.chat.models.records import MemberRecord
from handlers.chat.service.access import Access
from handlers.chat.service.checks import refuse
from handlers.chat.store import MemberStore
from server.clock import Clock
from server.errors import NotFound
from server.events import Publisher, Users
from storage.log import Log

LONGEST = timedelta(days=366)
"""How far ahead the end of muting may be."""


class Preferring:
    """Keeps what concerns one member alone, and tells his devices."""

    def __init__(self, *, log: Log, members: MemberStore, publish: Publisher, clock: Clock) -> None:
        self._log = log
        self._members = members
        self._publish = publish
        self._clock = clock

    async def set(self, access: Access, wanted: ChangedConversation) -> None:
        """Mute or archive. Raises Invalid, NotFound."""
        values = self._muting(wanted) | await self._archiving(access, wanted)
        if values:
            await self.write(access, values)

    async def put_away(self, access: Access) -> None:
        """Take a conversation off the list until something is said in it."""
        await self.write(access, {"hidden_seq": await self._log.head(access.conversation_id)})

    async def write(self, access: Access, values: dict[str, Any]) -> None:
        """Note it, and tell the member's devices. Raises NotFound."""
        member = await self._members.prefer(access.conversation_id, access.user_id, values)
        if member is None:
            raise NotFound("There is no such conversation.")
        own = self._shown(member)
        await self._publish(ConversationPreferences(own, to=Users([member.user_id])))

    def _muting(self, wanted: ChangedConversation) -> dict[str, Any]:
        until, now = wanted.muted_until, self._clock.now()
        if until is not None:
            if wanted.muted is False:
                refuse("mutedUntil", "does not go with muted: false")
            if not now < until <= now + LONGEST:
                refuse("mutedUntil", f"must be in the future and at most {LONGEST.days} days ahead")
            return {"muted": True, "muted_until": until}
        if wanted.muted is not None:
            return {"muted": wanted.muted, "muted_until": None}
        if "muted_until" in wanted.model_fields_set:
            refuse("mutedUntil", "null goes with muted: true, which is without an end")
        return {}

    async def _archiving(self, access: Access, wanted: ChangedConversation) -> dict[str, Any]:
        if wanted.keep_archived is not None and not wanted.is_archived:
            refuse("keepArchived", "goes with isArchived: true")
        if wanted.is_archived is None:
            return {}
        if not wanted.is_archived:
            return {"archived": False, "archived_seq": None, "keep_archived": False}
        head = await self._log.head(access.conversation_id)
        return {"archived": True, "archived_seq": head, "keep_archived": bool(wanted.keep_archived)}

    def _shown(self, member: MemberRecord) -> Preferences:
        return Preferences(
            conversation_id=member.conversation_id,
            is_archived=member.archived,
            keep_archived=member.keep_archived,
            archived_seq=member.comes_back_after,
            is_hidden=member.hidden_seq > 0,
            is_ignored=member.ignored,
            muted=(muted := member.mutes(self._clock.now())),
            muted_until=member.muted_until if muted else None,
        )
