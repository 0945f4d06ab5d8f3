"""The named questions to the collection of accounts."""

from collections.abc import Collection as Group
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from handlers.users.models import Account, Area, Candidate, UserCard
from handlers.users.names import search_words
from handlers.users.nearness import coarse
from handlers.users.privacy import OwnPrivacy, PresenceAudience, PresenceChoice, Privacy
from server.actors import Role
from storage.geo import from_geojson, to_geojson, within_km
from storage.mongo import ASCENDING, DESCENDING, GEOSPHERE, Collection, Document, DuplicateKeyError, IndexModel
from storage.numbers import Numbers

USERS = "users"

_OFFICE: Document = {"role": {"$lt": "user"}}
"""Moderators and admins: both words come before `user`, and an index can say that in every release of MongoDB."""
_FINDABLE: Document = {"status": "active", "privacy.searchable": True}

USER_INDEXES = (
    IndexModel([("username", ASCENDING)], name="username", unique=True),
    IndexModel([("email", ASCENDING)], name="email", unique=True),
    IndexModel([("nid", ASCENDING)], name="nid", unique=True),
    # Only a verified number belongs to somebody: else anyone could keep a stranger's number from its owner.
    IndexModel(
        [("phone", ASCENDING)],
        name="verified_phone",
        unique=True,
        partialFilterExpression={"phoneVerifiedAt": {"$exists": True}},
    ),
    IndexModel([("words", ASCENDING)], name="words", partialFilterExpression=_FINDABLE),
    IndexModel([("near", GEOSPHERE)], name="near", partialFilterExpression=_FINDABLE),
    IndexModel(
        [("accountType", ASCENDING), ("followersCount", DESCENDING)],
        name="creators",
        partialFilterExpression=_FINDABLE,
    ),
    IndexModel([("interests", ASCENDING)], name="interests", partialFilterExpression=_FINDABLE),
    IndexModel([("eraseAt", ASCENDING)], name="erase", partialFilterExpression={"status": "leaving"}),
    IndexModel([("role", ASCENDING), ("_id", ASCENDING)], name="offices", partialFilterExpression=_OFFICE),
    # Few people make exceptions, and the lists are looked through when one of those in them is erased.
    IndexModel([("privacy.presenceAlways", ASCENDING)], name="shown_always", sparse=True),
    IndexModel([("privacy.presenceNever", ASCENDING)], name="shown_never", sparse=True),
)
_CARD = {"username": 1, "displayName": 1, "avatar": 1, "verificationStatus": 1}
_CANDIDATE = {
    **_CARD,
    "accountType": 1,
    "privacy.profileVisibility": 1,
    "interests": 1,
    "followersCount": 1,
    "near": 1,
}
_PRIVACY = {f"privacy.{field.alias}": 1 for field in Privacy.model_fields.values()}
"""The settings without the lists of exceptions, which only their owner reads."""
_LISTS = ("presenceAlways", "presenceNever")
MAX_IDS = 1000
"""Ids that one question may name."""


