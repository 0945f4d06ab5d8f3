"""Uploads that messages carry. Whoever may read a message may see what it carries, as long as he may read it."""

from handlers.chat.body import Body, seen_by
from handlers.chat.models.messages import NewMessage
from handlers.chat.service.access import Enter
from handlers.chat.service.views import Eyes
from handlers.chat.store import MemberStore
from handlers.chat.store.carriers import PAGE, CarrierStore
from handlers.media.models import Link, Medium
from handlers.media.service import Media
from server.actors import Actor
from server.clock import Clock
from server.errors import NotFound
from storage.log import Entry

MOST_PAGES = 25
"""Pages of messages with one upload that are looked through for one that somebody may read."""

_KNOWN = ("filename", "size", "duration", "width", "height", "blurhash", "waveform")


class Attachments:
    """Takes uploads into messages, and lets their readers see them."""

    def __init__(
        self, media: Media, *, access: Enter, members: MemberStore, carriers: CarrierStore, clock: Clock
    ) -> None:
        self._media = media
        self._access = access
        self._members = members
        self._carriers = carriers
        self._clock = clock
        media.carry(self.reaches)

    async def of(self, actor: Actor, message: NewMessage, *, forwarded: bool = False) -> list[Body]:
        """The attachments of a new message as its body holds them.

        An upload must be the sender's own; what is forwarded has just been seen by him. Raises NoMedia, NotReady,
        WrongKind.
        """
        wanted = {one.media_id: one.type for one in message.given if one.media_id is not None}
        owner = None if forwarded else actor.user_id
        uploads = await self._media.attach(wanted, owner=owner) if wanted else {}
        if message.view_once:
            return [_unseen(uploads[one.media_id]) for one in message.given if one.media_id is not None]
        return [
            _uploaded(uploads[one.media_id]) if one.media_id is not None else one.model_dump(exclude_none=True)
            for one in message.given
        ]

    async def reaches(self, user_id: str, media_id: str) -> bool:
        """Whether somebody may read, now, a message that carries the upload."""
        after: Entry | None = None
        for _ in range(MOST_PAGES):
            page = await self._carriers.page(media_id, after=after, now=self._clock.now())
            if await self._reads_one(user_id, media_id, page):
                return True
            if len(page) < PAGE:
                return False
            after = page[-1]
        return False

    async def view_once(self, user_id: str, entry: Entry) -> Link:
        """The one address of what a message carries, for a reader for whom it is gone from now on."""
        return await self._media.last_link(user_id, entry.body["attached"][0])

    async def _reads_one(self, user_id: str, media_id: str, entries: list[Entry]) -> bool:
        by_conversation: dict[str, list[Entry]] = {}
        for entry in entries:
            by_conversation.setdefault(entry.conversation, []).append(entry)
        viewer = Actor(user_id, "user", frozenset(), session_id="", device_id="", expires_at=self._clock.now())
        for conversation_id in await self._members.of_user_among(user_id, by_conversation):
            try:
                access = await self._access(conversation_id, viewer)
            except NotFound:  # he has left at this very moment
                continue
            eyes = Eyes(user_id, access.join_seq)
            for entry in by_conversation[conversation_id]:
                body = seen_by(entry.body, user_id)
                if eyes.may_see(entry) and media_id in body.get("attached", ()) and "once" not in body:
                    return True
        return False


def _uploaded(medium: Medium) -> Body:
    known = {name: value for name in _KNOWN if (value := getattr(medium, name)) is not None}
    return {"type": medium.kind, "media_id": medium.id, "has_thumbnail": medium.has_thumbnail, **known}


def _unseen(medium: Medium) -> Body:
    """Of what is shown once nothing is known before: no thumbnail, no blur of it, no waveform."""
    return {"type": medium.kind, "media_id": medium.id, "has_thumbnail": False}
