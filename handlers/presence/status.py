"""From devices and choices to the one status of a person: pure rules."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from handlers.presence.models import (
    Bucket,
    CustomStatus,
    Device,
    Kind,
    Live,
    PresencePlace,
    Record,
    Shown,
    UserPresence,
)

RECENT_DAYS = 3
WEEK_DAYS = 7
MONTH_DAYS = 30

_WORDS = re.compile(r"[a-z]+")
_MOBILE = frozenset({"ios", "iphone", "ipad", "android", "mobile", "phone", "tablet", "okhttp", "cfnetwork", "dart"})
_DESKTOP = frozenset({"desktop", "electron", "tauri"})


def milliseconds(moment: datetime) -> int:
    """A moment in milliseconds since 1970."""
    return round(moment.timestamp() * 1000)


def kind_of(device_id: str, user_agent: str) -> Kind:
    """What a device is, by what its client calls it and by what the client says of itself; `web` when neither tells."""
    for text in (device_id, user_agent):
        words = set(_WORDS.findall(text.casefold()))
        if words & _DESKTOP:
            return "desktop"
        if words & _MOBILE:
            return "mobile"
    return "web"


@dataclass(frozen=True, slots=True)
class Rules:
    """How long things last, in milliseconds."""

    grace: int
    """Without a device, until somebody is gone."""
    idle: int
    """Without use, until a device counts as away."""
    busy: int
    """Without a device, until somebody busy is gone."""

    def counting(self, live: Live, now: int) -> tuple[list[Device], int]:
        """The devices that count, and as of when.

        Within the grace period that is the device that left last, as it was then: nothing changes meanwhile.
        """
        if live.devices or live.last is None or live.gone is None or now >= live.gone + self.grace:
            return live.devices, now
        return [live.last], live.gone

    def in_use(self, device: Device, at: int) -> bool:
        """Whether a device makes its person online: in the foreground, used a short while ago, and not set away."""
        return device.state == "online" and device.app == "foreground" and at < device.since + self.idle

    def status(self, live: Live, record: Record, now: int) -> Shown:
        """The person's own status: busy before online before away; a choice goes before what the devices say."""
        devices, at = self.counting(live, now)
        if not devices:
            if record.choice == "busy" and live.gone is not None and now < live.gone + self.busy:
                return "busy"
            return "offline" if live.sure else "unknown"
        if record.choice is not None:
            return record.choice
        return "online" if any(self.in_use(device, at) for device in devices) else "away"

    def changes_at(self, live: Live, record: Record, now: int) -> int | None:
        """When the status may change next although nothing happens; None for never."""
        ends: list[int] = []
        if record.choice is None and (used := [one.since for one in live.devices if self.in_use(one, now)]):
            ends.append(max(used) + self.idle)
        if live.gone is not None and not live.devices:
            ends.append(live.gone + self.grace)
            if record.choice == "busy":
                ends.append(live.gone + self.busy)
        return min((end for end in ends if end > now), default=None)

    def current(self, devices: Sequence[Device], at: int) -> Kind | None:
        """What the person uses now: the device that came or was used last, those in use before the others."""
        if not devices:
            return None
        return max(devices, key=lambda one: (self.in_use(one, at), one.since, one.connection)).kind


def public(status: Shown) -> Shown:
    """The status as others see it."""
    return "offline" if status == "invisible" else status


def without_expired(record: Record, now: datetime) -> Record:
    """The record without a line whose time is over."""
    custom = record.custom
    if custom is not None and custom.expires_at is not None and custom.expires_at <= now:
        return replace(record, custom=None)
    return record


def to_the_minute(moment: datetime | None) -> datetime | None:
    """The beginning of the minute."""
    return moment.replace(second=0, microsecond=0) if moment else None


def bucket(moment: datetime | None, now: datetime) -> Bucket:
    """Roughly when somebody was last here. Whole days are compared, so that nobody learns the hour by asking often."""
    days = (now.date() - moment.date()).days if moment else None
    if days is None or days > MONTH_DAYS:
        return "long_ago"
    if days > WEEK_DAYS:
        return "month"
    return "week" if days > RECENT_DAYS else "recently"


def presence_of(
    user_id: str,
    live: Live,
    record: Record,
    now: datetime,
    rules: Rules,
    *,
    own: bool,
    place: PresencePlace | None = None,
) -> UserPresence:
    """A person's presence, for the person or for those who may see it; `place` only if they may see that too."""
    record = without_expired(record, now)
    status = rules.status(live, record, milliseconds(now))
    shown = status if own else public(status)
    devices, at = rules.counting(live, milliseconds(now))
    if shown in {"offline", "unknown"}:
        devices = []
    return UserPresence(
        user_id=user_id,
        status=shown,
        last_seen_at=to_the_minute(now if devices else record.last_seen_at),
        last_seen=None,
        current_device=rules.current(devices, at),
        location=place,
        custom_status=record.custom,
    )


def neutral(user_id: str, last_seen: Bucket = "long_ago") -> UserPresence:
    """What is said of a person whose presence the one who asks may not see: when it was, roughly."""
    return UserPresence(
        user_id=user_id,
        status="offline",
        last_seen_at=None,
        last_seen=last_seen,
        current_device=None,
        location=None,
        custom_status=None,
    )


def roughly(live: Live, record: Record, now: datetime) -> Bucket:
    """When somebody was last here, for those who may not know more. The invisible are not here for them either."""
    return bucket(now if live.devices and record.choice != "invisible" else record.last_seen_at, now)


def digest(view: UserPresence) -> str:
    """What of a presence is worth telling when it changes; equal digests are equal news."""
    if view.status == "offline":
        return "offline"
    return f"{view.status} {_line(view.custom_status)}".rstrip()


def _line(custom: CustomStatus | None) -> str:
    return custom.model_dump_json() if custom else ""
