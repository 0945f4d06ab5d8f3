"""What AutoMod refuses, beside the errors that all slices share."""

from server.errors import Conflict, NotFound


class NoSuchRule(NotFound):
    """There is no such rule in this group."""

    code = "automod.no_such_rule"


class TooManyRules(Conflict):
    """The group would have more rules or words than it may."""

    code = "automod.too_many_rules"


class NoSuchHeld(NotFound):
    """No such message waits in this group."""

    code = "automod.no_such_held"


class AlreadyDecided(Conflict):
    """An admin has decided about this message, or is doing so."""

    code = "automod.already_decided"


class CannotSend(Conflict):
    """The message that was approved of cannot be sent."""

    code = "automod.cannot_send"


ERRORS = (NoSuchRule, TooManyRules, NoSuchHeld, AlreadyDecided, CannotSend)
