"""Passkeys: made, shown, removed, and asked for."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from crypto import passkeys
from crypto.ids import new_id
from crypto.passkeys import NoPasskey, Party
from handlers.auth.devices import device_name
from handlers.auth.service import Auth
from handlers.factors.credentials import (
    CreationOptions,
    KeptPasskey,
    Kind,
    MadeCredential,
    NewPasskey,
    PartyInfo,
    RequestOptions,
    UsedCredential,
    UserInfo,
)
from handlers.factors.service.errors import ChallengeGone, PasskeyRefused, WrongFactor
from handlers.factors.settings import FactorsSettings
from handlers.factors.store import FactorStore
from handlers.users.models import Account
from server.actors import Caller
from server.clock import Clock

log = logging.getLogger("mixee.factors")

LASTS = timedelta(minutes=5)
FIRST, SECOND, AGAIN, NEW = "passkey-first", "passkey-second", "passkey-again", "passkey-new"
"""What a challenge is for: to come in by a passkey alone, after the password, to prove again, to make a new one."""
TIMEOUT_MS = int(LASTS.total_seconds() * 1000)


class Passkeys:
    """Challenges are given out for one purpose and one account or session, and are taken back once."""

    def __init__(self, store: FactorStore, auth: Auth, settings: FactorsSettings, clock: Clock) -> None:
        self._store = store
        self._auth = auth
        self._settings = settings
        self._clock = clock
        self._party = Party(settings.passkey_rp_id, settings.origins)

    async def creation(self, account: Account) -> CreationOptions:
        """What a browser needs to make a passkey for somebody."""
        kept = await self._store.get(account.id)
        return CreationOptions(
            rp=PartyInfo(id=self._party.id, name=self._settings.issuer),
            user=UserInfo(id=_handle(account.id), name=account.username, display_name=account.display_name),
            challenge=self._give(NEW, account.id),
            pub_key_cred_params=[Kind(alg=int(one)) for one in passkeys.ALGORITHMS],
            timeout=TIMEOUT_MS,
            exclude_credentials=[one.known() for one in kept.passkeys],
        )

    async def request(self, purpose: str, subject: str, user_id: str | None = None) -> RequestOptions:
        """What a browser needs to use a passkey: one of somebody's, or any."""
        kept = (await self._store.get(user_id)).passkeys if user_id else []
        return RequestOptions(
            challenge=self._give(purpose, subject),
            rp_id=self._party.id,
            timeout=TIMEOUT_MS,
            allow_credentials=[one.known() for one in kept],
        )

    async def made(self, account: Account, caller: Caller, body: NewPasskey) -> KeptPasskey:
        """The passkey that a browser made, not stored yet. Raises PasskeyRefused, ChallengeGone."""
        credential = _plain(body.credential)
        challenge = await self._take(credential, NEW, account.id)
        try:
            found = passkeys.made(credential, challenge, self._party)
        except NoPasskey as error:
            log.info("a passkey was not taken: %s", error)
            raise PasskeyRefused from error
        return KeptPasskey(
            id=new_id(),
            credential_id=found.credential_id,
            public_key=found.public_key,
            sign_count=found.sign_count,
            name=body.name or device_name(caller.user_agent),
            transports=list(body.credential.response.transports or ()),
            synced=found.backed_up,
            created_at=self._clock.now(),
            last_used_at=None,
        )

    async def proved(self, credential: UsedCredential, purpose: str, subject: str) -> "Proof":
        """Whose passkey was used, and how. Raises WrongFactor, ChallengeGone."""
        plain = _plain(credential)
        challenge = await self._take(plain, purpose, subject)
        found = await self._store.owner(credential.id)
        if found is None:
            raise WrongFactor
        user_id, kept = found
        may_be_missing = {None} if purpose != FIRST else set()
        if credential.response.user_handle not in may_be_missing | {_handle(user_id)}:
            raise WrongFactor
        try:
            used = passkeys.used(plain, challenge, self._party, public_key=kept.public_key, sign_count=kept.sign_count)
        except NoPasskey as error:
            log.warning("a passkey of %s was refused: %s", user_id, error)
            raise WrongFactor from error
        return Proof(user_id, kept, used.sign_count, used.backed_up)

    async def count(self, proof: "Proof") -> int | None:
        """Note a use, in the caller's unit of work. Raises WrongFactor when another was faster."""
        now = self._clock.now()
        if not await self._store.count_passkey(proof.user_id, proof.passkey, proof.sign_count, proof.synced, now):
            raise WrongFactor
        return None

    def _give(self, purpose: str, subject: str) -> str:
        return passkeys.encoded(self._auth.challenges.give(purpose, subject, LASTS).encode())

    async def _take(self, credential: dict[str, Any], purpose: str, subject: str) -> bytes:
        try:
            challenge = passkeys.challenge_of(credential)
            text = challenge.decode("ascii")
        except (NoPasskey, UnicodeDecodeError):
            raise ChallengeGone from None
        if not await self._auth.challenges.take(text, purpose, subject):
            raise ChallengeGone
        return challenge


@dataclass(frozen=True, slots=True)
class Proof:
    """A passkey that was used rightly, and is to be counted."""

    user_id: str
    passkey: KeptPasskey
    sign_count: int
    synced: bool


def _plain(credential: MadeCredential | UsedCredential) -> dict[str, Any]:
    return credential.model_dump(by_alias=True, exclude_none=True)


def _handle(user_id: str) -> str:
    return passkeys.encoded(user_id.encode())
