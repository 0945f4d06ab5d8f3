"""What the safety slice tells."""

from handlers.safety.models import Appeal, MyMeasure
from server.events import Event


class Warned(Event[MyMeasure], name="safety:warned"):
    """You were warned by a moderator."""


class AppealDecided(Event[Appeal], name="safety:appeal"):
    """Your appeal was decided."""


EVENTS = (Warned, AppealDecided)
