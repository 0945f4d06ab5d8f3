"""What clients may do with second factors."""

from datetime import timedelta

from handlers.auth.models import SignedIn
from handlers.auth.service.errors import AccountSuspended, NoSuchSession, TicketGone
from handlers.factors.models import FirstCode, MyFactors, RecoveryCodes, SecondStep, StepUp, TotpSecret
from handlers.factors.service import Factors
from handlers.factors.service.errors import HasTotp, NoFactor, NothingProposed, WrongFactor
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
    "POST /api/auth/login/second-factor",
    public=True,
    limits=_PROOFS,
    errors=(TicketGone, WrongFactor, AccountSuspended),
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
    errors=(WrongFactor, NoSuchSession),
)
async def step_up(factors: Factors, actor: Actor, caller: Caller, body: StepUp) -> None:
    """Prove again that it is you, with the password or a factor: for ten minutes this session may do what needs it."""
    await factors.step_up(actor, caller, body)
