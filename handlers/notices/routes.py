"""What clients may do about notices."""

from handlers.notices.models import (
    ListNotices,
    NoticePage,
    NoticesUnread,
    NoticeWishes,
    NoticeWishesChange,
    OneNotice,
    ReadAll,
)
from handlers.notices.service import NoSuchNotice, Notices
from server.actors import Actor
from server.routes import Limit, Routes

routes = Routes("notices")

_READS = (Limit(100, 0.5),)
_CHANGES = (Limit(60, 1),)


@routes.command("GET /api/notices", event="notices:list", needs="notices:read", limits=_READS)
async def listed(notices: Notices, actor: Actor, body: ListNotices) -> NoticePage:
    """List what happened to oneself, the latest first, and how much of it is unread."""
    return await notices.listed(actor.user_id, body)


@routes.command(
    "POST /api/notices/{noticeId}/read",
    event="notices:read",
    needs="notices:write",
    limits=_CHANGES,
    errors=(NoSuchNotice,),
)
async def read(notices: Notices, actor: Actor, body: OneNotice) -> NoticesUnread:
    """Mark a notice as read. Reading twice is reading once."""
    return await notices.read(actor.user_id, body.notice_id)


@routes.command("POST /api/notices/read-all", event="notices:read-all", needs="notices:write", limits=_CHANGES)
async def read_all(notices: Notices, actor: Actor, body: ReadAll) -> NoticesUnread:
    """Mark everything as read, or everything up to a position, so that what came meanwhile stays unread."""
    return await notices.read_all(actor.user_id, body)


@routes.command("GET /api/notices/preferences", event="notices:preferences", needs="notices:read", limits=_READS)
async def preferences(notices: Notices, actor: Actor) -> NoticeWishes:
    """Read how one wants to be told: by kind and way, quiet hours, letters."""
    return await notices.preferences(actor.user_id)


@routes.command("PUT /api/notices/preferences", event="notices:set-preferences", needs="notices:write", limits=_CHANGES)
async def set_preferences(notices: Notices, actor: Actor, body: NoticeWishesChange) -> NoticeWishes:
    """Change how one wants to be told; what is left out stays as it is."""
    return await notices.change_preferences(actor.user_id, body)
