"""Points at which a fault test may stop the log; in production nothing happens there."""

from collections.abc import Sequence

from storage.log.entries import Entry


class Hooks:
    """Called by the lanes. What a hook raises is treated like a failure of the database at that point."""

    async def before_insert(self, entries: Sequence[Entry]) -> None:
        """These entries are about to be written."""

    async def after_insert(self, entries: Sequence[Entry]) -> None:
        """These entries are committed; nobody has been told."""

    async def after_ack(self, entries: Sequence[Entry]) -> None:
        """Those who wait for these entries have been told."""
