"""What the notices slice tells."""

from handlers.notices.models import NoticeNews, NoticePush, NoticesRead, NoticeWishes
from server.events import Event


class NoticeNew(Event[NoticeNews], name="notice:new"):
    """Something happened to you: a new notice, or one that it joined; and how many are unread now."""


class NoticeRead(Event[NoticesRead], name="notice:read"):
    """Notices were read on one of your devices, or are gone; how many are unread now, in absolute numbers."""


class NoticePreferences(Event[NoticeWishes], name="notice:preferences"):
    """You have changed on one of your devices how you want to be told: these are your wishes now."""


class NoticePushed(Event[NoticePush], name="notice:push", durable=True):
    """A notice that its person wants pushed, outside the quiet hours. For other slices."""


EVENTS = (NoticeNew, NoticeRead, NoticePreferences, NoticePushed)
