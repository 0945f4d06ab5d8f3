"""What the social slice asks of slices that are built after it."""

from typing import Protocol


class AddressBooks(Protocol):
    """Who is in whose address book."""

    async def matched(self, user_id: str, *, limit: int) -> list[str]:
        """People of somebody's address books whom he may find."""
        ...
