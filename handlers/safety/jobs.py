"""What happens to evidence and suspensions by the clock."""

from datetime import timedelta

from handlers.safety.service import Safety
from server.jobs import Job


async def forget_evidence(safety: Safety) -> None:
    """Remove the evidence whose time is over."""
    await safety.cases.forget_evidence()


async def end_suspensions(safety: Safety) -> None:
    """Let those in again whose suspension is over."""
    await safety.measures.end_due()


JOBS = (
    Job("safety.evidence", timedelta(hours=1), forget_evidence),
    Job("safety.suspensions", timedelta(minutes=1), end_suspensions),
)
