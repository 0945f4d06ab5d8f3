"""What the notices slice refuses, and why."""

from server.errors import MixeeError, NotFound


class NoSuchNotice(NotFound):
    """The one who asks has no such notice (any more)."""

    code = "notices.not_found"

    def __init__(self) -> None:
        super().__init__("You have no such notice.")


ERRORS: tuple[type[MixeeError], ...] = (NoSuchNotice,)