class Taken(Exception):
    """Another account has this already; `field` is its name on the wire."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} is taken")
        self.field = field


class UserStore:
    """Accounts."""

    def __init__(self, users: Collection, numbers: Numbers) -> None:
        self._users = users
        self._numbers = numbers

    async def next_number(self) -> int:
        """The numeric id of the next account. Call it outside any unit of work: everybody shares the counter."""
        return await self._numbers.next("user")

    async def add(self, account: Account) -> None:
        """Add an account. Raises Taken for a username or an e-mail that somebody has."""
        try:
            await self._users.insert(_document(account))
        except DuplicateKeyError as error:
            raise Taken(_field(error)) from error

    async def get(self, user_id: str) -> Account | None:
        """The account of that id, whatever its status."""
        return _account(await self._users.find_one({"_id": user_id}))

    async def by_username(self, username: str) -> Account | None:
        """The account of that username (in its normal form), whatever its status."""
        return _account(await self._users.find_one({"username": username}))

    async def by_email(self, email: str) -> Account | None:
        """The account of that address (in its normal form), whatever its status."""
        return _account(await self._users.find_one({"email": email}))

    async def active(self, user_id: str) -> Account | None:
        """The account of that id, if it is active."""
        return _account(await self._users.find_one({"_id": user_id, "status": "active"}))

    async def cards(self, ids: Group[str]) -> dict[str, UserCard]:
        """The cards of those accounts that are not leaving."""
        where = {"_id": {"$in": _few(ids)}, "status": {"$ne": "leaving"}}
        return {one["_id"]: _card(one) for one in await self._users.find(where, fields=_CARD, limit=MAX_IDS)}

    async def existing(self, ids: Group[str]) -> set[str]:
        """Which of the ids are active accounts."""
        where = {"_id": {"$in": _few(ids)}, "status": "active"}
        return {one["_id"] for one in await self._users.find(where, fields={"_id": 1}, limit=MAX_IDS)}

    async def privacy_of(self, ids: Group[str]) -> dict[str, Privacy]:
        """The privacy settings of active accounts."""
        where = {"_id": {"$in": _few(ids)}, "status": "active"}
        found = await self._users.find(where, fields=_PRIVACY, limit=MAX_IDS)
        return {one["_id"]: Privacy.model_validate(one["privacy"]) for one in found}

    async def presence_choices(self, ids: Group[str], toward: str) -> dict[str, PresenceChoice]:
        """What each of those that are active accounts lets one other person see. The lists stay in the database."""
        where = {"_id": {"$in": _few(ids)}, "status": "active"}
        listed = {name: {"$in": [toward, {"$ifNull": [f"$privacy.{name}", []]}]} for name in _LISTS}
        fields = {"privacy.showOnlineStatus": 1, "privacy.presenceVisibility": 1, **listed}
        return {
            one["_id"]: PresenceChoice(
                level=Privacy.model_validate(one["privacy"]).presence_visibility,
                always=one["presenceAlways"],
                never=one["presenceNever"],
            )
            for one in await self._users.find(where, fields=fields, limit=MAX_IDS)
        }

    async def presence_audience(self, user_id: str) -> PresenceAudience | None:
        """Whom an active account lets see when its owner is online."""
        found = await self._users.find_one({"_id": user_id, "status": "active"}, fields={"privacy": 1})
        return OwnPrivacy.model_validate(found["privacy"]).audience(user_id) if found else None

    async def areas_of(self, ids: Group[str]) -> dict[str, Area]:
        """Where active people live, of those who show it to their friends."""
        where = {
            "_id": {"$in": _few(ids)},
            "status": "active",
            "privacy.showLocation": True,
            "privacy.profileVisibility": {"$ne": "private"},
            "location": {"$exists": True},
        }
        fields = {"location.city": 1, "location.region": 1, "location.country": 1}
        found = await self._users.find(where, fields=fields, limit=MAX_IDS)
        return {one["_id"]: Area.model_validate(one["location"]) for one in found}

    async def change(self, account: Account, values: dict[str, Any], now: datetime) -> Account | None:
        """Set fields of an active account, by their Python names; None clears one. None when it is not active."""
        aliases = {name: field.alias or name for name, field in Account.model_fields.items()}
        update = _document(account.model_copy(update=values))
        touched = {aliases[name] for name in values}
        if "location" in touched:
            touched.add("near")
        if "displayName" in touched:
            touched.add("words")
        setting = {name: update[name] for name in touched if name in update}
        change: Document = {"$set": {**setting, "updatedAt": now}}
        if clearing := {name: "" for name in touched if name not in update}:
            change["$unset"] = clearing
        return _account(await self._users.find_and_update({"_id": account.id, "status": "active"}, change))

    async def change_privacy(
        self, user_id: str, values: dict[str, Any], now: datetime
    ) -> tuple[PresenceAudience, Account] | None:
        """Set privacy settings, by their names on the wire. None when the account is not active.

        Answers whom it let see when its owner is online before, and the account as it is now.
        """
        setting: Document = {f"privacy.{name}": {"$literal": value} for name, value in values.items()}
        for name, other in (_LISTS, _LISTS[::-1]):
            if name in values and other not in values:
                # Whoever is put into one list leaves the other.
                rest = {"$setDifference": [{"$ifNull": [f"$privacy.{other}", []]}, {"$literal": values[name]}]}
                setting[f"privacy.{other}"] = rest
        where, change = {"_id": user_id, "status": "active"}, [{"$set": {**setting, "updatedAt": now}}]
        before = _account(await self._users.find_and_update(where, change, before=True))
        after = await self.active(user_id) if before else None
        return (before.privacy.audience(user_id), after) if before and after else None

    async def forget_exceptions(self, user_id: str) -> None:
        """Nobody makes an exception any more for a person who was erased."""
        for name in _LISTS:
            await self._users.update_many({f"privacy.{name}": user_id}, {"$pull": {f"privacy.{name}": user_id}})

    async def change_email(self, user_id: str, email: str, now: datetime) -> Account | None:
        """Give an active account another address, which is proved; the account as it was. None when it is not active.

        Raises Taken.
        """
        change = {"$set": {"email": email, "emailVerifiedAt": now, "updatedAt": now}}
        try:
            found = await self._users.find_and_update({"_id": user_id, "status": "active"}, change, before=True)
        except DuplicateKeyError as error:
            raise Taken("email") from error
        return _account(found)

    async def verify_email(self, user_id: str, email: str, now: datetime) -> bool:
        """Note that the address is the person's own, if it still is the account's."""
        change = {"$set": {"emailVerifiedAt": now, "updatedAt": now}}
        return await self._users.update_one({"_id": user_id, "email": email}, change)

    async def verify_phone(self, user_id: str, phone: str, now: datetime) -> bool:
        """Note that the number is the person's own. Raises Taken when another account verified it before."""
        change = {"$set": {"phone": phone, "phoneVerifiedAt": now, "updatedAt": now}}
        try:
            return await self._users.update_one({"_id": user_id}, change)
        except DuplicateKeyError as error:
            raise Taken(_field(error)) from error

    async def change_friends(self, user_id: str, by: int) -> None:
        """Count friends up or down."""
        await self._users.update_one({"_id": user_id}, {"$inc": {"friendsCount": by}})

    async def seen(self, ids: Group[str], now: datetime, *, at_most_every: timedelta) -> None:
        """Note that people (at most 1,000) were active, unless that was noted a moment ago."""
        where = {"_id": {"$in": list(ids)}, "lastActiveAt": {"$lt": now - at_most_every}}
        await self._users.update_many(where, {"$set": {"lastActiveAt": now}})

    async def change_role(self, user_id: str, role: Role, now: datetime) -> bool:
        """Give an account another role. False when there is none."""
        return await self._users.update_one({"_id": user_id}, {"$set": {"role": role, "updatedAt": now}})

    async def in_office(self, after: str | None, limit: int) -> list[Account]:
        """Moderators and admins whatever their status, in the order of their ids."""
        where = in_office_where(after)
        found = await self._users.find(where, sort=[("_id", ASCENDING)], limit=limit, hint="offices")
        return [account for one in found if (account := _account(one))]

    async def has_admin(self, but: str) -> bool:
        """Whether somebody else is an active admin."""
        return bool(await self._users.find(admin_where(but), fields={"_id": 1}, limit=1, hint="offices"))

    async def leave(self, user_id: str, now: datetime, erase_at: datetime) -> bool:
        """Mark an active account for deletion. False when it is not active."""
        change = {"$set": {"status": "leaving", "eraseAt": erase_at, "updatedAt": now}}
        return await self._users.update_one({"_id": user_id, "status": "active"}, change)

    async def suspend(self, user_id: str, now: datetime) -> bool:
        """Suspend an account. False when there is none that is not suspended already."""
        where = {"_id": user_id, "status": {"$in": ["active", "leaving"]}}
        change: Document = {"$set": {"status": "suspended", "updatedAt": now}, "$unset": {"eraseAt": ""}}
        return await self._users.update_one(where, change)

    async def come_back(self, user_id: str, now: datetime, *, was: str) -> bool:
        """Make an account active that was leaving or suspended. False when it was not."""
        change: Document = {"$set": {"status": "active", "updatedAt": now}, "$unset": {"eraseAt": ""}}
        return await self._users.update_one({"_id": user_id, "status": was}, change)

    async def due_for_erasure(self, now: datetime, *, limit: int) -> list[str]:
        """Accounts whose grace period is over, the oldest first."""
        where = {"status": "leaving", "eraseAt": {"$lte": now}}
        found = await self._users.find(where, fields={"_id": 1}, sort=[("eraseAt", ASCENDING)], limit=limit)
        return [one["_id"] for one in found]

    async def erase(self, user_id: str, now: datetime) -> bool:
        """Remove an account whose grace period is over. False when it came back meanwhile."""
        return await self._users.delete_one({"_id": user_id, "status": "leaving", "eraseAt": {"$lte": now}})

    async def named(
        self, words: Sequence[str], near: tuple[Sequence[float], float] | None, limit: int
    ) -> list[Candidate]:
        """Findable people with a word that begins with each of `words`, and within a radius (km) of a place."""
        return await self._candidates(named_where(words, near), limit)

    async def around(self, here: Sequence[float], radius_km: float, limit: int) -> list[Candidate]:
        """Findable people who show their place, within a radius (km) of a place."""
        return await self._candidates(around_where(here, radius_km), limit)

    async def creators(self, interests: Sequence[str], limit: int) -> list[Candidate]:
        """Findable creators, those with the most followers first; only those of some interest if any is given."""
        where: Document = {**_FINDABLE, "accountType": "creator"}
        if interests:
            where["interests"] = {"$in": list(interests)}
        return await self._candidates(where, limit, sort=[("followersCount", DESCENDING)])

    async def sharing(self, interests: Sequence[str], limit: int) -> list[Candidate]:
        """Findable people who have one of the interests."""
        return await self._candidates({**_FINDABLE, "interests": {"$in": list(interests)}}, limit)

    async def findable(self, ids: Group[str]) -> list[Candidate]:
        """Those of the people who are findable."""
        return await self._candidates({**_FINDABLE, "_id": {"$in": _few(ids)}}, MAX_IDS)

    async def _candidates(
        self, where: Document, limit: int, *, sort: Sequence[tuple[str, int]] | None = None
    ) -> list[Candidate]:
        found = await self._users.find(where, fields=_CANDIDATE, limit=limit, sort=sort)
        return [_candidate(one) for one in found]


