"""The one place where ids are made."""

from datetime import UTC, datetime
from uuid import UUID

import uuid_utils.compat as uuid7s


def new_id() -> str:
    """A new UUIDv7 as a string: unique, and sorted by the time it was made."""
    return str(uuid7s.uuid7())


def made_at(id: str) -> datetime | None:  # noqa: A002 - it is one
    """When a UUIDv7 was made, to the millisecond; None for what is none."""
    try:
        found = UUID(id)
    except ValueError:
        return None
    if found.version != 7:
        return None
    return datetime.fromtimestamp((found.int >> 80) / 1000, UTC)
