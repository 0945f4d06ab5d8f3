"""Second factors: set up, shown, removed, and used to come in and to prove again."""

from datetime import timedelta

from crypto import totp
from handlers.auth.models import FactorKind, SignedIn
from handlers.auth.service import Auth
from handlers.factors import recovery
from handlers.factors.credentials import (
    AddedPasskey,
    CreationOptions,
    NewPasskey,
    Passkey,
    PasskeyLogin,
    PasskeyWanted,
    RenamedPasskey,
    RequestOptions,
)
from handlers.factors.events import FactorsChanged
from handlers.factors.models import (
    Change,
    FactorsChange,
    FirstCode,
    Kept,
    MyFactors,
    RecoveryCodes,
    SecondStep,
    StepUp,
    TotpSecret,
)
from handlers.factors.service.errors import (
    HasTotp,
    NoFactor,
    NoSuchPasskey,
    NothingProposed,
    PasskeyTaken,
    TooManyPasskeys,
    WrongFactor,
)
from handlers.factors.service.passkeys import AGAIN, FIRST, SECOND, Passkeys
from handlers.factors.service.proving import Prover
from handlers.factors.service.vault import Vault
from handlers.factors.settings import FactorsSettings
from handlers.factors.store import FactorStore
from handlers.users.models import Account
from handlers.users.service import NoSuchUser, Transact, Users
from server.actors import Actor, Caller
from server.clock import Clock
from server.events import Publisher
from server.events import Users as ToUsers