def in_office_where(after: str | None) -> Document:
    """The condition of being a moderator or an admin, behind a place in the list."""
    return {"role": {"$in": ["admin", "moderator"]}} | ({"_id": {"$gt": after}} if after else {})


def admin_where(but: str) -> Document:
    """The condition of being an active admin and not that one."""
    return {"role": "admin", "_id": {"$ne": but}, "status": "active"}


def named_where(words: Sequence[str], near: tuple[Sequence[float], float] | None) -> Document:
    """The condition of a search by name; words are letters and digits, so they need no escape."""
    where: Document = {**_FINDABLE, "$and": [{"words": {"$regex": f"^{word}"}} for word in words]}
    if near is not None:
        where |= _shows_place(*near)
    return where


def around_where(here: Sequence[float], radius_km: float) -> Document:
    """The condition of a search by distance."""
    return {**_FINDABLE, **_shows_place(here, radius_km)}


def _shows_place(here: Sequence[float], radius_km: float) -> Document:
    return {
        "near": within_km(here, radius_km),
        "privacy.showLocation": True,
        "privacy.profileVisibility": {"$ne": "private"},
    }


def _few(ids: Iterable[str]) -> list[str]:
    few = list(set(ids))
    if len(few) > MAX_IDS:
        raise ValueError(f"one question may name at most {MAX_IDS} people, not {len(few)}")
    return few


