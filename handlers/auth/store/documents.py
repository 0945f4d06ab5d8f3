"""The named questions to the collections of passwords, sessions, revocations, proofs and keys."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from handlers.auth.models import Proof, ProofKind, Revocation, Session, Ticket
from server.errors import Unavailable
from storage.mongo import (
    ASCENDING,
    DESCENDING,
    Binary,
    Collection,
    Document,
    DuplicateKeyError,
    IndexModel,
    PyMongoError,
    current_unit,
)

CREDENTIALS = "credentials"
SESSIONS = "sessions"
REVOCATIONS = "revocations"
PROOFS = "proofs"
KEYS = "auth_keys"
TICKETS = "sign_in_tickets"
SPENT = "spent_challenges"
DEVICES = "known_devices"

SESSION_INDEXES = (
    IndexModel([("userId", ASCENDING), ("lastUsedAt", DESCENDING)], name="of_user"),
    IndexModel([("expiresAt", ASCENDING)], name="ttl", expireAfterSeconds=0),
)
REVOCATION_INDEXES = (
    IndexModel([("at", ASCENDING)], name="at"),
    IndexModel([("until", ASCENDING)], name="ttl", expireAfterSeconds=0),
)
PROOF_INDEXES = (
    IndexModel([("userId", ASCENDING), ("kind", ASCENDING)], name="newest", unique=True),
    IndexModel([("digest", ASCENDING)], name="digest"),
    IndexModel([("expiresAt", ASCENDING)], name="ttl", expireAfterSeconds=0),
)
TICKET_INDEXES = (
    IndexModel([("userId", ASCENDING)], name="of_user"),
    IndexModel([("expiresAt", ASCENDING)], name="ttl", expireAfterSeconds=0),
)
DEVICE_INDEXES = (
    IndexModel([("userId", ASCENDING)], name="of_user"),
    IndexModel([("expiresAt", ASCENDING)], name="ttl", expireAfterSeconds=0),
)
SPENT_INDEXES = (IndexModel([("expiresAt", ASCENDING)], name="ttl", expireAfterSeconds=0),)

MAX_SESSIONS_READ = 500
MAX_ATTEMPTS = 5
"""Wrong codes until a code of a text message is void, or a ticket."""


async def when_committed(call: Callable[[], Awaitable[None]]) -> None:
    """Do something once the running unit of work is committed; at once outside any."""
    unit = current_unit()
    if unit is None:
        await call()
    else:
        unit.after_commit(call)


class CredentialStore:
    """Password hashes."""

    def __init__(self, credentials: Collection) -> None:
        self._credentials = credentials

    async def add(self, user_id: str, password_hash: str, now: datetime) -> None:
        """Keep the hash of a new account."""
        await self._credentials.insert({"_id": user_id, "passwordHash": password_hash, "changedAt": now})

    async def get(self, user_id: str) -> str | None:
        """The hash of an account."""
        found = await self._credentials.find_one({"_id": user_id})
        return str(found["passwordHash"]) if found else None

    async def change(self, user_id: str, password_hash: str, now: datetime) -> None:
        """Set another password."""
        change = {"$set": {"passwordHash": password_hash, "changedAt": now}}
        await self._credentials.update_one({"_id": user_id}, change, upsert=True)

    async def improve(self, user_id: str, old: str, new: str) -> None:
        """Replace the hash by a stronger one of the same password, if it still is the old one."""
        await self._credentials.update_one({"_id": user_id, "passwordHash": old}, {"$set": {"passwordHash": new}})

    async def forget(self, user_id: str) -> None:
        """Remove the hash."""
        await self._credentials.delete_one({"_id": user_id})


class SessionStore:
    """Sessions. Each change of tokens names the generation it follows, so that no two follow the same."""

    def __init__(self, sessions: Collection) -> None:
        self._sessions = sessions

    async def add(self, session: Session) -> None:
        """Add a session."""
        document = session.model_dump(by_alias=True)
        document["_id"] = document.pop("id")
        await self._sessions.insert(document)

    async def get(self, session_id: str) -> Session | None:
        """The session of that id."""
        return _session(await self._sessions.find_one({"_id": session_id}))

    async def of_user(self, user_id: str) -> list[Session]:
        """The sessions of a person, the one last used first."""
        found = await self._sessions.find(
            {"userId": user_id}, sort=[("lastUsedAt", DESCENDING)], limit=MAX_SESSIONS_READ
        )
        return [session for one in found if (session := _session(one))]

    async def rename(self, session_id: str, user_id: str, name: str) -> Session | None:
        """Give a person's session another name; the session afterwards, None when it is not there."""
        where = {"_id": session_id, "userId": user_id}
        return _session(await self._sessions.find_and_update(where, {"$set": {"name": name}}))

    async def alive(self, session_ids: Sequence[str], now: datetime) -> set[str]:
        """Those of these sessions that have not ended."""
        where = {"_id": {"$in": list(session_ids)}, "expiresAt": {"$gt": now}}
        found = await self._sessions.find(where, fields={"_id": 1}, limit=max(1, len(session_ids)))
        return {one["_id"] for one in found}

    async def turn(self, session: Session, digest: str, now: datetime, expires_at: datetime) -> bool:
        """Begin the next generation with one token. False when another request did so before."""
        change = {
            "$set": {
                "generation": session.generation + 1,
                "digests": [digest],
                "previous": session.digests,
                "rotatedAt": now,
                "lastUsedAt": now,
                "expiresAt": expires_at,
            }
        }
        return await self._sessions.update_one({"_id": session.id, "generation": session.generation}, change)

    async def twin(self, session: Session, digest: str, *, most: int) -> bool:
        """Add a token to the running generation. False when there are `most` already, or the generation is over."""
        where = {"_id": session.id, "generation": session.generation, f"digests.{most - 1}": {"$exists": False}}
        return await self._sessions.update_one(where, {"$push": {"digests": digest}})

    async def prove(self, session_id: str, now: datetime) -> bool:
        """Note that somebody proved in it that it is really him. False when it is gone."""
        return await self._sessions.update_one({"_id": session_id}, {"$set": {"provedAt": now}})

    async def remove(self, session_ids: Sequence[str]) -> None:
        """Remove sessions."""
        await self._sessions.delete_many({"_id": {"$in": list(session_ids)}})


