"""What this slice refuses, and in which words."""

from server.errors import Conflict, Forbidden, Gone


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


class HasTotp(Conflict):
    """There is an authenticator app already."""

    code = "factors.totp_exists"

    def __init__(self) -> None:
        super().__init__("Your account has an authenticator app already: remove that one first.")


ERRORS = (WrongFactor, NothingProposed, NoFactor, HasTotp)
