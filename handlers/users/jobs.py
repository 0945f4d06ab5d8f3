"""What happens to accounts by the clock."""

from datetime import timedelta

from handlers.users.service import Users
from server.jobs import Job


async def erase_departed(users: Users) -> None:
    """Erase the accounts whose grace period is over."""
    await users.erase_due()


JOBS = (Job("users.erase", timedelta(hours=1), erase_departed),)
