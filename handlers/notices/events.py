"""What the notices slice tells."""

from handlers.notices.models import NoticeNews, NoticePush, NoticesRead
from server.events import Event


class NoticeNew(Event[NoticeNews], name="notice:new"):
    """Something happened to you: a new notice, or one that it joined; and how many are unread now."""


class NoticeRead(Event[NoticesRead], name="notice:read"):
    """Notices were read on one of your devices, or are gone; how many are unread now, in absolute numbers."""


class NoticePushed(Event[NoticePush], name="notice:push", durable=True):
    """A notice that its person wants pushed, outside the quiet hours. For other slices."""


EVENTS = (NoticeNew, NoticeRead, NoticePushed)
