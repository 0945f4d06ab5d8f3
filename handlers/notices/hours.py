"""When somebody may be disturbed, by his own clock."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from handlers.notices.models import NoticeWishes, QuietHours


def quiet_until(wishes: NoticeWishes, now: datetime) -> datetime | None:
    """When the quiet hours that run now are over; None outside them. They begin with their start, and end before it.

    Hours that start and end at the same time last the whole day.
    """
    if wishes.quiet_hours is None:
        return None
    zone = ZoneInfo(wishes.timezone)
    start, end = _clock(wishes.quiet_hours, "start"), _clock(wishes.quiet_hours, "end")
    today = now.astimezone(zone).date()
    for day in (today - timedelta(days=1), today):
        last = day if start < end else day + timedelta(days=1)
        begins, ends = datetime.combine(day, start, zone), datetime.combine(last, end, zone)
        # Compared as moments in UTC: within one zone Python compares the hands of the clock.
        if begins.astimezone(now.tzinfo) <= now < ends.astimezone(now.tzinfo):
            return ends.astimezone(now.tzinfo)
    return None


def mail_at(wishes: NoticeWishes, now: datetime) -> datetime:
    """When what happens now is mailed: with the next letter, and not within quiet hours."""
    zone = ZoneInfo(wishes.timezone)
    then = now
    if wishes.digest == "hourly":
        then = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    elif wishes.digest == "daily":
        today = now.astimezone(zone).date()
        days = (datetime.combine(today + timedelta(days=ahead), time(wishes.digest_hour), zone) for ahead in (0, 1))
        then = next(moment for day in days if (moment := day.astimezone(now.tzinfo)) > now)
    return quiet_until(wishes, then) or then


def _clock(hours: QuietHours, end: str) -> time:
    return time.fromisoformat(getattr(hours, end))
