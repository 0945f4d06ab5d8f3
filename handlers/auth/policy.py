"""Which passwords are refused although they are long enough: the names that belong to the account."""

MESSAGE = "must not be your username or your e-mail"


def is_own_name(password: str, *, username: str, email: str) -> bool:
    """Whether the password is the account's username, its e-mail or the part of it before the @."""
    plain = password.strip().casefold()
    return plain in {username.casefold(), email.casefold(), email.partition("@")[0].casefold()}