class RevocationStore:
    """Sessions that ended while an access token of theirs is still valid."""

    def __init__(self, revocations: Collection) -> None:
        self._revocations = revocations

    async def add(self, session_id: str, code: str, until: datetime) -> None:
        """Note that a session ended. The time is the database's: the processes' own clocks may differ."""
        change = [{"$set": {"at": "$$NOW", "code": {"$literal": code}, "until": until}}]
        await self._revocations.update_one({"_id": session_id}, change, upsert=True)

    async def since(self, at: datetime, *, limit: int) -> list[Revocation]:
        """What ended since then, the oldest first."""
        found = await self._revocations.find({"at": {"$gte": at}}, sort=[("at", ASCENDING)], limit=limit)
        return [Revocation.model_validate({**one, "id": one["_id"]}) for one in found]

    async def have(self, session_ids: Sequence[str]) -> dict[str, bool]:
        """Of each session whether it ended. Raises Unavailable when the database does not say."""
        try:
            ended = await self._revocations.find({"_id": {"$in": list(session_ids)}}, limit=len(session_ids))
            return dict.fromkeys(session_ids, False) | {one["_id"]: True for one in ended}
        except PyMongoError as error:
            raise Unavailable("Sign-in cannot be checked right now: try again.", retry_after_ms=1000) from error


class ProofStore:
    """Secrets that were sent, as digests. Of each kind only the newest of a person counts."""

    def __init__(self, proofs: Collection) -> None:
        self._proofs = proofs

    async def put(
        self, kind: ProofKind, user_id: str, *, digest: str, target: str, now: datetime, lasts: timedelta
    ) -> None:
        """Keep a secret in place of the one before."""
        values = {"digest": digest, "target": target, "attempts": 0, "createdAt": now, "expiresAt": now + lasts}
        await self._proofs.update_one({"userId": user_id, "kind": kind}, {"$set": values}, upsert=True)

    async def find(self, kind: ProofKind, digest: str, now: datetime) -> Proof | None:
        """The proof of a secret that is still good."""
        return _proof(await self._proofs.find_one({"digest": digest, "kind": kind, "expiresAt": {"$gt": now}}))

    async def take(self, kind: ProofKind, digest: str, now: datetime) -> Proof | None:
        """Use up the proof of a secret that is still good: at most one caller gets it."""
        return _proof(await self._proofs.find_and_delete({"digest": digest, "kind": kind, "expiresAt": {"$gt": now}}))

    async def attempt(self, kind: ProofKind, user_id: str, now: datetime) -> tuple[Proof, str] | None:
        """Count an attempt at a person's proof and return it with its digest; None when there is none (any more)."""
        where = {"userId": user_id, "kind": kind, "expiresAt": {"$gt": now}, "attempts": {"$lt": MAX_ATTEMPTS}}
        found = await self._proofs.find_and_update(where, {"$inc": {"attempts": 1}})
        proof = _proof(found)
        return (proof, found["digest"]) if proof and found else None

    async def forget(self, user_id: str, kind: ProofKind | None = None) -> None:
        """Void a person's proofs, of one kind or of all."""
        await self._proofs.delete_many({"userId": user_id} | ({"kind": kind} if kind else {}))


