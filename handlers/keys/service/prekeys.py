"""What devices upload, and what is given out of them."""

import asyncio
from collections.abc import Sequence
from functools import partial

from crypto.directory import base64, digest, unbase64
from handlers.keys.events import KeysLow
from handlers.keys.models.answers import Bundle, Bundles, DeviceBundle, KeyCount, PreKey, SignedPreKey
from handlers.keys.models.stored import Device, Reusable, Roster, StoredKey
from handlers.keys.models.uploads import NewDevice, Upload, WantedBundle, WantedBundles, WantedDigest
from handlers.keys.service.checks import check, must_differ, stored
from handlers.keys.service.directory import Directory
from handlers.keys.service.errors import Differs, NoDevice, NoKeys
from handlers.keys.service.reach import Reach
from handlers.keys.settings import KeysSettings
from handlers.keys.store import AccountStore, KeyStore
from handlers.users.service import Transact
from server.actors import Actor
from server.errors import RateLimited
from server.events import Devices, Publisher
from server.routes import Limit
from server.slices import Spender

COUNTED = 1_000
FETCHES = Limit(6, 600, by="target", strict=True)
"""Of each device of another, by one device: whoever could fetch more would use up the one-time keys of others."""


class PreKeys:
    """Takes keys in and gives them out."""

    def __init__(
        self,
        directory: Directory,
        *,
        accounts: AccountStore,
        keys: KeyStore,
        reach: Reach,
        spend: Spender,
        transact: Transact,
        publish: Publisher,
        settings: KeysSettings,
    ) -> None:
        self._directory = directory
        self._accounts = accounts
        self._keys = keys
        self._reach = reach
        self._spend = spend
        self._transact = transact
        self._publish = publish
        self._settings = settings

    async def upload(self, actor: Actor, given: Upload) -> None:
        """Take fresh keys of the device that asks, all or none. Raises NoDevice, BadKeys, Invalid."""
        roster, device = await self._directory.own(actor)
        await check(roster.identity, given)
        await self._transact(partial(self._store, roster, device, given))

    async def _store(self, roster: Roster, device: Device, given: Upload) -> None:
        if not await self._accounts.keep(roster.user_id, roster.identity, device.key):
            raise NoDevice  # it was removed, or the identity was changed, while the signatures were checked
        last = given.pq_last_resort_pre_key
        if last is None and given.pq_pre_keys:
            must_differ((await self._reusable(device)).last_resort.key_id, given.pq_pre_keys)
        if last is not None and not given.pq_pre_keys and await self._keys.has(device.key, "pq", last.key_id):
            must_differ(last.key_id, [last])
        await put(self._keys, roster.user_id, device.key, given)

    async def count(self, actor: Actor) -> KeyCount:
        """How many one-time keys of the device that asks are left. Raises NoDevice."""
        _, device = await self._directory.own(actor)
        return await self._count(device.key, COUNTED, COUNTED)

    async def compare(self, actor: Actor, wanted: WantedDigest) -> None:
        """Raises Differs when the device that asks has other keys than the server thinks, and NoDevice."""
        roster, device = await self._directory.own(actor)
        keys = await self._reusable(device)
        signed, last = keys.signed, keys.last_resort
        known = digest(roster.identity, (signed.key_id, signed.public), (last.key_id, last.public))
        if known != unbase64(wanted.digest):
            raise Differs

    async def bundle(self, actor: Actor, wanted: WantedBundle) -> Bundle:
        """The keys of one device of a person, or of all. Raises NoKeys, NotFound, RateLimited, Unavailable."""
        reached = await self._reach.among(actor, [wanted.user_id], wanted.conversation_id)
        roster = (await self._directory.rosters(reached)).get(wanted.user_id)
        if roster is None:
            raise NoKeys
        devices = self._wanted(actor, roster, wanted.device_id)
        if not devices:
            raise NoKeys
        return await self._fetched(actor, roster, devices)

    async def bundles(self, actor: Actor, wanted: WantedBundles) -> Bundles:
        """The keys of several people's devices. Raises NotFound (no such conversation), Unavailable."""
        people = list(dict.fromkeys(wanted.user_ids))
        rosters = await self._directory.rosters(await self._reach.among(actor, people, wanted.conversation_id))
        found: list[Bundle] = []
        limited: list[str] = []
        for user_id in people:
            roster = rosters.get(user_id)
            devices = self._wanted(actor, roster, "*") if roster is not None else []
            if roster is None or not devices:
                continue
            try:
                found.append(await self._fetched(actor, roster, devices))
            except RateLimited:
                limited.append(user_id)
        given = {*(one.user_id for one in found), *limited}
        return Bundles(bundles=found, missing=[one for one in people if one not in given], limited=limited)

    def _wanted(self, actor: Actor, roster: Roster, which: str) -> list[Device]:
        """The devices that are asked for; one's own but the one that asks."""
        mine = actor.device_id if roster.user_id == actor.user_id else None
        return [one for one in roster.devices if which in {"*", str(one.number)} and one.sign_in != mine]

    async def _fetched(self, actor: Actor, roster: Roster, devices: Sequence[Device]) -> Bundle:
        who = f"{actor.user_id}/{actor.device_id}"
        limits = [(f"{who}/{roster.user_id}/{one.number}/{one.registration_id}", FETCHES) for one in devices]
        await self._spend("keys.bundle", limits)
        reusable = await self._keys.reusable([one.key for one in devices])
        given = [one for one in devices if one.key in reusable]
        found = await asyncio.gather(*(self._taken(roster, one, reusable[one.key]) for one in given))
        if not found:
            raise NoKeys
        return Bundle(user_id=roster.user_id, identity_key=base64(roster.identity), devices=list(found))

    async def _taken(self, roster: Roster, device: Device, keys: Reusable) -> DeviceBundle:
        ec, pq = await self._keys.take(device.key, "ec"), await self._keys.take(device.key, "pq")
        if ec is not None or pq is not None:
            await self._tell_low(roster, device)
        return DeviceBundle(
            device_id=device.number,
            registration_id=device.registration_id,
            signed_pre_key=_shown(keys.signed),
            pre_key=PreKey(key_id=ec.key_id, public_key=base64(ec.public)) if ec else None,
            pq_pre_key=_shown(pq or keys.last_resort),
        )

    async def _tell_low(self, roster: Roster, device: Device) -> None:
        low, low_pq = self._settings.low, self._settings.low_pq
        left = await self._count(device.key, low, low_pq)
        if (left.count < low or left.pq_count < low_pq) and await self._keys.mark_low(device.key):
            await self._publish(KeysLow(left, to=Devices(roster.user_id, [device.sign_in])))

    async def _count(self, device: str, most: int, most_pq: int) -> KeyCount:
        return KeyCount(
            count=await self._keys.count(device, "ec", limit=most),
            pq_count=await self._keys.count(device, "pq", limit=most_pq),
        )

    async def _reusable(self, device: Device) -> Reusable:
        keys = (await self._keys.reusable([device.key])).get(device.key)
        if keys is None:
            raise NoDevice
        return keys


async def put(keys: KeyStore, user_id: str, device: str, given: Upload | NewDevice) -> None:
    """Keep what was checked, in the caller's unit of work."""
    signed, last = given.signed_pre_key, given.pq_last_resort_pre_key
    await keys.put(
        user_id,
        device,
        signed=stored(signed) if signed else None,
        last_resort=stored(last) if last else None,
        replenished=bool(given.pre_keys or given.pq_pre_keys),
    )
    if given.pre_keys:
        await keys.replace(user_id, device, "ec", [stored(one) for one in given.pre_keys])
    if given.pq_pre_keys:
        await keys.replace(user_id, device, "pq", [stored(one) for one in given.pq_pre_keys])


def _shown(key: StoredKey) -> SignedPreKey:
    return SignedPreKey(key_id=key.key_id, public_key=base64(key.public), signature=base64(key.signature or b""))
