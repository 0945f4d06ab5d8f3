"""From devices and choices to the one status of a person: pure rules."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from handlers.presence.models import CustomStatus, Device, Kind, Live, PresencePlace, Record, Shown, UserPresence

_WORDS = re.compile(r"[a-z]+")
_MOBILE = frozenset({"ios", "iphone", "ipad", "android", "mobile", "phone", "tablet", "okhttp", "cfnetwork", "dart"})
_DESKTOP = frozenset({"desktop", "electron", "tauri"})


def kind_of(device_id: str, user_agent: str) -> Kind:
    """What a device is, by what its client calls it and by what the client says of itself; `web` when neither tells."""
    for text in (device_id, user_agent):
        words = set(_WORDS.findall(text.casefold()))
        if words & _DESKTOP:
            return "desktop"
        if words & _MOBILE:
            return "mobile"
    return "web"


def status_of(live: Live, record: Record) -> Shown:
    """The person's own status: busy before online before away; a choice goes before what the devices say."""
    if not live.devices:
        return "offline" if live.sure else "unknown"
    if record.choice is not None:
        return record.choice
    return "online" if any(device.state == "online" for device in live.devices) else "away"


def public(status: Shown) -> Shown:
    """The status as friends see it."""
    return "offline" if status == "invisible" else status


def current(devices: Sequence[Device]) -> Kind | None:
    """What the person uses now: the device that came or was used last, active ones before those that are away."""
    if not devices:
        return None
    return max(devices, key=lambda one: (one.state == "online", one.since, one.connection)).kind


def without_expired(record: Record, now: datetime) -> Record:
    """The record without a line whose time is over."""
    custom = record.custom
    if custom is not None and custom.expires_at is not None and custom.expires_at <= now:
        return replace(record, custom=None)
    return record


def to_the_minute(moment: datetime | None) -> datetime | None:
    """The beginning of the minute."""
    return moment.replace(second=0, microsecond=0) if moment else None


def presence_of(
    user_id: str,
    live: Live,
    record: Record,
    now: datetime,
    *,
    own: bool,
    place: PresencePlace | None = None,
) -> UserPresence:
    """A person's presence, for the person or for those who may see it; `place` only if they may see that too."""
    record = without_expired(record, now)
    status = status_of(live, record)
    shown = status if own else public(status)
    here = shown not in {"offline", "unknown"}
    return UserPresence(
        user_id=user_id,
        status=shown,
        last_seen_at=to_the_minute(now if here else record.last_seen_at),
        current_device=current(live.devices) if here else None,
        location=place,
        custom_status=record.custom,
    )


def neutral(user_id: str) -> UserPresence:
    """What is said of a person whose presence the one who asks may not see: nothing."""
    return UserPresence(
        user_id=user_id, status="offline", last_seen_at=None, current_device=None, location=None, custom_status=None
    )


def digest(view: UserPresence) -> str:
    """What of a presence is worth telling when it changes; equal digests are equal news."""
    if view.status == "offline":
        return "offline"
    return f"{view.status} {_line(view.custom_status)}".rstrip()


def _line(custom: CustomStatus | None) -> str:
    return custom.model_dump_json() if custom else ""
