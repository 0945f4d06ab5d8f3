"""What clients may do to come in, stay in and leave."""

from datetime import timedelta

from handlers.auth.models import (
    Accepted,
    EmailChange,
    EmailProof,
    Forgot,
    Login,
    NewAccount,
    OneSession,
    PasswordChange,
    PhoneNumber,
    PhoneProof,
    Refresh,
    RenamedSession,
    Reset,
    SessionInfo,
    SessionList,
    SignedIn,
    Tokens,
    Verified,
)
from handlers.auth.service import Auth
from handlers.auth.service.errors import (
    AccountSuspended,
    ChallengeNeeded,
    EmailTaken,
    InvalidCredentials,
    NoPhone,
    NoSuchSession,
    PhoneTaken,
    ProofGone,
    RefreshInvalid,
    RefreshReused,
    SecondFactorNeeded,
    UsernameTaken,
    WeakPassword,
    WrongCode,
)
from handlers.users.service import NoSuchUser
from server.actors import Actor, Caller
from server.routes import Limit, Routes

routes = Routes("auth")

FRESH = timedelta(minutes=10)
"""How long a proof is good enough for what a stolen token must not do."""

# Messaging rules §5: registration 3 at once, then one a minute; sign-in 5 at once, then one every 333 s, by address.
# Failures of an account are the guard's (`service/guard.py`): a limit by account would let anybody shut its owner out.
# Proofs 5 an hour and 10 a day for a target, 20 a day for an
# address.
_REGISTRATION = (Limit(3, 60, by="address", strict=True),)
_SIGN_IN = (Limit(5, 333, by="address", strict=True),)
_PROOFS_OF_ONE = (
    Limit(5, 720, strict=True),
    Limit(10, 8640, strict=True),
    Limit(20, 4320, by="address", strict=True),
)
_PROOFS_OF_ANY = (
    Limit(5, 720, by="address", field="email", strict=True),
    Limit(10, 8640, by="address", field="email", strict=True),
    Limit(20, 4320, by="address", strict=True),
)
_GUESSES = (Limit(10, 30, by="address", strict=True),)

_SENT = Accepted(message="If there is such an account, a letter is on its way.")


@routes.command(
    "POST /api/auth/register",
    public=True,
    status=201,
    limits=_REGISTRATION,
    errors=(UsernameTaken, EmailTaken, WeakPassword),
)
async def register(auth: Auth, caller: Caller, body: NewAccount) -> SignedIn:
    """Make an account and sign it in.

    A letter follows that verifies the e-mail address, and a text message if a telephone number was given.
    """
    return await auth.register(caller, body)


@routes.command(
    "POST /api/auth/login",
    public=True,
    limits=_SIGN_IN,
    errors=(InvalidCredentials, AccountSuspended, SecondFactorNeeded, ChallengeNeeded),
)
async def login(auth: Auth, caller: Caller, body: Login) -> SignedIn:
    """Sign in by e-mail or by username.

    A session that the same device had before is replaced. An account that was marked for deletion comes back. With a
    second factor the answer is `auth.second_factor_needed`, and `data.ticket` goes into the next step.
    """
    return await auth.login(caller, body)


@routes.command("POST /api/auth/logout", needs="session:manage", unit=True)
async def logout(auth: Auth, actor: Actor) -> None:
    """Sign out of this session: its tokens are refused and its connections cut, on every server."""
    await auth.book.log_out(actor)


@routes.command(
    "POST /api/auth/refresh",
    public=True,
    limits=(Limit(60, 1, by="address"),),
    errors=(RefreshInvalid, RefreshReused, AccountSuspended),
)
async def refresh(auth: Auth, caller: Caller, body: Refresh) -> Tokens:
    """Exchange a refresh token for a fresh pair.

    A refresh token works once. One that comes back later ends its session, for two parties seem to hold it. If the
    answer was lost, the same device may send the same token again within 10 seconds.
    """
    return await auth.book.refresh(caller, body)


@routes.command("POST /api/auth/verify-email", public=True, limits=_GUESSES, errors=(ProofGone,))
async def verify_email(auth: Auth, body: EmailProof) -> Verified:
    """Prove that an e-mail address is one's own, with the secret from the letter."""
    await auth.proofs.verify_email(body)
    return Verified()