class TicketStore:
    """Sign-ins that wait for their second factor, by the digests of their tickets."""

    def __init__(self, tickets: Collection) -> None:
        self._tickets = tickets

    async def add(self, digest: str, ticket: Ticket, expires_at: datetime) -> None:
        """Keep a ticket."""
        await self._tickets.insert({"_id": digest, **ticket.model_dump(by_alias=True), "expiresAt": expires_at})

    async def get(self, digest: str, now: datetime) -> Ticket | None:
        """The ticket, while it is good."""
        return _ticket(await self._tickets.find_one(_good(digest, now)))

    async def attempt(self, digest: str, now: datetime) -> Ticket | None:
        """Count an attempt and return the ticket; None when it is gone, or had all its attempts."""
        where = _good(digest, now) | {f"attempts.{MAX_ATTEMPTS - 1}": {"$exists": False}}
        return _ticket(await self._tickets.find_and_update(where, {"$push": {"attempts": now}}))

    async def take(self, digest: str, now: datetime) -> bool:
        """Use it up. False when it is gone."""
        return await self._tickets.find_and_delete(_good(digest, now)) is not None

    async def forget(self, user_id: str) -> None:
        """Remove those of a person."""
        await self._tickets.delete_many({"userId": user_id})


class DeviceStore:
    """Devices on which people were signed in, also long after their sessions have ended."""

    def __init__(self, devices: Collection) -> None:
        self._devices = devices

    async def meet(self, key: str, user_id: str, expires_at: datetime) -> bool:
        """Remember a device of a person until then; whether it was known."""
        change = {"$set": {"userId": user_id, "expiresAt": expires_at}}
        return await self._devices.find_and_update({"_id": key}, change, upsert=True, before=True) is not None

    async def forget(self, user_id: str) -> None:
        """Remove those of a person."""
        await self._devices.delete_many({"userId": user_id})


class SpentStore:
    """Challenges that were answered, by their nonces, until they would have expired."""

    def __init__(self, spent: Collection) -> None:
        self._spent = spent

    async def add(self, nonce: str, expires_at: datetime) -> bool:
        """Note one. False when it was noted before."""
        try:
            await self._spent.insert({"_id": nonce, "expiresAt": expires_at})
        except DuplicateKeyError:
            return False
        return True


class KeyStore:
    """Keys that every process of the cluster shares."""

    def __init__(self, keys: Collection) -> None:
        self._keys = keys

    async def shared(self, name: str, fresh: bytes, now: datetime) -> bytes:
        """The key of that name; `fresh` becomes it if there is none yet. All processes get the same."""
        found = await self._keys.find_one({"_id": name})
        if found is None:
            try:
                await self._keys.insert({"_id": name, "key": Binary(fresh), "createdAt": now})
            except DuplicateKeyError:
                found = await self._keys.find_one({"_id": name})
            else:
                return fresh
        if found is None:
            raise LookupError(f"the key {name} was there and is gone")
        return bytes(found["key"])


def _session(document: Document | None) -> Session | None:
    return Session.model_validate({**document, "id": document["_id"]}) if document else None


def _good(digest: str, now: datetime) -> Document:
    return {"_id": digest, "expiresAt": {"$gt": now}}


def _ticket(document: Document | None) -> Ticket | None:
    return Ticket.model_validate(document) if document else None


def _proof(document: Document | None) -> Proof | None:
    return Proof.model_validate(document) if document else None
