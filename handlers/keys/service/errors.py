"""What this slice refuses, and in which words."""

from server.errors import Conflict, Forbidden, Invalid, NotFound


class NoDevice(Conflict):
    """This sign-in is no device for encrypted conversations yet."""

    code = "keys.no_device"

    def __init__(self) -> None:
        super().__init__("This device has no keys here: register it, or link it to your first device.")


class AlreadyThere(Conflict):
    """The account has an identity key already, or this sign-in is one of its devices."""

    code = "keys.already_there"


class NotFirst(Forbidden):
    """Only the first device of an account may do this."""

    code = "keys.not_first"


class BadToken(Forbidden):
    """The token for another device is none, was used, or is too old."""

    code = "keys.bad_token"

    def __init__(self) -> None:
        super().__init__("This token is not valid (any more): let your first device make another one.")


class TooManyDevices(Invalid):
    """The account has as many devices as it may."""

    status = 411
    code = "keys.too_many_devices"

    def __init__(self, current: int, most: int) -> None:
        super().__init__(
            f"An account has at most {most} devices: remove one first.",
            data={"current": current, "max": most},
        )


class BadKeys(Invalid):
    """A key is no good, or its signature does not belong to the identity key; nothing was stored."""

    code = "keys.bad_keys"


class Differs(Conflict):
    """The server has other keys of this device than the device thinks: upload them again."""

    code = "keys.differs"

    def __init__(self) -> None:
        super().__init__("The server has other keys of this device: upload the signed and the last-resort key again.")


class NoKeys(NotFound):
    """There are no keys of this person, or none for the one who asks."""

    code = "keys.none"

    def __init__(self) -> None:
        super().__init__("There are no keys of this person for you.")


ERRORS = (NoDevice, AlreadyThere, NotFirst, BadToken, TooManyDevices, BadKeys, Differs, NoKeys)
