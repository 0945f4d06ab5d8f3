"""What happens to presence by the clock of the cluster. The rest each process does for itself (`Heart.tick`)."""

from datetime import timedelta

from handlers.presence.service import Presence
from server.jobs import Job


async def expire_custom(presence: Presence) -> None:
    """Remove lines whose time is over. Whoever reads one in between does not see it either."""
    await presence.expire_custom()


JOBS = (Job("presence.expire_custom", timedelta(seconds=30), expire_custom),)
