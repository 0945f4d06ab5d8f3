"""The log of what moderators did."""

from handlers.safety.models import AuditPage, ListAudit
from handlers.safety.store import AuditStore
from server.clock import Clock


class Audit:
    """Writes lines beside what they tell of, and hands them out to admins."""

    def __init__(self, store: AuditStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def note(
        self,
        action: str,
        *,
        by: str | None,
        user_id: str | None = None,
        about: str | None = None,
        note: str | None = None,
    ) -> None:
        """Add a line, in the unit of work of what it tells of; `by` None is the clock."""
        await self._store.add(at=self._clock.now(), by=by, action=action, user_id=user_id, about=about, note=note)

    async def page(self, wanted: ListAudit) -> AuditPage:
        """Some lines, the newest first."""
        found = await self._store.lines(
            by=wanted.by, user_id=wanted.user_id, before=wanted.before, limit=wanted.limit + 1
        )
        lines = found[: wanted.limit]
        return AuditPage(lines=lines, next_before=lines[-1].seq if len(found) > wanted.limit else None)
