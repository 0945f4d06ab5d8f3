"""What happens to attachments, for the person's own devices and for other slices."""

from handlers.media.models import Medium
from server.events import Event


class MediaReady(Event[Medium], name="media:ready"):
    """An upload of yours is finished, here or on another device: it can be sent and seen."""


class MediaDeleted(Event[Medium], name="media:deleted", durable=True):
    """A medium of yours was deleted: its addresses work no more. The payload is how it was."""


EVENTS = (MediaReady, MediaDeleted)
