"""What the presence slice tells."""

from handlers.presence.models import Presences, UserPresence
from server.events import Event


class PresenceUpdated(Event[UserPresence], name="presence:updated"):
    """A friend came, left, or changed the status; or you did, on one of your devices."""


class PresenceSnapshot(Event[Presences], name="presence:snapshot"):
    """The friends who are not offline, at the start of a connection and when you may see others than before.

    It replaces everything known before: who is not in it is offline.
    """
