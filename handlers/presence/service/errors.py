"""What the presence slice refuses, and why."""

from server.errors import Conflict, Invalid, MixeeError


class AlreadyOver(Invalid):
    """A line that would be over before it begins."""

    code = "presence.already_over"


class TooManyWatched(Conflict):
    """A device that would watch more people than it may."""

    code = "presence.too_many_watched"


ERRORS: tuple[type[MixeeError], ...] = (AlreadyOver, TooManyWatched)
