"""Who has which devices, for whoever sends them something."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from handlers.keys.models.fields import PRIMARY
from handlers.keys.models.stored import Device, Roster
from handlers.keys.service.errors import NoDevice
from handlers.keys.settings import KeysSettings
from handlers.keys.store import AccountStore
from server.actors import Actor
from server.clock import Clock


def day_of(at: datetime) -> datetime:
    """The beginning of the day: more is not kept of when a device was seen."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


class Directory:
    """Answers questions about devices. One that was not seen for long counts as gone until it is seen again."""

    def __init__(self, accounts: AccountStore, *, clock: Clock, settings: KeysSettings) -> None:
        self._accounts = accounts
        self._clock = clock
        self._linked = timedelta(days=settings.idle_days)
        self._first = timedelta(days=settings.idle_days_first)

    async def own(self, actor: Actor) -> tuple[Roster, Device]:
        """The account of the one who asks, and the device that he asks with. Raises NoDevice."""
        return await self._own(actor, await self._accounts.get(actor.user_id))

    async def sending(self, actor: Actor, user_ids: Collection[str]) -> tuple[Device, dict[str, Roster]]:
        """The device that somebody sends with, and his own account and those of others by one question.

        Raises NoDevice.
        """
        found = await self._accounts.of({actor.user_id, *user_ids})
        own, device = await self._own(actor, found.pop(actor.user_id, None))
        return device, {own.user_id: own, **{user_id: self._alive(one) for user_id, one in found.items()}}

    async def _own(self, actor: Actor, roster: Roster | None) -> tuple[Roster, Device]:
        device = roster.of_sign_in(actor.device_id) if roster is not None else None
        if roster is None or device is None:
            raise NoDevice
        day = day_of(self._clock.now())
        if device.seen_at < day:
            await self._accounts.seen(actor.user_id, device.key, day)
        return self._alive(roster, but=device.key), device

    async def rosters(self, user_ids: Collection[str]) -> dict[str, Roster]:
        """The accounts of these people with the devices that are in use; who does not encrypt is not there."""
        return {user_id: self._alive(one) for user_id, one in (await self._accounts.of(user_ids)).items()}

    def _alive(self, roster: Roster, *, but: str = "") -> Roster:
        now = self._clock.now()
        alive = tuple(
            one
            for one in roster.devices
            if one.key == but or now - one.seen_at <= (self._first if one.number == PRIMARY else self._linked)
        )
        return roster if len(alive) == len(roster.devices) else replace(roster, devices=alive)