class Factors:
    """The second factors of everybody."""

    def __init__(
        self,
        store: FactorStore,
        *,
        vault: Vault,
        prover: Prover,
        passkeys: Passkeys,
        auth: Auth,
        users: Users,
        settings: FactorsSettings,
        clock: Clock,
        transact: Transact,
        publish: Publisher,
    ) -> None:
        self._store = store
        self._vault = vault
        self._prover = prover
        self._passkeys = passkeys
        self._auth = auth
        self._users = users
        self._settings = settings
        self._clock = clock
        self._transact = transact
        self._publish = publish

    async def start(self) -> None:
        """Take the keys that seal."""
        self._vault.open(self._settings.keys, self._auth.keys.of("sealed factors"))

    async def kinds(self, user_id: str) -> list[FactorKind]:
        """What an account takes as a second factor; nothing when its password is enough."""
        return _kinds(await self._store.get(user_id))

    async def overview(self, actor: Actor) -> MyFactors:
        """One's own factors."""
        kept = await self._store.get(actor.user_id)
        return MyFactors(
            totp_since=kept.totp.since if kept.totp else None,
            passkeys=[one.shown() for one in kept.passkeys],
            recovery_codes_left=len(kept.recovery),
        )

    async def propose_totp(self, actor: Actor) -> TotpSecret:
        """A secret for an authenticator app, which is a factor once its first code has come. Raises HasTotp."""
        account = await self._account(actor.user_id)
        if (await self._store.get(actor.user_id)).totp:
            raise HasTotp
        secret = totp.new_totp_secret()
        until = self._clock.now() + timedelta(minutes=self._settings.proposal_minutes)
        await self._store.propose(actor.user_id, self._vault.seal(actor.user_id, secret), until)
        uri = totp.uri(secret, account=account.username, issuer=self._settings.issuer)
        return TotpSecret(secret=totp.typed(secret), uri=uri)

    async def confirm_totp(self, actor: Actor, caller: Caller, body: FirstCode) -> RecoveryCodes:
        """Make the app a factor that gives the right code. Raises NothingProposed, WrongFactor, RateLimited."""
        account = await self._account(actor.user_id)
        await self._prover.bounded(account.id, caller)
        now = self._clock.now()
        sealed = await self._store.proposed(account.id, now)
        if sealed is None:
            raise NothingProposed
        step = self._prover.step(account.id, sealed, body.code)
        if step is None:
            raise WrongFactor
        codes = recovery.fresh()
        taken = await self._store.add_totp(account.id, sealed, step, now, self._digests(account.id, codes))
        if taken is None:
            raise NothingProposed
        await self._tell(account, "totp_added", "An authenticator app was added to your account.")
        return RecoveryCodes(recovery_codes=codes if taken else [])

    async def remove_totp(self, actor: Actor) -> None:
        """Remove the authenticator app. Raises NoFactor."""
        account = await self._account(actor.user_id)
        if not await self._store.drop_totp(account.id):
            raise NoFactor
        await self._tell(account, "totp_removed", "The authenticator app was removed from your account.")

    async def make_codes(self, actor: Actor) -> RecoveryCodes:
        """Ten new recovery codes in place of those before. Raises NoFactor."""
        account = await self._account(actor.user_id)
        codes = recovery.fresh()
        if not await self._store.set_codes(account.id, self._digests(account.id, codes)):
            raise NoFactor
        await self._tell(account, "recovery_codes_made", "New recovery codes were made for your account.")
        return RecoveryCodes(recovery_codes=codes)

    async def new_passkey(self, actor: Actor) -> CreationOptions:
        """What a browser needs to make a passkey."""
        return await self._passkeys.creation(await self._account(actor.user_id))

    async def add_passkey(self, actor: Actor, caller: Caller, body: NewPasskey) -> AddedPasskey:
        """Make a passkey a factor. Raises PasskeyRefused, ChallengeGone, PasskeyTaken, TooManyPasskeys."""
        account = await self._account(actor.user_id)
        passkey = await self._passkeys.made(account, caller, body)
        codes = recovery.fresh()
        outcome = await self._store.add_passkey(
            account.id, passkey, self._digests(account.id, codes), most=self._settings.max_passkeys
        )
        if outcome == "taken":
            raise PasskeyTaken
        if outcome == "full":
            raise TooManyPasskeys
        await self._tell(account, "passkey_added", f"The passkey “{passkey.name}” was added to your account.")
        return AddedPasskey(passkey=passkey.shown(), recovery_codes=codes if outcome == "first" else [])

    async def rename_passkey(self, actor: Actor, body: RenamedPasskey) -> Passkey:
        """Give one of one's own passkeys a name. Raises NoSuchPasskey."""
        found = await self._store.rename_passkey(actor.user_id, body.passkey_id, body.name)
        if found is None:
            raise NoSuchPasskey
        return found.shown()

    async def remove_passkey(self, actor: Actor, passkey_id: str) -> None:
        """Remove one of one's own passkeys. Raises NoSuchPasskey."""
        account = await self._account(actor.user_id)
        if not await self._store.drop_passkey(account.id, passkey_id):
            raise NoSuchPasskey
        await self._tell(account, "passkey_removed", "A passkey was removed from your account.")

    async def ask_to_come_in(self, body: PasskeyWanted) -> RequestOptions:
        """What a browser needs to come in by a passkey: as the first factor, or as the second of a ticket.

        Raises TicketGone.
        """
        if body.ticket is None:
            return await self._passkeys.request(FIRST, "")
        ticket = await self._auth.tickets.look(body.ticket)
        return await self._passkeys.request(SECOND, ticket.user_id, ticket.user_id)

    async def ask_again(self, actor: Actor) -> RequestOptions:
        """What a browser needs to prove again by a passkey."""
        return await self._passkeys.request(AGAIN, actor.session_id, actor.user_id)

    async def come_in(self, caller: Caller, body: PasskeyLogin) -> SignedIn:
        """Sign in by a passkey alone: who has it was verified. Raises WrongFactor, ChallengeGone, AccountSuspended."""
        proof = await self._passkeys.proved(body.credential, FIRST, "")

        async def prove() -> None:
            await self._passkeys.count(proof)

        return await self._auth.admit(caller, proof.user_id, body.device_id, prove)

    async def second_step(self, caller: Caller, body: SecondStep) -> SignedIn:
        """Sign in with a ticket and a second factor.

        Raises TicketGone, WrongFactor, RateLimited, AccountSuspended.
        """
        ticket = await self._auth.tickets.attempt(body.ticket)
        if body.code is not None:
            await self._prover.bounded(ticket.user_id, caller)
        use = await self._prover.check(ticket.user_id, body, purpose=SECOND, subject=ticket.user_id)
        left: list[int | None] = []

        async def prove() -> None:
            await self._auth.tickets.take(body.ticket)
            left[:] = [await use()]

        signed_in = await self._auth.admit(caller, ticket.user_id, ticket.device_id, prove)
        await self._used(ticket.user_id, left[0])
        return signed_in

    async def step_up(self, actor: Actor, caller: Caller, body: StepUp) -> None:
        """Prove again in a running session. Raises WrongFactor, RateLimited, NoSuchSession."""
        if body.password is not None or body.code is not None:
            await self._prover.bounded(actor.user_id, caller)
        if body.password is not None:
            if not await self._auth.knows(actor.user_id, body.password):
                raise WrongFactor
            await self._auth.book.prove(actor)
            return
        use = await self._prover.check(actor.user_id, body, purpose=AGAIN, subject=actor.session_id)

        async def prove() -> int | None:
            left = await use()
            await self._auth.book.prove(actor)
            return left

        await self._used(actor.user_id, await self._transact(prove))

    async def forget(self, user_id: str) -> None:
        """Remove everything kept of a person who is erased."""
        await self._store.forget(user_id)

    async def _used(self, user_id: str, left: int | None) -> None:
        """Tell somebody that a recovery code was used, if one was."""
        if left is not None:
            account = await self._account(user_id)
            await self._tell(account, "recovery_code_used", f"A recovery code was used; {left} are left.")

    async def _tell(self, account: Account, change: Change, text: str) -> None:
        payload = FactorsChange(change=change, at=self._clock.now())
        await self._publish(FactorsChanged(payload, to=ToUsers([account.id])))
        self._auth.tell(account, "Your account: second factors", text)

    def _digests(self, user_id: str, codes: list[str]) -> list[str]:
        return [self._prover.digest(user_id, one) for one in codes]

    async def _account(self, user_id: str) -> Account:
        account = await self._users.account(user_id)
        if account is None or account.status != "active":
            raise NoSuchUser
        return account


def _kinds(kept: Kept) -> list[FactorKind]:
    found: list[FactorKind] = ["totp"] if kept.totp else []
    found += ["passkey"] if kept.passkeys else []
    return [*found, "recovery"] if found and kept.recovery else found
