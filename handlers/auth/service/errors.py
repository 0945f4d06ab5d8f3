"""What this slice refuses, and in which words."""

from collections.abc import Sequence

from handlers.auth.models import FactorKind
from server.errors import Conflict, Forbidden, Gone, Invalid, MixeeError, NotFound, Unauthenticated


class InvalidCredentials(Unauthenticated):
    """Name and password do not fit together; which of them is wrong is not told."""

    code = "auth.invalid_credentials"

    def __init__(self) -> None:
        super().__init__("The name or the password is not right.")


class AccountSuspended(Forbidden):
    """The account is shut out."""

    code = "auth.account_suspended"

    def __init__(self) -> None:
        super().__init__("This account is suspended.")


class SecondFactorNeeded(Forbidden):
    """The password is right, and the account wants a second factor: `data` has the `ticket` for the next step."""

    code = "auth.second_factor_needed"

    def __init__(self, ticket: str, kinds: Sequence[FactorKind], *, seconds: int) -> None:
        super().__init__(
            "Give a second factor (POST /api/auth/login/second-factor).",
            data={"ticket": ticket, "factors": list(kinds), "expiresIn": seconds},
        )


class ChallengeNeeded(Forbidden):
    """Too many sign-ins fail: send the same again with a proof of work over `data.challenge`."""

    code = "auth.challenge_needed"

    def __init__(self, challenge: str, bits: int, *, seconds: int) -> None:
        super().__init__(
            "Send the same again with proofOfWork: an answer for which SHA-256 of challenge:answer begins with so many "
            "zero bits.",
            data={"challenge": challenge, "bits": bits, "expiresIn": seconds},
        )


class TicketGone(Unauthenticated):
    """The ticket was used, is too old, had its five attempts, or never was one."""

    code = "auth.ticket_gone"

    def __init__(self) -> None:
        super().__init__("This sign-in is not valid any more: begin with the password again.")


class UsernameTaken(Conflict):
    """Somebody has this username."""

    code = "auth.username_taken"

    def __init__(self) -> None:
        super().__init__("This username is taken.", details=[{"field": "username", "message": "is taken"}])


class EmailTaken(Conflict):
    """There is an account with this e-mail."""

    code = "auth.email_taken"

    def __init__(self) -> None:
        super().__init__(
            "There is an account with this e-mail already.", details=[{"field": "email", "message": "is taken"}]
        )


class PhoneTaken(Conflict):
    """Another account has verified this number."""

    code = "auth.phone_taken"

    def __init__(self) -> None:
        super().__init__("Another account has this number.", details=[{"field": "phone", "message": "is taken"}])


class WeakPassword(Invalid):
    """The password is too easy to guess."""

    code = "auth.weak_password"

    def __init__(self, message: str) -> None:
        super().__init__(f"Choose another password: it {message}.", details=[{"field": "password", "message": message}])


class RefreshInvalid(Unauthenticated):
    """The refresh token is none of a running session: sign in again."""

    code = "auth.refresh_invalid"

    def __init__(self) -> None:
        super().__init__("The refresh token is not valid: sign in again.")


class RefreshReused(Unauthenticated):
    """The refresh token was used before. Its session has been ended, for two parties seem to hold it."""

    code = "auth.refresh_reused"

    def __init__(self) -> None:
        super().__init__("The refresh token was used before; its session has ended. Sign in again.")


class ProofGone(Gone):
    """The secret was used, is too old, or never was one."""

    code = "auth.proof_gone"

    def __init__(self) -> None:
        super().__init__("This link or code is not valid any more: ask for a new one.")


class WrongCode(Invalid):
    """The code is not the one that was sent."""

    code = "auth.wrong_code"

    def __init__(self) -> None:
        super().__init__(
            "This is not the code.", details=[{"field": "code", "message": "is not the one that was sent"}]
        )


class NoPhone(Invalid):
    """There is no number to send a code to."""

    code = "auth.no_phone"

    def __init__(self) -> None:
        super().__init__(
            "Your account has no telephone number: give one.", details=[{"field": "phone", "message": "is needed"}]
        )


class NoSuchSession(NotFound):
    """You have no such session."""

    code = "auth.session_not_found"

    def __init__(self) -> None:
        super().__init__("You have no such session.")


ERRORS: tuple[type[MixeeError], ...] = (
    InvalidCredentials,
    AccountSuspended,
    SecondFactorNeeded,
    ChallengeNeeded,
    TicketGone,
    UsernameTaken,
    EmailTaken,
    PhoneTaken,
    WeakPassword,
    RefreshInvalid,
    RefreshReused,
    ProofGone,
    WrongCode,
    NoPhone,
    NoSuchSession,
)
