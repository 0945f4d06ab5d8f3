"""What the social slice refuses, and why."""

from server.errors import Conflict, Forbidden, Invalid, MixeeError, NotFound


class NoSuchPerson(NotFound):
    """There is no such person, or none that the one who asks may reach; the two cannot be told apart."""

    code = "social.no_such_person"

    def __init__(self) -> None:
        super().__init__("There is no such person.")


class Yourself(Invalid):
    """It takes two."""

    code = "social.yourself"


class NoFriendship(NotFound):
    """There is no such friendship or request, or none of the one who asks."""

    code = "social.no_friendship"


class AlreadyFriends(Conflict):
    """The two are friends."""

    code = "social.already_friends"


class BlockedByYou(Conflict):
    """The one who asks has blocked the other."""

    code = "social.blocked_by_you"


class NotWelcome(Forbidden):
    """The other person takes no requests."""

    code = "social.not_welcome"


class NotAsked(Forbidden):
    """Only the one who was asked may answer a request."""

    code = "social.not_asked"


class NotPending(Conflict):
    """The request has been answered."""

    code = "social.not_pending"


class NotFriends(Conflict):
    """The two are not friends (any more)."""

    code = "social.not_friends"


class TooManyFriends(Conflict):
    """One of the two has as many friends as there may be."""

    code = "social.too_many_friends"


class TooManyBlocks(Conflict):
    """The one who asks has blocked as many people as there may be."""

    code = "social.too_many_blocks"


class NotBlocked(NotFound):
    """The one who asks has not blocked that person."""

    code = "social.not_blocked"


ERRORS: tuple[type[MixeeError], ...] = (
    NoSuchPerson,
    Yourself,
    NoFriendship,
    AlreadyFriends,
    BlockedByYou,
    NotWelcome,
    NotAsked,
    NotPending,
    NotFriends,
    TooManyFriends,
    TooManyBlocks,
    NotBlocked,
)