@routes.command(
    "POST /api/auth/verify-email/send",
    event="auth:send-email-proof",
    needs="user:update",
    status=202,
    limits=_PROOFS_OF_ONE,
)
async def send_email_proof(auth: Auth, actor: Actor) -> Accepted:
    """Ask for the verification letter once more; the one before is void."""
    await auth.proofs.send_email_proof(actor)
    return Accepted(message="A letter is on its way.")


@routes.command(
    "POST /api/auth/verify-phone",
    event="auth:verify-phone",
    needs="user:update",
    limits=(Limit(10, 30, strict=True),),
    errors=(ProofGone, WrongCode, PhoneTaken),
)
async def verify_phone(auth: Auth, actor: Actor, body: PhoneProof) -> Verified:
    """Prove that a telephone number is one's own, with the code from the text message.

    The number becomes the account's. After five wrong codes ask for a new one.
    """
    await auth.proofs.verify_phone(actor, body)
    return Verified()


@routes.command(
    "POST /api/auth/verify-phone/send",
    event="auth:send-phone-code",
    needs="user:update",
    status=202,
    limits=(*_PROOFS_OF_ONE, Limit(5, 720, by="address", field="phone", strict=True)),
    errors=(NoPhone,),
)
async def send_phone_code(auth: Auth, actor: Actor, body: PhoneNumber) -> Accepted:
    """Ask for a code to a telephone number; the code before is void."""
    await auth.proofs.send_phone_code(actor, body)
    return Accepted(message="A text message is on its way.")


@routes.command("POST /api/auth/forgot-password", public=True, status=202, limits=_PROOFS_OF_ANY)
async def forgot_password(auth: Auth, body: Forgot) -> Accepted:
    """Ask for a letter to set a new password. The answer is the same whether or not there is such an account."""
    auth.proofs.forgot(body)
    return _SENT


@routes.command("POST /api/auth/reset-password", public=True, limits=_GUESSES, errors=(ProofGone, WeakPassword))
async def reset_password(auth: Auth, body: Reset) -> None:
    """Set a new password with the secret from the letter. Every session of the account ends."""
    await auth.proofs.reset(body)


@routes.command(
    "PUT /api/auth/password",
    event="auth:change-password",
    needs="user:update",
    fresh=FRESH,
    limits=(Limit(5, 720, strict=True),),
    errors=(WeakPassword,),
)
async def change_password(auth: Auth, actor: Actor, body: PasswordChange) -> None:
    """Set another password. Every other session of the account ends; a letter tells of it."""
    await auth.proofs.change_password(actor, body)


@routes.command(
    "PUT /api/auth/email",
    event="auth:change-email",
    needs="user:update",
    fresh=FRESH,
    status=202,
    limits=_PROOFS_OF_ONE,
)
async def propose_email(auth: Auth, actor: Actor, body: EmailChange) -> Accepted:
    """Ask for a letter to another address, which becomes the account's with the secret in it.

    The answer is the same whether or not another account has the address.
    """
    await auth.proofs.propose_email(actor, body)
    return Accepted(message="A letter is on its way, unless another account has this address.")


@routes.command(
    "POST /api/auth/email/confirm", public=True, limits=_GUESSES, errors=(ProofGone, EmailTaken, NoSuchUser)
)
async def change_email(auth: Auth, body: EmailProof) -> Verified:
    """Make an address that of one's account, with the secret from the letter. The old address is told."""
    await auth.proofs.change_email(body)
    return Verified()


@routes.command("GET /api/auth/sessions", event="auth:sessions", needs="session:manage")
async def sessions(auth: Auth, actor: Actor) -> SessionList:
    """List the devices that one is signed in on."""
    return await auth.book.overview(actor)


@routes.command(
    "PATCH /api/auth/sessions/{sessionId}",
    event="auth:rename-session",
    needs="session:manage",
    errors=(NoSuchSession,),
)
async def rename_session(auth: Auth, actor: Actor, body: RenamedSession) -> SessionInfo:
    """Give a device a name by which you know it."""
    return await auth.book.rename(actor, body.session_id, body.name)


@routes.command(
    "DELETE /api/auth/sessions/{sessionId}",
    event="auth:end-session",
    needs="session:manage",
    unit=True,
    errors=(NoSuchSession,),
)
async def end_session(auth: Auth, actor: Actor, body: OneSession) -> None:
    """Sign a device out: its tokens are refused and its connections cut, on every server."""
    await auth.book.end(actor, body.session_id)
