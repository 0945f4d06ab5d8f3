"""How devices come and go: the first one, further ones, and a new beginning with another identity."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from crypto import tokens
from crypto.directory import base64, unbase64
from crypto.ids import new_id
from handlers.auth.service import Auth
from handlers.keys.events import DevicesChanged, DevicesGone, IdentityChanged, ProvisionSent
from handlers.keys.models.answers import (
    ChangedDevices,
    ChangedIdentity,
    Departed,
    DeviceMade,
    LinkToken,
    OwnDevice,
    OwnDevices,
    Provision,
)
from handlers.keys.models.fields import LAST_DEVICE, PRIMARY
from handlers.keys.models.stored import Device, Roster
from handlers.keys.models.uploads import FirstDevice, LinkedDevice, NewDevice, WantedLink
from handlers.keys.service.checks import check, refuse
from handlers.keys.service.directory import Directory, day_of
from handlers.keys.service.errors import AlreadyThere, BadToken, NoDevice, NotFirst, TooManyDevices
from handlers.keys.service.log import IdentityLog
from handlers.keys.service.prekeys import put
from handlers.keys.settings import KeysSettings
from handlers.keys.store import AccountStore, KeyStore, LinkStore
from handlers.social.service import Social
from handlers.users.service import Transact
from server.actors import Actor
from server.clock import Clock
from server.errors import NotFound, Unavailable
from server.events import Devices as ToDevices
from server.events import Nobody, Publisher
from server.events import Users as ToUsers


class DeviceBook:
    """Registers, links and removes devices."""

    def __init__(
        self,
        directory: Directory,
        *,
        accounts: AccountStore,
        keys: KeyStore,
        links: LinkStore,
        log: IdentityLog,
        auth: Auth,
        social: Social,
        transact: Transact,
        publish: Publisher,
        clock: Clock,
        settings: KeysSettings,
    ) -> None:
        self._directory = directory
        self._accounts = accounts
        self._keys = keys
        self._links = links
        self._log = log
        self._auth = auth
        self._social = social
        self._transact = transact
        self._publish = publish
        self._clock = clock
        self._most = settings.max_devices
        self._link = timedelta(minutes=settings.link_minutes)

    async def register(self, actor: Actor, new: FirstDevice) -> DeviceMade:
        """Begin to encrypt. Raises AlreadyThere, BadKeys, Invalid."""
        if await self._accounts.get(actor.user_id) is not None:
            raise AlreadyThere("This account has an identity key already: link this device to the first one.")
        identity = unbase64(new.identity_key)
        await check(identity, new)
        device = self._device(actor, new, PRIMARY)

        async def all_of_it() -> None:
            index = await self._log.append(actor.user_id, identity, self._clock.now())
            roster = Roster(actor.user_id, identity, 1, index, PRIMARY, (device,))
            if not await self._accounts.add(roster):
                raise AlreadyThere("This account has an identity key already: link this device to the first one.")
            await put(self._keys, actor.user_id, device.key, new)

        await self._transact(all_of_it)
        await self._tell(actor.user_id, added=[device.number])
        return DeviceMade(device_id=device.number)

    async def link_token(self, actor: Actor, wanted: WantedLink) -> LinkToken:
        """A token for another device. Raises NoDevice, NotFirst, TooManyDevices."""
        roster, device = await self._directory.own(actor)
        if device.number != PRIMARY:
            raise NotFirst("Only your first device lets another one join.")
        self._must_have_room(roster)
        token, expires_at = tokens.new_secret(), self._clock.now() + self._link
        await self._links.add(tokens.digest(token), actor.user_id, expires_at)
        if wanted.to is not None and wanted.message is not None:
            told = Provision(token=token, message=wanted.message, expires_at=expires_at)
            await self._publish(ProvisionSent(told, to=ToDevices(actor.user_id, [wanted.to])))
        return LinkToken(token=token, expires_at=expires_at)

    async def link(self, actor: Actor, new: LinkedDevice) -> DeviceMade:
        """Join an account. Raises NoDevice, AlreadyThere, TooManyDevices, BadKeys, BadToken, Invalid, Unavailable."""
        roster = await self._accounts.get(actor.user_id)
        if roster is None:
            raise NoDevice
        if roster.of_sign_in(actor.device_id) is not None:
            raise AlreadyThere("This device is linked already.")
        self._must_have_room(roster)
        await check(roster.identity, new)
        number = _free(roster)
        device = self._device(actor, new, number)

        async def all_of_it() -> None:
            if not await self._links.take(tokens.digest(new.token), actor.user_id, self._clock.now()):
                raise BadToken
            if not await self._accounts.add_device(roster, device):
                raise Unavailable("Your devices have just changed: try again.", retry_after_ms=100)
            await put(self._keys, actor.user_id, device.key, new)

        await self._transact(all_of_it)
        await self._tell(actor.user_id, added=[number])
        return DeviceMade(device_id=number)

    async def listed(self, actor: Actor) -> OwnDevices:
        """The devices of the one who asks. Raises NoDevice when he does not encrypt."""
        roster = await self._accounts.get(actor.user_id)
        if roster is None:
            raise NoDevice
        return OwnDevices(
            identity_key=base64(roster.identity),
            devices=[
                OwnDevice(
                    device_id=one.number,
                    registration_id=one.registration_id,
                    name=one.name,
                    created_at=one.created_at,
                    last_seen_day=one.seen_at.date().isoformat(),
                    is_current=one.sign_in == actor.device_id,
                )
                for one in roster.devices
            ],
        )

    async def remove(self, actor: Actor, number: int) -> None:
        """Remove a device and end its sign-in. Raises NoDevice, NotFound, NotFirst."""
        roster, mine = await self._directory.own(actor)
        target = roster.numbered(number)
        if mine.number not in {PRIMARY, number}:
            raise NotFirst("Only your first device removes others.")
        if target is None:
            raise NotFound("You have no such device.")
        if target.number == PRIMARY:
            raise NotFirst("The first device cannot be removed: set a new identity on another one.")

        async def all_of_it() -> None:
            if not await self._accounts.remove_device(actor.user_id, target.key):
                raise NotFound("You have no such device.")
            await self._gone(actor.user_id, [target])

        await self._transact(all_of_it)
        await self._tell(actor.user_id, removed=[number])

    async def reset(self, actor: Actor, new: FirstDevice) -> DeviceMade:
        """Begin anew with another identity: all other devices are removed.

        Raises NoDevice, BadKeys, Invalid, Unavailable.
        """
        before = await self._accounts.get(actor.user_id)
        if before is None:
            raise NoDevice
        identity = unbase64(new.identity_key)
        if identity == before.identity:
            refuse("identityKey", "must be another one than before")
        if any(one.registration_id == new.registration_id for one in before.devices):
            refuse("registrationId", "must be another one than before")
        await check(identity, new)
        device = self._device(actor, new, PRIMARY)
        roster = partial(Roster, actor.user_id, identity, before.version + 1)

        async def all_of_it() -> int:
            index = await self._log.append(actor.user_id, identity, self._clock.now())
            after = roster(index, before.last_number, (device,))
            if not await self._accounts.replace(after, version=before.version):
                raise Unavailable("Your devices have just changed: try again.", retry_after_ms=100)
            await self._links.forget(actor.user_id)
            await self._gone(actor.user_id, before.devices, but=actor.device_id)
            await put(self._keys, actor.user_id, device.key, new)
            return index

        index: int = await self._transact(all_of_it)
        changed = ChangedIdentity(user_id=actor.user_id, identity_key=new.identity_key, log_index=index)
        friends = await self._social.friend_ids(actor.user_id)
        await self._publish(IdentityChanged(changed, to=ToUsers([actor.user_id, *friends])))
        await self._tell(actor.user_id, added=[PRIMARY], removed=[one.number for one in before.devices])
        return DeviceMade(device_id=PRIMARY)

    async def forget(self, user_id: str) -> None:
        """Remove everything of a person who is erased."""
        await self._accounts.forget(user_id)
        await self._keys.forget(user_id)
        await self._links.forget(user_id)

    async def _gone(self, user_id: str, devices: Sequence[Device], *, but: str | None = None) -> None:
        """Drop keys and sign-ins of devices, in the caller's unit of work; the sign-in `but` stays."""
        keys = [one.key for one in devices]
        await self._keys.drop(keys)
        for one in devices:
            if one.sign_in != but:
                await self._auth.book.end_device(user_id, one.sign_in)
        await self._publish(DevicesGone(Departed(user_id=user_id, keys=keys), to=Nobody()))

    async def _tell(self, user_id: str, *, added: Sequence[int] = (), removed: Sequence[int] = ()) -> None:
        changed = ChangedDevices(user_id=user_id, added=list(added), removed=list(removed))
        await self._publish(DevicesChanged(changed, to=ToUsers([user_id])))

    def _device(self, actor: Actor, new: NewDevice, number: int) -> Device:
        now = self._clock.now()
        return Device(
            number=number,
            key=new_id(),
            registration_id=new.registration_id,
            sign_in=actor.device_id,
            name=new.name,
            created_at=now,
            seen_at=day_of(now),
        )

    def _must_have_room(self, roster: Roster) -> None:
        if len(roster.devices) >= self._most:
            raise TooManyDevices(len(roster.devices), self._most)


def _free(roster: Roster) -> int:
    """The number for another device: after all that were given, so that none is taken for one that is gone."""
    used = {one.number for one in roster.devices}
    number = roster.last_number
    while True:
        number = number + 1 if number < LAST_DEVICE else PRIMARY + 1
        if number not in used:
            return number
