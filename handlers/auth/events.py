"""What happens to sessions, for the person's other devices."""

from handlers.auth.models import SessionName, SessionOpening, SessionsEnding
from server.events import Event


class SessionOpened(Event[SessionOpening], name="session:opened"):
    """Your account was signed in on a device. If that was not you, end the session and set a new password."""


class SessionRenamed(Event[SessionName], name="session:renamed"):
    """You have given one of your devices another name."""


class SessionsEnded(Event[SessionsEnding], name="session:ended"):
    """Devices of yours were signed out."""


EVENTS = (SessionOpened, SessionRenamed, SessionsEnded)
