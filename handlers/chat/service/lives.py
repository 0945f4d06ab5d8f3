"""How long a message lives: pure functions of the conversation's rules, its own wish, and who looks."""

from datetime import datetime, timedelta

from handlers.chat.models.records import ConversationRecord
from storage.log import Entry, Life


def life_of(record: ConversationRecord, expires_in: int | None, at: datetime) -> Life:
    """The life of a message sent at this time: as long as the timer, the retention and its own wish all allow."""
    ends = [at + timedelta(days=record.message_retention)] if record.message_retention else []
    if expires_in is not None:
        ends.append(at + timedelta(seconds=expires_in))
    own = None
    if record.timer and record.timer_mode == "after_read":
        own = min([at + timedelta(seconds=record.timer), *ends])
    elif record.timer:
        ends.append(at + timedelta(seconds=record.timer))
    return Life(min(ends, default=None), own)


def disappears(entry: Entry) -> bool:
    """Whether the message disappears by itself some day."""
    return entry.expires_at is not None or entry.own_expires_at is not None


def end_for(entry: Entry, viewer: str | None) -> datetime | None:
    """When the message disappears for this viewer, as far as that is known.

    With a timer that runs from the reading the sender must not learn from the end when it was read.
    """
    if entry.own_expires_at is None:
        return entry.expires_at
    if viewer is None:
        return None
    return entry.own_expires_at if viewer == entry.sender else entry.expires_at


def read_timer(entry: Entry) -> int | None:
    """Seconds that the message lives after its reading, where its timer runs from there."""
    if entry.own_expires_at is None:
        return None
    return round((entry.own_expires_at - entry.at).total_seconds())


def is_expiry(entry: Entry) -> bool:
    """Whether the entry is the deletion of a message whose time was over."""
    return entry.kind == "delete" and entry.body.get("deletedBy") == "expired"
