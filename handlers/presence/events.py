"""What the presence slice tells."""

from handlers.presence.models import OnlineCount, Presences, UserPresence
from server.events import Event


class PresenceUpdated(Event[UserPresence], name="presence:updated"):
    """A friend came, left, or changed the status; or you did, on one of your devices."""


class PresenceBatch(Event[Presences], name="presence:batch"):
    """News of people whom you watch, gathered for half a second.

    Of whom `presence:updated` tells by default (friends of people with up to 1,000 friends) it tells nothing more.
    """


class PresenceSnapshot(Event[Presences], name="presence:snapshot"):
    """The friends who are not offline, at the start of a connection and when you may see others than before.

    It replaces everything known before: who is not in it is offline.
    """


class PresenceCount(Event[OnlineCount], name="presence:count"):
    """How many members of a large group are here, at most once in 30 seconds. In small groups one hears of each."""


EVENTS = (PresenceUpdated, PresenceBatch, PresenceSnapshot, PresenceCount)
