"""Where a page begins, as text that clients hand back unread: a time in milliseconds, and what makes it unique."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def write_cursor(at: datetime, key: str) -> str:
    """The cursor of a place in the order of time."""
    return f"{(at - _EPOCH) // _MILLISECOND}.{key}"


def read_cursor(cursor: str) -> tuple[datetime, str]:
    """The place that a cursor names. Raises ValueError for what `write_cursor` has not written."""
    milliseconds, _, key = cursor.partition(".")
    if not (milliseconds.isascii() and milliseconds.isdigit() and len(milliseconds) <= 14 and key):
        raise ValueError("not a cursor")
    return _EPOCH + int(milliseconds) * _MILLISECOND, key
