"""What the social slice tells."""

from handlers.social.models import Friendship, Permit, Tie, UserBlock
from server.events import Event


class FriendRequested(Event[Friendship], name="friend:request", durable=True):
    """Somebody asks to be friends."""


class FriendAccepted(Event[Friendship], name="friend:accepted", durable=True):
    """A request was accepted: told to both people, each with their own view of the friendship."""


class FriendRemovedFrom(Event[Friendship], name="friend:removed"):
    """A friendship or a request is gone. The payload is how it was."""


class FriendUpdated(Event[Friendship], name="friend:updated"):
    """One of your own devices changed a friendship: sent or declined a request, set a category or a permission."""


class UserBlocked(Event[UserBlock], name="user:blocked", durable=True):
    """You blocked somebody, on one of your devices. The other is not told."""


class UserUnblocked(Event[UserBlock], name="user:unblocked", durable=True):
    """You took back a block, on one of your devices. The other is not told."""


class FriendAdded(Event[Tie], name="social:added", durable=True):
    """Two people have become friends. For other slices."""


class FriendRemoved(Event[Tie], name="social:removed", durable=True):
    """Two people are friends no more. For other slices."""


class PermitChanged(Event[Permit], name="social:permit", durable=True):
    """Somebody changed what a friend may do. For other slices."""
