"""The named questions to the collection of second factors: one document for each person."""

from collections.abc import Sequence
from datetime import datetime

from handlers.factors.models import Kept, kept_of
from storage.mongo import Binary, Collection

FACTORS = "factors"


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
                        "recovery": {
                            "$cond": [{"$gt": [{"$size": {"$ifNull": ["$recovery", []]}}, 0]}, "$recovery", list(codes)]
                        },
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
        return await self._factors.update_one(where, {"$unset": {"totp": "", "recovery": ""}})

    async def set_codes(self, user_id: str, digests: Sequence[str]) -> bool:
        """Put recovery codes in place of those before. False for a person without a factor."""
        where = {"_id": user_id, "totp": {"$exists": True}}
        return await self._factors.update_one(where, {"$set": {"recovery": list(digests)}})

    async def take_code(self, user_id: str, digest: str) -> int | None:
        """Use up a recovery code: how many are left. None when it is none of the person's, or was used."""
        where = {"_id": user_id, "recovery": digest}
        found = await self._factors.find_and_update(where, {"$pull": {"recovery": digest}})
        return len(found["recovery"]) if found else None

    async def forget(self, user_id: str) -> None:
        """Remove everything of a person."""
        await self._factors.delete_one({"_id": user_id})
