"""Whether a message names exactly the devices that there are."""

from collections.abc import Collection, Mapping

from crypto.directory import Mismatch, compare
from handlers.envelopes.models import Named
from handlers.envelopes.service.errors import DevicesDiffer, DevicesStale
from handlers.keys.models.stored import Device, Roster


def check(
    named: Named, rosters: Mapping[str, Roster], *, sender: str, device: Device, everybody: Collection[str]
) -> None:
    """Raises DevicesDiffer and DevicesStale. `everybody`: whose devices must be named, whoever is.

    The sender's own other devices need not be named, but if they are it must be all of them. With one other person
    stale devices come first, with several the missing ones.
    """
    wrong: dict[str, Mismatch] = {}
    for user_id in sorted({*named, *everybody}):
        there = rosters[user_id].registrations() if user_id in rosters else {}
        if user_id == sender:
            if user_id not in named:
                continue
            there = {number: one for number, one in there.items() if number != device.number}
        mismatch = compare(named.get(user_id, {}), there)
        if mismatch:
            wrong[user_id] = mismatch
    if not wrong:
        return
    single = len({*named, *everybody} - {sender}) <= 1
    differ = any(one.missing or one.extra for one in wrong.values())
    stale = any(one.stale for one in wrong.values())
    if stale and (single or not differ):
        raise DevicesStale(wrong.items())
    raise DevicesDiffer(wrong.items())
