"""The rules of the social slice: friends, blocks, suggestions, and answers to other slices."""

from handlers.social.service.blocks import Blocks
from handlers.social.service.errors import (
    ERRORS,
    AlreadyFriends,
    BlockedByYou,
    NoFriendship,
    NoSuchPerson,
    NotAsked,
    NotBlocked,
    NotFriends,
    NotPending,
    NotWelcome,
    TooManyBlocks,
    TooManyFriends,
    Yourself,
)
from handlers.social.service.friends import Friends
from handlers.social.service.ports import AddressBooks
from handlers.social.service.social import Social
from handlers.social.service.suggestions import FriendFinder
from handlers.social.service.ties import Ties
from handlers.social.service.views import Views

__all__ = [
    "ERRORS",
    "AddressBooks",
    "AlreadyFriends",
    "BlockedByYou",
    "Blocks",
    "FriendFinder",
    "Friends",
    "NoFriendship",
    "NoSuchPerson",
    "NotAsked",
    "NotBlocked",
    "NotFriends",
    "NotPending",
    "NotWelcome",
    "Social",
    "Ties",
    "TooManyBlocks",
    "TooManyFriends",
    "Views",
    "Yourself",
]
