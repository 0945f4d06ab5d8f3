"""What happens to accounts, for the person's own devices and for other slices."""

from handlers.users.models import AboutUser, Reported, Updated
from handlers.users.privacy import PresenceAudience
from server.events import Event


class UserUpdated(Event[Updated], name="user:updated", durable=True):
    """Your account was changed (the profile, a picture, the privacy settings), here or on another device."""


class UserDeleted(Event[AboutUser], name="user:deleted", durable=True):
    """An account was marked for deletion: from now on nobody sees it. It may come back during the grace period."""


class UserRestored(Event[AboutUser], name="user:restored", durable=True):
    """An account that was marked for deletion, or suspended, is back."""


class UserSuspended(Event[AboutUser], name="user:suspended", durable=True):
    """An account was suspended: it may not sign in."""


class UserReported(Event[Reported], name="user:reported", durable=True):
    """Somebody was reported. For other slices; the one it is about is not told."""


class AudienceChanged(Event[PresenceAudience], name="user:audience", durable=True):
    """Somebody changed who sees when he is online; the payload is how it was. For other slices."""


class UserErased(Event[AboutUser], name="user:erased", durable=True):
    """An account was erased for good: whatever is still kept about the person must go."""


EVENTS = (UserUpdated, UserDeleted, UserRestored, UserSuspended, UserReported, AudienceChanged, UserErased)
