"""What this slice tells."""

from handlers.envelopes.models import Envelope, Receipt
from server.events import Event


class EnvelopeArrived(Event[Envelope], name="e2ee:envelope"):
    """Something encrypted for this device, told to it alone. It waits until the device acknowledges it."""


class EnvelopeDelivered(Event[Receipt], name="e2ee:receipt"):
    """A device of somebody has what this device sent. Not told of those who hide how far they have read."""


EVENTS = (EnvelopeArrived, EnvelopeDelivered)
