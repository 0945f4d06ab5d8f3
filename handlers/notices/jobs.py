"""What happens to notices by the clock."""

from datetime import timedelta

from handlers.notices.service import Notices
from server.jobs import Job


async def send_letters(notices: Notices) -> None:
    """Send the letters that are due."""
    await notices.post.send_due()


async def expire(notices: Notices) -> None:
    """Drop notices that are older than they are kept."""
    await notices.expire()


JOBS = (
    Job("notices.mail", timedelta(seconds=30), send_letters),
    Job("notices.expire", timedelta(hours=1), expire),
)
