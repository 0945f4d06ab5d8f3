"""What AutoMod tells."""

from handlers.automod.models.acts import Act, Decision, HeldMessage
from server.events import Event


class AutoModAlert(Event[Act], name="automod:alert"):
    """A rule found something of which the group's admins want to know. Told to them alone."""


class AutoModHeld(Event[HeldMessage], name="automod:held"):
    """A message waits for an admin. Told to the group's admins alone."""


class AutoModDecided(Event[Decision], name="automod:decided"):
    """An admin has decided about a message that waited. Told to its author and the group's admins."""


EVENTS = (AutoModAlert, AutoModHeld, AutoModDecided)
