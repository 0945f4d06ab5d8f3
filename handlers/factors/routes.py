"""What clients may do with second factors."""

from datetime import timedelta

from handlers.auth.models import SignedIn
from handlers.auth.service.errors import AccountSuspended, InvalidCredentials, NoSuchSession, TicketGone
from handlers.factors.credentials import (
    AddedPasskey,
    CreationOptions,
    NewPasskey,
    OnePasskey,
    Passkey,
    PasskeyLogin,
    PasskeyWanted,
    RenamedPasskey,
    RequestOptions,
)
from handlers.factors.models import FirstCode, MyFactors, RecoveryCodes, SecondStep, StepUp, TotpSecret
from handlers.factors.service import Factors
from handlers.factors.service.errors import (
    ChallengeGone,
    HasTotp,
    NoFactor,
    NoSuchPasskey,
    NothingProposed,
    PasskeyRefused,
    PasskeyTaken,
    TooManyPasskeys,
    WrongFactor,
)
from server.actors import Actor, Caller
from server.routes import Limit, Routes

routes = Routes("factors")

FRESH = timedelta(minutes=10)
_CHANGES = (Limit(10, 60),)
_PROOFS = (Limit(10, 30, by="address", strict=True),)


@routes.command("GET /api/auth/factors", event="factors:list", needs="factors:manage")
async def overview(factors: Factors, actor: Actor) -> MyFactors:
    """See which second factors one's account has."""
    return await factors.overview(actor)


@routes.command(
    "POST /api/auth/factors/totp",
    event="factors:propose-totp",
    needs="factors:manage",
    fresh=FRESH,
    limits=_CHANGES,
    errors=(HasTotp,),
)
async def propose_totp(factors: Factors, actor: Actor) -> TotpSecret:
    """Begin to set up an authenticator app: show the secret as a QR code, then confirm it with the app's first code."""
    return await factors.propose_totp(actor)


@routes.command(
    "POST /api/auth/factors/totp/confirm",
    event="factors:confirm-totp",
    needs="factors:manage",
    fresh=FRESH,
    limits=_CHANGES,
    errors=(NothingProposed, WrongFactor),
)
async def confirm_totp(factors: Factors, actor: Actor, caller: Caller, body: FirstCode) -> RecoveryCodes:
    """Make an authenticator app a second factor, with its first code.

    The answer has ten recovery codes if the account had no factor before: they are shown this once.
    """
    return await factors.confirm_totp(actor, caller, body)


@routes.command(
    "DELETE /api/auth/factors/totp",
    event="factors:remove-totp",
    needs="factors:manage",
    fresh=FRESH,
    limits=_CHANGES,
    errors=(NoFactor,),
)
async def remove_totp(factors: Factors, actor: Actor) -> None:
    """Remove the authenticator app. With the last factor the recovery codes go too."""
    await factors.remove_totp(actor)


@routes.command(
    "POST /api/auth/factors/recovery-codes",
    event="factors:make-codes",
    needs="factors:manage",
    fresh=FRESH,
    limits=_CHANGES,
    errors=(NoFactor,),
)
async def make_codes(factors: Factors, actor: Actor) -> RecoveryCodes:
    """Make ten new recovery codes; those before are void."""
    return await factors.make_codes(actor)


@routes.command(
    "POST /api/auth/passkeys/options",
    event="passkeys:options",
    needs="factors:manage",
    fresh=FRESH,
    limits=_CHANGES,
)
async def new_passkey(factors: Factors, actor: Actor) -> CreationOptions:
    """Begin to make a passkey: what `navigator.credentials.create()` needs."""
    return await factors.new_passkey(actor)


@routes.command(
    "POST /api/auth/passkeys",
    event="passkeys:add",
    needs="factors:manage",
    fresh=FRESH,
    status=201,
    limits=_CHANGES,
    errors=(PasskeyRefused, PasskeyTaken, TooManyPasskeys, ChallengeGone),
)
async def add_passkey(factors: Factors, actor: Actor, caller: Caller, body: NewPasskey) -> AddedPasskey:
    """Add the passkey that the browser made: a second factor, and enough to come in by itself.

    The answer has ten recovery codes if the account had no factor before: they are shown this once.
    """
    return await factors.add_passkey(actor, caller, body)


@routes.command(
    "PATCH /api/auth/passkeys/{passkeyId}",
    event="passkeys:rename",
    needs="factors:manage",
    limits=_CHANGES,
    errors=(NoSuchPasskey,),
)
async def rename_passkey(factors: Factors, actor: Actor, body: RenamedPasskey) -> Passkey:
    """Give a passkey a name by which you know it."""
    return await factors.rename_passkey(actor, body)


@routes.command(
    "DELETE /api/auth/passkeys/{passkeyId}",
    event="passkeys:remove",
    needs="factors:manage",
    fresh=FRESH,
    limits=_CHANGES,
    errors=(NoSuchPasskey,),
)
async def remove_passkey(factors: Factors, actor: Actor, body: OnePasskey) -> None:
    """Remove a passkey. With the last factor the recovery codes go too."""
    await factors.remove_passkey(actor, body.passkey_id)


@routes.command("POST /api/auth/login/passkey/options", public=True, limits=_PROOFS, errors=(TicketGone,))
async def ask_to_come_in(factors: Factors, body: PasskeyWanted) -> RequestOptions:
    """Begin a sign-in by a passkey: what `navigator.credentials.get()` needs.

    With the `ticket` of a sign-in by password the passkey is its second factor.
    """
    return await factors.ask_to_come_in(body)


@routes.command(
    "POST /api/auth/login/passkey",
    public=True,
    limits=_PROOFS,
    errors=(WrongFactor, ChallengeGone, AccountSuspended, InvalidCredentials),
)
async def come_in(factors: Factors, caller: Caller, body: PasskeyLogin) -> SignedIn:
    """Sign in by a passkey alone, without a password. The device has verified who holds it."""
    return await factors.come_in(caller, body)


@routes.command(
    "POST /api/auth/step-up/options", event="factors:step-up-options", needs="factors:manage", limits=_PROOFS
)
async def ask_again(factors: Factors, actor: Actor) -> RequestOptions:
    """Begin a step-up by a passkey: what `navigator.credentials.get()` needs."""
    return await factors.ask_again(actor)


@routes.command(
    "POST /api/auth/login/second-factor",
    public=True,
    limits=_PROOFS,
    errors=(TicketGone, WrongFactor, ChallengeGone, AccountSuspended, InvalidCredentials),
)
async def second_step(factors: Factors, caller: Caller, body: SecondStep) -> SignedIn:
    """Finish a sign-in with the ticket of its first step and a second factor.

    A ticket is good for five minutes and five attempts. A code works once, also within its 30 seconds.
    """
    return await factors.second_step(caller, body)


@routes.command(
    "POST /api/auth/step-up",
    event="factors:step-up",
    needs="factors:manage",
    limits=_PROOFS,
    errors=(WrongFactor, ChallengeGone, NoSuchSession),
)
async def step_up(factors: Factors, actor: Actor, caller: Caller, body: StepUp) -> None:
    """Prove again that it is you, with the password or a factor: for ten minutes this session may do what needs it."""
    await factors.step_up(actor, caller, body)
