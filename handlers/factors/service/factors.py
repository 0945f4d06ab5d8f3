"""Second factors: set up, shown, removed, and used to come in and to prove again."""

from datetime import timedelta
from functools import partial

from crypto import totp
from handlers.auth.models import FactorKind, SignedIn
from handlers.auth.service import Auth
from handlers.factors import recovery
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
from handlers.factors.service.errors import HasTotp, NoFactor, NothingProposed, WrongFactor
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
        return MyFactors(totp_since=kept.totp.since if kept.totp else None, recovery_codes_left=len(kept.recovery))

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

    async def second_step(self, caller: Caller, body: SecondStep) -> SignedIn:
        """Sign in with a ticket and a second factor.

        Raises TicketGone, WrongFactor, RateLimited, AccountSuspended.
        """
        ticket = await self._auth.tickets.attempt(body.ticket)
        await self._prover.bounded(ticket.user_id, caller)
        left: list[int | None] = []

        async def prove() -> None:
            left[:] = [await self._prover.use(ticket.user_id, body)]

        signed_in = await self._auth.second_step(caller, body.ticket, ticket, prove)
        await self._used(ticket.user_id, left[0])
        return signed_in

    async def step_up(self, actor: Actor, caller: Caller, body: StepUp) -> None:
        """Prove again in a running session. Raises WrongFactor, RateLimited, NoSuchSession."""
        await self._prover.bounded(actor.user_id, caller)
        if body.password is not None:
            if not await self._auth.knows(actor.user_id, body.password):
                raise WrongFactor
            await self._auth.book.prove(actor)
            return
        await self._used(actor.user_id, await self._transact(partial(self._step_up, actor, body)))

    async def forget(self, user_id: str) -> None:
        """Remove everything kept of a person who is erased."""
        await self._store.forget(user_id)

    async def _step_up(self, actor: Actor, body: StepUp) -> int | None:
        left = await self._prover.use(actor.user_id, body)
        await self._auth.book.prove(actor)
        return left

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
    return [*found, "recovery"] if found and kept.recovery else found
