"""Accounts that encrypt: the identity key and the devices of each, in one document under a version."""

from collections.abc import Collection as Several
from datetime import datetime
from typing import Any

from handlers.keys.models.stored import Device, Roster
from storage.mongo import Binary, Collection, Document, DuplicateKeyError, IndexModel

ACCOUNTS = "e2ee_accounts"
ACCOUNT_INDEXES: tuple[IndexModel, ...] = ()
AT_ONCE = 2_000
"""Accounts in one question at most."""


class AccountStore:
    """Questions to the accounts. Every change of devices names the version that it follows."""

    def __init__(self, accounts: Collection) -> None:
        self._accounts = accounts

    async def get(self, user_id: str) -> Roster | None:
        """The account of a person; None when he does not encrypt."""
        return _roster(await self._accounts.find_one({"_id": user_id}))

    async def of(self, user_ids: Several[str]) -> dict[str, Roster]:
        """The accounts of several people, of those who have one."""
        if not user_ids:
            return {}
        found = await self._accounts.find({"_id": {"$in": sorted(user_ids)}}, limit=AT_ONCE)
        return {one.user_id: one for one in map(_roster, found) if one is not None}

    async def add(self, roster: Roster) -> bool:
        """Add an account. False when there is one already; then nothing else of the unit may be done."""
        try:
            await self._accounts.insert(_document(roster))
        except DuplicateKeyError:
            return False
        return True

    async def replace(self, roster: Roster, *, version: int) -> bool:
        """Put an account in the place of what it was at this version. False when it has changed since."""
        values = _document(roster)
        del values["_id"]
        return await self._accounts.update_one({"_id": roster.user_id, "version": version}, {"$set": values})

    async def add_device(self, roster: Roster, device: Device) -> bool:
        """Add a device to an account as it is in `roster`. False when it has changed since."""
        change = {
            "$push": {"devices": _of_device(device)},
            "$inc": {"version": 1},
            "$set": {"lastNumber": device.number},
        }
        return await self._accounts.update_one({"_id": roster.user_id, "version": roster.version}, change)

    async def remove_device(self, user_id: str, key: str) -> bool:
        """Take a device away from an account. False when it is not there."""
        change = {"$pull": {"devices": {"key": key}}, "$inc": {"version": 1}}
        return await self._accounts.update_one({"_id": user_id, "devices.key": key}, change)

    async def seen(self, user_id: str, key: str, day: datetime) -> None:
        """Note when a device was last seen."""
        await self._accounts.update_one({"_id": user_id, "devices.key": key}, {"$set": {"devices.$.seen": day}})

    async def keep(self, user_id: str, identity: bytes, key: str) -> bool:
        """Keep the account as it is until the end of the caller's unit of work.

        False when the device is not there, or the identity is another one.
        """
        where = {"_id": user_id, "identity": Binary(identity), "devices.key": key}
        return await self._accounts.update_one(where, {"$inc": {"uploads": 1}})

    async def forget(self, user_id: str) -> None:
        """Remove the account of a person."""
        await self._accounts.delete_one({"_id": user_id})


def _of_device(one: Device) -> dict[str, Any]:
    return {
        "number": one.number,
        "key": one.key,
        "reg": one.registration_id,
        "signIn": one.sign_in,
        "name": one.name,
        "at": one.created_at,
        "seen": one.seen_at,
    }


def _document(roster: Roster) -> Document:
    return {
        "_id": roster.user_id,
        "identity": Binary(roster.identity),
        "version": roster.version,
        "logIndex": roster.log_index,
        "lastNumber": roster.last_number,
        "devices": [_of_device(one) for one in roster.devices],
    }


def _roster(found: Document | None) -> Roster | None:
    if found is None:
        return None
    return Roster(
        user_id=found["_id"],
        identity=bytes(found["identity"]),
        version=found["version"],
        log_index=found["logIndex"],
        last_number=found["lastNumber"],
        devices=tuple(
            Device(
                number=one["number"],
                key=one["key"],
                registration_id=one["reg"],
                sign_in=one["signIn"],
                name=one["name"],
                created_at=one["at"],
                seen_at=one["seen"],
            )
            for one in sorted(found["devices"], key=lambda one: int(one["number"]))
        ),
    )
