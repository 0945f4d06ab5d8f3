"""The one place where ids are made."""

import uuid_utils.compat as uuid7s


def new_id() -> str:
    """A new UUIDv7 as a string: unique, and sorted by the time it was made."""
    return str(uuid7s.uuid7())
