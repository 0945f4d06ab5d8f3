"""The named questions to the collection of second factors: one document for each person."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from handlers.factors.credentials import KeptPasskey
from handlers.factors.models import Kept, kept_of, passkey_of
from storage.mongo import ASCENDING, Binary, Collection, DuplicateKeyError, IndexModel

FACTORS = "factors"
INDEXES = (
    IndexModel(
        [("passkeys.credentialId", ASCENDING)],
        name="credential",
        unique=True,
        partialFilterExpression={"passkeys.credentialId": {"$exists": True}},
    ),
)
"""A passkey is of one account alone."""


class FactorStore:
    """Every change is one step that says what must have been before, so that no two do the same."""

    def __init__(self, factors: Collection) -> None:
        self._factors = factors

    async def get(self, user_id: str) -> Kept:
        """A person's factors."""
        return kept_of(await self._factors.find_one({"_id": user_id}) or {})

    async def propose(self, user_id: str, secret: bytes, until: datetime) -> None:
        """Keep the secret of an app that is to give its first code, in place of one before."""
        proposed = {"secret": Binary(secret), "until": until}
        await self._factors.update_one({"_id": user_id}, {"$set": {"proposed": proposed}}, upsert=True)

    async def proposed(self, user_id: str, now: datetime) -> bytes | None:
        """The secret that waits for its first code; None when there is none, or it is too old."""
        found = await self._factors.find_one({"_id": user_id, "proposed.until": {"$gt": now}}, fields={"proposed": 1})
        return bytes(found["proposed"]["secret"]) if found else None

    async def add_totp(
        self, user_id: str, secret: bytes, step: int, now: datetime, codes: Sequence[str]
    ) -> bool | None:
        """Make a proposed secret a factor; its first code is used up. `codes`: digests, if the person has none yet.

        Whether these digests were taken; None when the secret is proposed no more.
        """
        before = await self._factors.find_and_update(
            {"_id": user_id, "proposed.secret": Binary(secret)},
            [
                {
                    "$set": {
                        "totp": {"secret": "$proposed.secret", "since": now, "lastStep": step},
                        "recovery": _if_none(codes),
                    }
                },
                {"$unset": "proposed"},
            ],
            before=True,
        )
        return not before.get("recovery") if before is not None else None

    async def take_step(self, user_id: str, step: int) -> bool:
        """Use up the code of a step, and all before it. False when it was used, or there is no app any more."""
        where = {"_id": user_id, "totp.lastStep": {"$lt": step}}
        return await self._factors.update_one(where, {"$set": {"totp.lastStep": step}})

    async def reseal(self, user_id: str, old: bytes, new: bytes) -> None:
        """Put the secret as it is sealed today in place of what it was."""
        where = {"_id": user_id, "totp.secret": Binary(old)}
        await self._factors.update_one(where, {"$set": {"totp.secret": Binary(new)}})

    async def drop_totp(self, user_id: str) -> bool:
        """Remove the app; with the last factor the recovery codes go. False when there was none."""
        where = {"_id": user_id, "totp": {"$exists": True}}
        return await self._factors.update_one(where, [{"$unset": "totp"}, _CODES_OF_FACTORS])

    async def add_passkey(
        self, user_id: str, passkey: KeptPasskey, codes: Sequence[str], *, most: int
    ) -> Literal["first", "another", "full", "taken"]:
        """Add a passkey. `first` when the digests of `codes` were taken; `taken` when somebody has this passkey."""
        fresh = {
            "id": passkey.id,
            "credentialId": passkey.credential_id,
            "publicKey": Binary(passkey.public_key),
            "signCount": passkey.sign_count,
            "name": {"$literal": passkey.name},
            "transports": {"$literal": passkey.transports},
            "synced": passkey.synced,
            "createdAt": passkey.created_at,
            "lastUsedAt": None,
        }
        others = {"$ifNull": ["$passkeys", []]}
        added = {"$set": {"passkeys": {"$concatArrays": [others, [fresh]]}, "recovery": _if_none(codes)}}
        room = {"_id": user_id, f"passkeys.{most - 1}": {"$exists": False}}
        where = room | {"passkeys.credentialId": {"$ne": passkey.credential_id}}
        await self._factors.update_one({"_id": user_id}, {"$setOnInsert": {"recovery": []}}, upsert=True)
        try:
            before = await self._factors.find_and_update(where, [added], before=True)
        except DuplicateKeyError:
            return "taken"
        if before is None:
            return "full" if await self._factors.find_one(room) is None else "taken"
        return "another" if before.get("recovery") else "first"

    async def rename_passkey(self, user_id: str, passkey_id: str, name: str) -> KeptPasskey | None:
        """Give a passkey another name; None when the person has none of that id."""
        found = await self._factors.find_and_update(
            {"_id": user_id, "passkeys.id": passkey_id}, {"$set": {"passkeys.$.name": name}}
        )
        return next((one for one in kept_of(found).passkeys if one.id == passkey_id), None) if found else None

    async def drop_passkey(self, user_id: str, passkey_id: str) -> bool:
        """Remove a passkey; with the last factor the recovery codes go. False when there was none of that id."""
        others = {"$filter": {"input": "$passkeys", "cond": {"$ne": ["$$this.id", passkey_id]}}}
        where = {"_id": user_id, "passkeys.id": passkey_id}
        return await self._factors.update_one(where, [{"$set": {"passkeys": others}}, _CODES_OF_FACTORS])

    async def owner(self, credential_id: str) -> tuple[str, KeptPasskey] | None:
        """Whose passkey this is, and what is known of it."""
        found = await self._factors.find_one({"passkeys.credentialId": credential_id})
        if found is None:
            return None
        return found["_id"], next(passkey_of(one) for one in found["passkeys"] if one["credentialId"] == credential_id)

    async def count_passkey(
        self, user_id: str, passkey: KeptPasskey, sign_count: int, synced: bool, now: datetime
    ) -> bool:
        """Note that a passkey was used. False when another use was faster, or it is gone."""
        as_it_was = {"id": passkey.id, "signCount": passkey.sign_count}
        changed = {"passkeys.$.signCount": sign_count, "passkeys.$.synced": synced, "passkeys.$.lastUsedAt": now}
        return await self._factors.update_one(
            {"_id": user_id, "passkeys": {"$elemMatch": as_it_was}}, {"$set": changed}
        )

    async def set_codes(self, user_id: str, digests: Sequence[str]) -> bool:
        """Put recovery codes in place of those before. False for a person without a factor."""
        where = {"_id": user_id, "$or": [{"totp": {"$exists": True}}, {"passkeys.0": {"$exists": True}}]}
        return await self._factors.update_one(where, {"$set": {"recovery": list(digests)}})

    async def take_code(self, user_id: str, digest: str) -> int | None:
        """Use up a recovery code: how many are left. None when it is none of the person's, or was used."""
        where = {"_id": user_id, "recovery": digest}
        found = await self._factors.find_and_update(where, {"$pull": {"recovery": digest}})
        return len(found["recovery"]) if found else None

    async def forget(self, user_id: str) -> None:
        """Remove everything of a person."""
        await self._factors.delete_one({"_id": user_id})


_CODES_OF_FACTORS: dict[str, Any] = {
    "$set": {
        "recovery": {
            "$cond": [
                {"$or": [{"$ifNull": ["$totp", False]}, {"$gt": [{"$size": {"$ifNull": ["$passkeys", []]}}, 0]}]},
                {"$ifNull": ["$recovery", []]},
                [],
            ]
        }
    }
}
"""Without a factor there are no recovery codes either."""


def _if_none(codes: Sequence[str]) -> dict[str, Any]:
    """The recovery codes that there are; these when there are none."""
    return {"$cond": [{"$gt": [{"$size": {"$ifNull": ["$recovery", []]}}, 0]}, "$recovery", list(codes)]}
