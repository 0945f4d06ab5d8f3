"""What happens to sessions, for the person's other devices."""

from handlers.auth.models import SessionOpening, SessionsEnding
from server.events import Event


class SessionOpened(Event[SessionOpening], name="session:opened"):
    """Your account was signed in on a device. If that was not you, end the session and set a new password."""


class SessionsEnded(Event[SessionsEnding], name="session:ended"):
    """Devices of yours were signed out."""


EVENTS = (SessionOpened, SessionsEnded)
