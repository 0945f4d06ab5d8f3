"""What the presence slice refuses, and why."""

from server.errors import Invalid, MixeeError


class AlreadyOver(Invalid):
    """A line that would be over before it begins."""

    code = "presence.already_over"


ERRORS: tuple[type[MixeeError], ...] = (AlreadyOver,)