def _field(error: DuplicateKeyError) -> str:
    pattern = (error.details or {}).get("keyPattern", {})
    return str(next(iter(pattern), "_id"))


def _document(account: Account) -> Document:
    document = account.model_dump(by_alias=True, exclude_none=True)
    document["_id"] = document.pop("id")
    document["words"] = search_words(account.username, account.display_name)
    if account.birth_date:
        document["birthDate"] = account.birth_date.isoformat()
    if account.location and account.location.coordinates:
        del document["location"]["coordinates"]
        document["location"]["point"] = to_geojson(account.location.coordinates)
        document["near"] = to_geojson(coarse(account.location.coordinates))
    return document


def _account(document: Document | None) -> Account | None:
    if document is None:
        return None
    values = {**document, "id": document["_id"]}
    place = values.get("location")
    if place and "point" in place:
        values["location"] = {name: value for name, value in place.items() if name != "point"} | {
            "coordinates": from_geojson(place["point"])
        }
    return Account.model_validate(values)


def _card(document: Document) -> UserCard:
    return UserCard(
        id=document["_id"],
        username=document["username"],
        display_name=document["displayName"],
        avatar=document.get("avatar"),
        is_verified=document["verificationStatus"] == "verified",
    )


def _candidate(document: Document) -> Candidate:
    values = {**document, "id": document["_id"], "profileVisibility": document["privacy"]["profileVisibility"]}
    if "near" in values:
        values["near"] = from_geojson(values["near"])
    return Candidate.model_validate(values)
