"""What this slice refuses, and in which words."""

from server.errors import Invalid, MixeeError, NotFound


class NoSuchUser(NotFound):
    """There is no such account, or none that you may see; the two cannot be told apart."""

    code = "users.not_found"

    def __init__(self) -> None:
        super().__init__("There is no such user.")


class NotYourself(Invalid):
    """This can only be done to somebody else."""

    code = "users.not_yourself"


class BadField(Invalid):
    """A value that its form allows and the facts do not."""

    code = "users.bad_field"


class BadCursor(Invalid):
    """The cursor is none that this server gave for this search."""

    code = "users.bad_cursor"

    def __init__(self) -> None:
        super().__init__(
            "The cursor is not one of this search: begin again without it.",
            details=[{"field": "cursor", "message": "is not one that a page of this search gave"}],
        )


ERRORS: tuple[type[MixeeError], ...] = (NoSuchUser, NotYourself, BadField, BadCursor)
