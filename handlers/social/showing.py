"""Who sees when somebody is or was online: the one rule, pure. It is asked in both directions, for each two people."""

from dataclasses import replace

from handlers.social.models import Side, Stance
from handlers.users.privacy import PresenceChoice

CLOSE = "close_friend"
"""The category of friends whom the level `close` means."""


def see_each_other(theirs: PresenceChoice, mine: PresenceChoice, stance: Stance) -> bool:
    """Whether two people see it of each other: who hides it from the other does not see it, and a block ends it."""
    return not stance.blocked and _lets_see(mine, stance.mine) and _lets_see(theirs, stance.theirs)


def shows_to(mine: PresenceChoice, stance: Stance) -> bool:
    """Whether a person's own settings let another see it, whatever the other's say."""
    return not stance.blocked and _lets_see(mine, stance.mine)


def hides_from(mine: PresenceChoice, stance: Stance) -> bool:
    """Whether a person keeps from another, with whom he talks, what tells that he is online, such as typing.

    To talk with somebody who is no friend is not to hide from him: the level `friends` does not count as hiding.
    """
    if mine.level == "friends":
        mine = replace(mine, level="everyone")
    return not shows_to(mine, stance)


def _lets_see(choice: PresenceChoice, side: Side | None) -> bool:
    """`side`: what the person says of the other as a friend, if they are friends.

    A no goes before a yes: the list of those who never see it, then what a friend may not, then the list of those who
    always do, then the level.
    """
    if choice.never or (side is not None and not side.can_see_online_status):
        return False
    if choice.always or choice.level == "everyone":
        return True
    if side is None or choice.level == "nobody":
        return False
    return choice.level == "friends" or side.relationship == CLOSE
