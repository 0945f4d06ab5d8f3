"""What happens to second factors, for the person's devices."""

from handlers.factors.models import FactorsChange
from server.events import Event


class FactorsChanged(Event[FactorsChange], name="factors:changed"):
    """Your second factors were changed, or a recovery code was used. If that was not you, end the other sessions."""


EVENTS = (FactorsChanged,)
