"""What happens to attachments by the clock."""

from datetime import timedelta

from handlers.media.service import Media
from server.jobs import Job


async def look_after(media: Media) -> None:
    """Throw away abandoned uploads, and what an interrupted removal left behind."""
    await media.look_after()


JOBS = (Job("media.look_after", timedelta(minutes=5), look_after),)
