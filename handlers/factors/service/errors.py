"""What this slice refuses, and in which words."""

from server.errors import Conflict, Forbidden, Gone, Invalid, NotFound


class WrongFactor(Forbidden):
    """The proof is not right, or was used before."""

    code = "factors.wrong"

    def __init__(self) -> None:
        super().__init__("This is not right, or was used before. Wait for the next code, or take another factor.")


class NothingProposed(Gone):
    """There is no authenticator app that waits for its first code."""

    code = "factors.nothing_proposed"

    def __init__(self) -> None:
        super().__init__("Begin again: ask for a secret, and confirm it within a few minutes.")


class NoFactor(Conflict):
    """The account has no such second factor."""

    code = "factors.none"

    def __init__(self) -> None:
        super().__init__("Your account has no such second factor.")


class PasskeyRefused(Invalid):
    """What the browser made is no passkey for this service."""

    code = "factors.passkey_refused"

    def __init__(self) -> None:
        super().__init__("This passkey cannot be used here: make one with the options of this server, on its own page.")


class PasskeyTaken(Conflict):
    """The passkey is one of an account already."""

    code = "factors.passkey_taken"

    def __init__(self) -> None:
        super().__init__("This passkey is in use already.")


class TooManyPasskeys(Conflict):
    """The account has as many passkeys as it may have."""

    code = "factors.too_many_passkeys"

    def __init__(self) -> None:
        super().__init__("Your account has as many passkeys as it may have: remove one first.")


class NoSuchPasskey(NotFound):
    """You have no such passkey."""

    code = "factors.passkey_not_found"

    def __init__(self) -> None:
        super().__init__("You have no such passkey.")


class ChallengeGone(Gone):
    """The challenge was answered, is too old, was given for something else, or never was one."""

    code = "factors.challenge_gone"

    def __init__(self) -> None:
        super().__init__("This challenge is not valid any more: ask for new options.")


class HasTotp(Conflict):
    """There is an authenticator app already."""

    code = "factors.totp_exists"

    def __init__(self) -> None:
        super().__init__("Your account has an authenticator app already: remove that one first.")


ERRORS = (
    WrongFactor,
    NothingProposed,
    NoFactor,
    HasTotp,
    PasskeyRefused,
    PasskeyTaken,
    TooManyPasskeys,
    NoSuchPasskey,
    ChallengeGone,
)
