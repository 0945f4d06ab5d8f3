"""Whether keys are good: the signatures are checked in a thread, a full upload takes some 40 ms."""

import asyncio
from collections.abc import Sequence
from typing import NoReturn

from crypto.directory import Signed, fault_of, unbase64
from handlers.keys.models.stored import StoredKey
from handlers.keys.models.uploads import NewDevice, NewKyberPreKey, NewPreKey, NewSignedPreKey, Upload
from handlers.keys.service.errors import BadKeys
from server.errors import Invalid


def refuse(field: str, message: str) -> NoReturn:
    """Raises Invalid that names the field."""
    raise Invalid(f"The request does not fit: {field}: {message}.", details=[{"field": field, "message": message}])


def stored(key: NewPreKey | NewSignedPreKey | NewKyberPreKey) -> StoredKey:
    """A key as it is kept."""
    signature = None if isinstance(key, NewPreKey) else unbase64(key.signature)
    return StoredKey(key.key_id, unbase64(key.public_key), signature)


def _signed(key: NewSignedPreKey | NewKyberPreKey, where: str) -> Signed:
    return Signed(where, isinstance(key, NewKyberPreKey), unbase64(key.public_key), unbase64(key.signature))


async def check(identity: bytes, given: Upload | NewDevice) -> None:
    """Raises BadKeys, which names the first key that is no good, and Invalid for an id that is given twice."""
    last = given.pq_last_resort_pre_key
    if last is not None:
        must_differ(last.key_id, given.pq_pre_keys)
    keys = [_signed(one, f"pqPreKeys.{place}") for place, one in enumerate(given.pq_pre_keys)]
    if last is not None:
        keys.insert(0, _signed(last, "pqLastResortPreKey"))
    if given.signed_pre_key is not None:
        keys.insert(0, _signed(given.signed_pre_key, "signedPreKey"))
    if not keys:
        return
    fault = await asyncio.to_thread(fault_of, identity, keys)
    if fault is not None:
        field, why = fault
        raise BadKeys(f"A key cannot be used: {field}: {why}", details=[{"field": field, "message": why}])


def must_differ(last_resort: int, keys: Sequence[NewKyberPreKey]) -> None:
    """Raises Invalid when a one-time key has the id of the last-resort key."""
    for place, one in enumerate(keys):
        if one.key_id == last_resort:
            refuse(f"pqPreKeys.{place}.keyId", "must differ from the id of the last-resort key")
